//! Edits, deletes and restores over HTTP, item by item, until Cloudinary has followed.

use end_to_end::{DataApiCaller, World, eventually, id_of};
use local_stack::{Claims, Options, Stack};
use media_sync::cloudinary::CloudinaryResource;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_postgres::NoTls;

const MEDIA: &str = "/api/cloudinary/media";
const RESTORE: &str = "/api/cloudinary/media/restore";

async fn ask(world: &World, method: Method, path: &str, token: &str, body: Value) -> Value {
    let answer = world.call(method, path, Some(token), Some(body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.body
}

/// The failed items as public id and code, in their order.
fn failures(answer: &Value) -> Vec<(&str, &str)> {
    let failed = answer["failed"].as_array().expect("a list").iter();
    failed
        .map(|item| {
            assert!(item["error"].is_string(), "{item}");
            let text = |name: &str| item[name].as_str().unwrap_or_default();
            (text("public_id"), text("code"))
        })
        .collect()
}

async fn upload(world: &World, public_id: &str, colour: u8) -> CloudinaryResource {
    let asset = world.cloud.upload(public_id, colour).await;
    world
        .row_becomes("the upload arrives", &asset, |row| {
            row["sync_status"] == "synced"
        })
        .await;
    asset
}

async fn give(world: &World, asset: &CloudinaryResource, user: &str) {
    let sql = "update public.media_assets set uploaded_by = $1::text::uuid where cloudinary_asset_id = $2 returning id";
    let given = world.rows(sql, &[&user, &id_of(asset).as_str()]).await;
    assert_eq!(given.len(), 1);
}

async fn settled(world: &World, what: &str, asset: &CloudinaryResource, live: bool) {
    world
        .row_becomes(what, asset, |row| {
            row["sync_status"] == "synced"
                && row["intent"].is_null()
                && row["deleted_at"].is_null() == live
        })
        .await;
    assert_eq!(world.cloud.has(id_of(asset)).await, live, "{what}");
}

/// The audit trail of people's requests: operation, source, and whether a user is named.
async fn asked_for(world: &World, asset: &CloudinaryResource) -> Vec<Value> {
    let sql = "select operation, source, actor::text from public.media_sync_log
        where cloudinary_asset_id = $1 and (operation like '%\\_requested' or operation = 'described') order by id";
    world.rows(sql, &[&id_of(asset).as_str()]).await
}

#[tokio::test]
async fn edits_over_http_reach_cloudinary_item_by_item() {
    let world = World::start().await;
    let mug = upload(&world, "shop/mug", 1).await;
    let cup = upload(&world, "shop/cup, blue", 2).await;
    let pot = upload(&world, "shop/pot", 3).await;
    for asset in [&cup, &pot] {
        give(&world, asset, &world.user_id).await;
    }

    // One edit, of everything that can be edited.
    let edit = json!({
        "asset_id": id_of(&mug), "tags": ["sale", "new"], "context": {"alt": "a=b|c\\d", "owner": "Ann"},
        "metadata": {"sku": "M-2"}, "display_name": "Beaker", "folder": "/sale/", "public_id": "shop/beaker",
        "description": "Only here",
    });
    let answer = ask(&world, Method::PATCH, MEDIA, &world.admin, edit).await;
    let asset =
        json!({"asset_id": id_of(&mug), "public_id": "shop/beaker", "sync_status": "pending"});
    assert_eq!(
        answer,
        json!({
            "updated": ["shop/beaker"], "failed": [], "assets": [asset],
            "message": "1 updated here; Cloudinary follows.",
        })
    );
    settled(&world, "Cloudinary has the edit", &mug, true).await;
    let there = world.cloud.fetch(id_of(&mug)).await.unwrap();
    assert_eq!(there.public_id.as_deref(), Some("shop/beaker"));
    assert_eq!(there.asset_folder.as_deref(), Some("sale"));
    assert_eq!(there.display_name.as_deref(), Some("Beaker"));
    assert_eq!(there.tags.unwrap().len(), 2);
    assert_eq!(there.context.unwrap()["alt"], "a=b|c\\d");
    assert_eq!(there.metadata.unwrap()["sku"], "M-2");

    // Several, of which only one is possible; only what is named changes.
    let unknown = "0123456789abcdef0123456789abcdef";
    let items = json!({"items": [
        {"asset_id": id_of(&cup), "tags": ["mine"]},
        {"asset_id": id_of(&mug), "tags": ["stolen"]},
        {"asset_id": unknown, "tags": ["nobody's"]},
        {"asset_id": id_of(&pot), "public_id": "shop/beaker", "tags": ["all or nothing"]},
    ]});
    let answer = ask(&world, Method::PATCH, MEDIA, &world.user, items).await;
    assert_eq!(answer["updated"], json!(["shop/cup, blue"]));
    assert_eq!(
        failures(&answer),
        [
            ("shop/beaker", "forbidden"),
            (unknown, "not_found"),
            ("shop/pot", "name_taken")
        ]
    );
    settled(&world, "Cloudinary has the tag", &cup, true).await;
    let there = world.cloud.fetch(id_of(&cup)).await.unwrap();
    assert_eq!(there.tags, Some(vec!["mine".to_owned()]));
    assert_eq!(world.row(&pot).await.unwrap()["tags"], json!([]));

    // What only this side knows waits for nobody.
    world.settle().await;
    world.cloud.reset_requests().await;
    let edit = json!({"asset_id": id_of(&cup), "description": "Blue", "alt_text": "A blue cup"});
    let answer = ask(&world, Method::PATCH, MEDIA, &world.user, edit).await;
    assert_eq!(answer["assets"][0]["sync_status"], "synced", "{answer}");
    assert_eq!(
        answer["message"],
        "1 updated; Cloudinary has nothing to do."
    );
    let row = world.row(&cup).await.unwrap();
    assert_eq!(
        (&row["description"], &row["tags"]),
        (&json!("Blue"), &json!(["mine"]))
    );
    assert!(
        row["intent"].is_null() && row["sync_status"] == "synced",
        "{row}"
    );
    assert!(world.waiting_messages().await.is_empty(), "nothing is sent");
    assert_eq!(world.cloud.requests().await, json!({}), "and nobody called");
    let by_user =
        |operation: &str| json!({"operation": operation, "source": "api", "actor": world.user_id});
    assert_eq!(
        asked_for(&world, &cup).await,
        [by_user("edit_requested"), by_user("described")]
    );

    // What is wrong with the request itself is said before anything is done.
    let wrong = json!({"items": [
        {"asset_id": id_of(&cup), "tags": ["never"]}, {"asset_id": id_of(&pot), "tags": ["a,b"]},
    ]});
    let answer = world
        .call(Method::PATCH, MEDIA, Some(&world.user), Some(wrong))
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        answer.body["parameter"], "items[1].tags[0]",
        "{}",
        answer.body
    );
    assert_eq!(world.row(&cup).await.unwrap()["tags"], json!(["mine"]));
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn deletes_are_guarded_by_references_and_undone_over_http() {
    let world = World::start().await;
    let cup = upload(&world, "shop/cup, blue", 1).await;
    let jug = upload(&world, "shop/jug", 2).await;
    give(&world, &cup, &world.user_id).await;
    let row_id = world.row(&jug).await.unwrap()["id"].clone();
    let refer = "insert into public.media_usage (asset_id, usage_type, table_name, record_id, created_at)
        select $1::text::uuid, 'hero', 'pages', n::text, now() + n * interval '1 second' from generate_series(1, 12) n
        returning id";
    world.rows(refer, &[&row_id.as_str().unwrap()]).await;

    // Nothing gets out while the delete and its undoing are asked for.
    let outage = json!({"operation": "by_asset_ids", "status": 503});
    world.cloud.fault(outage.clone()).await;
    let names = json!({"public_ids": ["shop/cup, blue", "shop/jug", "shop/none"]});
    let answer = ask(&world, Method::DELETE, MEDIA, &world.admin, names.clone()).await;
    assert_eq!(answer["deleted"], json!(["shop/cup, blue"]));
    assert_eq!(
        failures(&answer),
        [("shop/jug", "in_use"), ("shop/none", "not_found")]
    );
    let in_use = &answer["failed"][0];
    assert_eq!(in_use["asset_id"], json!(id_of(&jug)));
    assert_eq!(in_use["reference_count"], 12);
    assert_eq!(in_use["references"].as_array().unwrap().len(), 10);
    assert_eq!(
        in_use["references"][0],
        json!({"table": "pages", "row": "1", "kind": "hero"})
    );
    let again = ask(
        &world,
        Method::DELETE,
        MEDIA,
        &world.user,
        json!({"asset_ids": [id_of(&cup)]}),
    )
    .await;
    assert_eq!(failures(&again), [("shop/cup, blue", "deleted")]);
    let edit = json!({"asset_id": id_of(&cup), "tags": ["late"]});
    let edit = ask(&world, Method::PATCH, MEDIA, &world.user, edit).await;
    assert_eq!(failures(&edit), [("shop/cup, blue", "deleted")]);
    let restored = ask(&world, Method::POST, RESTORE, &world.user, names).await;
    assert_eq!(restored["restored"], json!(["shop/cup, blue"]));
    assert_eq!(
        failures(&restored),
        [("shop/jug", "forbidden"), ("shop/none", "not_found")],
        "what is live has not to come back, and is somebody else's"
    );
    world.cloud.clear_faults().await;
    world.drain().await;
    settled(&world, "nothing has happened", &cup, true).await;

    // By force, and back again from Cloudinary's backup: the same asset, the same row.
    let force = json!({"public_ids": ["shop/jug"], "force": true});
    let answer = ask(&world, Method::DELETE, MEDIA, &world.admin, force).await;
    assert_eq!(answer["deleted"], json!(["shop/jug"]));
    settled(&world, "Cloudinary has deleted it", &jug, false).await;
    let wanted = json!({"public_ids": ["shop/jug"], "resource_type": "image"});
    let answer = ask(&world, Method::POST, RESTORE, &world.user, wanted.clone()).await;
    assert_eq!(
        failures(&answer),
        [("shop/jug", "not_found")],
        "it is not the user's"
    );
    let answer = ask(&world, Method::POST, RESTORE, &world.admin, wanted).await;
    assert_eq!(answer["restored"], json!(["shop/jug"]), "{answer}");
    settled(&world, "it is back", &jug, true).await;
    assert_eq!(world.row(&jug).await.unwrap()["id"], row_id);
    for live in [
        json!({"asset_ids": [id_of(&jug)]}),
        json!({"public_ids": ["shop/jug"]}),
    ] {
        let answer = ask(&world, Method::POST, RESTORE, &world.admin, live).await;
        assert_eq!(failures(&answer), [("shop/jug", "not_deleted")]);
    }

    // Named in two ways, it is deleted once.
    let twice = json!({"public_ids": ["shop/jug"], "asset_ids": [id_of(&jug)], "force": true});
    let answer = ask(&world, Method::DELETE, MEDIA, &world.admin, twice.clone()).await;
    assert_eq!(
        (&answer["deleted"], &answer["failed"]),
        (&json!(["shop/jug"]), &json!([]))
    );
    settled(&world, "Cloudinary has deleted it", &jug, false).await;
    let answer = ask(
        &world,
        Method::POST,
        RESTORE,
        &world.admin,
        json!({"public_ids": ["shop/jug"], "asset_ids": [id_of(&jug)]}),
    )
    .await;
    assert_eq!(answer["failed"], json!([]), "{answer}");
    settled(&world, "it is back", &jug, true).await;

    // A name that somebody else has by now.
    let gone = json!({"public_ids": ["shop/cup, blue"]});
    ask(&world, Method::DELETE, MEDIA, &world.user, gone.clone()).await;
    settled(&world, "Cloudinary has deleted it", &cup, false).await;
    world.cloud.rename("shop/jug", "shop/cup, blue").await;
    world
        .row_becomes("the other one has the name", &jug, |row| {
            row["cloudinary_public_id"] == "shop/cup, blue"
        })
        .await;
    let answer = ask(&world, Method::POST, RESTORE, &world.user, gone).await;
    assert_eq!(failures(&answer), [("shop/cup, blue", "name_taken")]);
    assert_eq!(answer["message"], "Nothing was restored. 1 failed.");
    assert!(!world.row(&cup).await.unwrap()["deleted_at"].is_null());

    let operations: Vec<Value> = asked_for(&world, &cup).await;
    let sources = operations.iter().map(|entry| entry["source"].clone());
    assert_eq!(
        sources.collect::<Vec<_>>(),
        ["api", "api", "api"],
        "{operations:?}"
    );
    eventually("nothing waits", async || {
        world.waiting_messages().await.is_empty()
    })
    .await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn a_thousand_items_of_a_large_library_fit_into_one_request() {
    let stack = Stack::start(Options::database_only()).await.unwrap();
    let (client, connection) = tokio_postgres::connect(stack.database_url(), NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    // Looked through row by row, they would outlast the eight seconds that a user's statement has.
    let fill =
        "insert into public.media_assets (cloudinary_asset_id, cloudinary_public_id, resource_type)
        select md5(n::text), 'bulk/' || n, 'image' from generate_series(1, 50000) n;
        analyze public.media_assets";
    client.batch_execute(fill).await.unwrap();
    let ids = "select md5(n::text) from generate_series(1, 1000) n";
    let ids = client.query(ids, &[]).await.unwrap();
    let edit = |id: String| json!({"asset_id": id, "tags": ["sale"], "context": {"alt": "A"}});
    let edits: Vec<Value> = ids.iter().map(|row| edit(row.get(0))).collect();
    let names: Vec<Value> = (1..=1_000)
        .map(|number| json!({"public_id": format!("bulk/{number}")}))
        .collect();
    let admin = DataApiCaller::user(&stack, &Claims::admin("admin@example.com"));
    for (function, items) in [
        ("media_request_edit", &edits),
        ("media_request_delete", &names),
        ("media_request_restore", &names),
    ] {
        let arguments = json!({"p_items": items, "p_idempotency_key": function});
        let answer = admin.rpc(function, &arguments).await;
        assert_eq!(answer.status, StatusCode::OK, "{function}: {}", answer.body);
        let done = &answer.body["done"];
        assert_eq!(done.as_array().unwrap().len(), 1_000, "{function}");
    }

    // Who calls the functions past the API is told of a misspelt item, too.
    let id = &edits[0]["asset_id"];
    for (function, item, error) in [
        (
            "media_request_edit",
            json!({"asset_id": id, "tag": ["x"]}),
            "tag is not a field here: there are alt_text,",
        ),
        (
            "media_request_edit",
            json!({"asset_id": id, "tags": "x"}),
            "tags must be: array",
        ),
        (
            "media_request_edit",
            json!({"asset_id": id, "description": 5}),
            "description must be: string or null",
        ),
        (
            "media_request_edit",
            json!({"public_id": "bulk/1", "tags": []}),
            "asset_id must name",
        ),
        (
            "media_request_edit",
            json!({"asset_id": id}),
            "nothing to change",
        ),
        (
            "media_request_edit",
            json!({"asset_id": id, "tags": [1]}),
            "a list of texts",
        ),
        (
            "media_request_edit",
            json!({"asset_id": id, "description": "x".repeat(10_001)}),
            "too large",
        ),
        (
            "media_request_delete",
            json!({"asset_id": id, "public_id": "bulk/2"}),
            "not both",
        ),
        ("media_request_delete", json!(null), "a JSON object"),
        ("media_request_delete", json!({}), "asset_id must name"),
        (
            "media_request_restore",
            json!({"public_id": "bulk/1", "force": true}),
            "force is not a field here",
        ),
    ] {
        let arguments = json!({"p_items": [item]});
        let answer = admin.rpc(function, &arguments).await;
        let failed = &answer.body["failed"][0];
        assert_eq!(failed["code"], "invalid", "{item}: {}", answer.body);
        let told = failed["error"].as_str().unwrap();
        assert!(told.contains(error), "{item}: {told}");
    }
    stack.stop().await;
}

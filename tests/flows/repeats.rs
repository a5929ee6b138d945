//! Requests that come twice, that could mean several assets, or that mean harm.

use end_to_end::{HttpAnswer, World, eventually, id_of};
use media_sync::asset::ResourceType;
use media_sync::cloudinary::CloudinaryResource;
use media_sync::cloudinary::upload::{UploadOptions, UploadSource};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_postgres::NoTls;

const MEDIA: &str = "/api/cloudinary/media";
const RESTORE: &str = "/api/cloudinary/media/restore";

fn is_replay(answer: &HttpAnswer) -> bool {
    answer.headers.contains_key("idempotent-replay")
}

async fn upload(
    world: &World,
    public_id: &str,
    kind: ResourceType,
    delivery_type: &str,
) -> CloudinaryResource {
    let source = UploadSource::Bytes {
        data: format!("{public_id} {kind} {delivery_type}")
            .into_bytes()
            .into(),
        filename: "file".to_owned(),
    };
    let options = UploadOptions {
        resource_type: Some(kind),
        delivery_type: Some(delivery_type.to_owned()),
        public_id: Some(public_id.to_owned()),
        ..UploadOptions::default()
    };
    let asset = match kind {
        ResourceType::Raw => {
            world
                .cloud
                .api()
                .upload(source, &options)
                .await
                .expect("the upload is taken")
                .value
        }
        _ => world.cloud.upload_with(public_id, 9, options).await,
    };
    world
        .row_becomes("the upload arrives", &asset, |row| {
            row["sync_status"] == "synced"
        })
        .await;
    asset
}

/// Somebody at work in a transaction of the database.
async fn transaction(world: &World, sql: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(world.stack.database_url(), NoTls)
        .await
        .expect("the database answers");
    tokio::spawn(connection);
    client
        .batch_execute(&format!("begin; {sql}"))
        .await
        .expect("nobody is in the way");
    client
}

async fn kept_keys(world: &World) -> Value {
    world
        .value("select count(*) from media_sync.idempotency_keys")
        .await
}

#[tokio::test]
async fn a_request_with_a_key_is_carried_out_once() {
    let world = World::start().await;
    let mug = upload(&world, "shop/mug", ResourceType::Image, "upload").await;
    let cup = upload(&world, "shop/cup", ResourceType::Image, "upload").await;
    let patch = async |key: &str, token: &str, tag: &str| {
        let body = json!({"asset_id": id_of(&mug), "tags": [tag]});
        world
            .call_once(key, Method::PATCH, MEDIA, token, body)
            .await
    };
    let decisions = async || {
        let sql = "select count(*) from public.media_sync_log where operation = 'edit_requested'";
        (
            world.value(sql).await,
            world.row(&mug).await.unwrap()["intent_revision"].clone(),
        )
    };

    let first = patch("k-1", &world.admin, "one").await;
    assert_eq!(first.body["updated"], json!(["shop/mug"]), "{}", first.body);
    assert!(!is_replay(&first));
    // A repeat asks for the same, whatever its bytes.
    let body =
        json!({"items": [{"tags": ["one"], "asset_id": id_of(&mug).as_str().to_uppercase()}]});
    let repeat = world
        .call_once("k-1", Method::PATCH, MEDIA, &world.admin, body)
        .await;
    assert_eq!((repeat.status, &repeat.body), (first.status, &first.body));
    assert!(is_replay(&repeat));
    assert_eq!(decisions().await, (json!(1), json!(1)));

    // The same key for something else, or elsewhere; and of somebody else.
    let other = patch("k-1", &world.admin, "two").await;
    assert_eq!(
        other.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        other.body
    );
    assert_eq!(other.body["code"], "idempotency_key_reused");
    let elsewhere = json!({"asset_ids": [id_of(&mug)]});
    for (method, path) in [(Method::DELETE, MEDIA), (Method::POST, RESTORE)] {
        let answer = world
            .call_once("k-1", method, path, &world.admin, elsewhere.clone())
            .await;
        assert_eq!(
            answer.body["code"], "idempotency_key_reused",
            "{}",
            answer.body
        );
    }
    let users = patch("k-1", &world.user, "one").await;
    assert_eq!(
        users.body["failed"][0]["code"], "forbidden",
        "{}",
        users.body
    );
    let repeat = patch("k-1", &world.user, "one").await;
    assert!(
        is_replay(&repeat) && repeat.body == users.body,
        "{}",
        repeat.body
    );
    assert_eq!(decisions().await, (json!(1), json!(1)));

    // Many at once: one carries it out, the others have its answer.
    let calls = (0..6).map(|_| patch("k-2", &world.admin, "three"));
    let answers = futures::future::join_all(calls).await;
    for answer in &answers {
        assert_eq!(
            (answer.status, &answer.body),
            (StatusCode::OK, &answers[0].body)
        );
    }
    assert_eq!(
        answers.iter().filter(|answer| !is_replay(answer)).count(),
        1
    );
    assert_eq!(decisions().await, (json!(2), json!(2)));

    // One that takes long is not waited for for ever.
    let held = transaction(
        &world,
        "insert into media_sync.idempotency_keys (user_id, key, operation, fingerprint)
         select user_id, 'k-3', operation, fingerprint from media_sync.idempotency_keys where key = 'k-2'",
    )
    .await;
    let busy = patch("k-3", &world.admin, "four").await;
    assert_eq!(busy.status, StatusCode::CONFLICT, "{}", busy.body);
    assert_eq!(busy.body["code"], "request_in_progress");
    assert_eq!(busy.headers["retry-after"], "1");
    drop(held);
    let taken = patch("k-3", &world.admin, "four").await;
    assert!(
        taken.status == StatusCode::OK && !is_replay(&taken),
        "{}",
        taken.body
    );

    // A crash in the middle leaves neither effect nor key, and the repeat does it all.
    world.settle().await;
    let kept = kept_keys(&world).await;
    // The first item's change waits for its statistics, whichever of their rows it takes.
    let held = transaction(&world, "lock table public.media_stats in share mode").await;
    let both = json!({"items": [
        {"asset_id": id_of(&cup), "folder": "crashed"}, {"asset_id": id_of(&mug), "folder": "crashed"},
    ]});
    let crash = async || {
        let killed = "select pg_terminate_backend(pid) as done from pg_stat_activity
            where wait_event_type = 'Lock' and query like '%media_request_edit%' and pid <> pg_backend_pid()";
        eventually("it waits with its first item done, and dies", async || {
            !world.rows(killed, &[]).await.is_empty()
        })
        .await;
    };
    let request = world.call_once("k-4", Method::PATCH, MEDIA, &world.admin, both.clone());
    let (answer, ()) = futures::future::join(request, crash()).await;
    assert_eq!(
        answer.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "{}",
        answer.body
    );
    drop(held);
    assert_eq!(
        world.row(&cup).await.unwrap()["folder"],
        "",
        "the first item is undone as well"
    );
    assert_eq!(kept_keys(&world).await, kept);
    let answer = world
        .call_once("k-4", Method::PATCH, MEDIA, &world.admin, both)
        .await;
    assert_eq!(
        answer.body["updated"],
        json!(["shop/cup", "shop/mug"]),
        "{}",
        answer.body
    );
    assert!(!is_replay(&answer));

    // Nobody reads keys through the Data API, and after a day they count no more.
    for function in ["earlier_answer", "request"] {
        let answer = world.request(function, &world.admin, json!({})).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.body);
    }
    let readers = "select bool_or(has_table_privilege(r, 'media_sync.idempotency_keys', 'select'))
        from unnest(array['anon', 'authenticated', 'service_role']) r";
    assert_eq!(world.value(readers).await, false);
    let age = "update media_sync.idempotency_keys set created_at = now() - interval '25 hours' returning key";
    assert_eq!(world.rows(age, &[]).await.len(), 5);
    let later = patch("k-1", &world.admin, "five").await;
    assert!(
        later.status == StatusCode::OK && !is_replay(&later),
        "{}",
        later.body
    );
    let purged = world
        .stack
        .invoke("ReconcileFunctionName", &json!({"action": "purge"}))
        .await
        .unwrap();
    assert_eq!(purged.payload["idempotency_keys"], 4, "{purged:?}");
    assert_eq!(kept_keys(&world).await, 1);
    world.assert_mirrored().await;
    world.stack.stop().await;
}

/// Texts that have broken into other systems, as ids and as values.
const HARMFUL: &[&str] = &[
    "'; drop table public.media_assets; --",
    "' or '1'='1",
    "\" or true; --",
    "shop/%",
    "*",
    "_____",
    "shop/mug' union select * from auth.users --",
    "eq.shop/mug",
    "a),or(deleted_at.is.null",
    "{shop/mug,shop/cup}",
    "[\"shop/mug\"]",
    "\\",
    "\\' or 1=1 --",
    "$1",
    "$$; delete from public.media_assets; $$",
    "null",
    "../shop/mug",
    "shop/mug\u{202e}",
    "\u{fffd}\u{1f4a9}",
];

/// A hash of all rows but one, which must not change.
async fn others(world: &World, asset: &CloudinaryResource) -> Value {
    let sql = format!(
        "select md5(string_agg(to_jsonb(m)::text, '' order by m.id)) from public.media_assets m
         where m.cloudinary_asset_id <> '{}'",
        id_of(asset)
    );
    world.value(&sql).await
}

#[tokio::test]
async fn what_could_mean_several_assets_or_harm_touches_none() {
    let world = World::start().await;
    let image = upload(&world, "twin", ResourceType::Image, "upload").await;
    let private = upload(&world, "twin", ResourceType::Image, "private").await;
    let raw = upload(&world, "twin", ResourceType::Raw, "upload").await;
    let mug = upload(&world, "shop/mug", ResourceType::Image, "upload").await;
    world.settle().await;
    let ask = async |method: Method, path: &str, body: Value| {
        let answer = world
            .call(method, path, Some(&world.admin), Some(body))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.body
    };

    // Harmful ids name nothing, however they come.
    let before = others(&world, &mug).await;
    for (method, path, done) in [
        (Method::DELETE, MEDIA, "deleted"),
        (Method::POST, RESTORE, "restored"),
    ] {
        for ids in ["public_ids", "asset_ids"] {
            let answer = ask(method.clone(), path, json!({ids: HARMFUL})).await;
            assert_eq!(answer[done], json!([]), "{answer}");
            assert_eq!(
                answer["failed"].as_array().unwrap().len(),
                HARMFUL.len(),
                "{answer}"
            );
        }
    }
    for field in ["resource_type", "delivery_type"] {
        for text in HARMFUL {
            let body = json!({"public_ids": ["twin"], field: text});
            let answer = world
                .call(Method::DELETE, MEDIA, Some(&world.admin), Some(body))
                .await;
            let refused = answer.status == StatusCode::BAD_REQUEST;
            assert!(
                refused || answer.body["deleted"] == json!([]),
                "{text}: {}",
                answer.body
            );
        }
    }
    let answer = world
        .call(
            Method::DELETE,
            &format!("{MEDIA}?public_ids=%25,'%20or%201=1,*&force=true"),
            Some(&world.admin),
            None,
        )
        .await;
    assert_eq!(
        answer.body["failed"].as_array().unwrap().len(),
        3,
        "{}",
        answer.body
    );
    assert_eq!(others(&world, &mug).await, before);

    // Harmful values are values, of the one asset that is edited.
    for text in HARMFUL {
        let edit = json!({
            "asset_id": id_of(&mug), "tags": [text.replace(',', ";")], "context": {*text: text}, "metadata": {"sku": text},
            "display_name": text.replace('/', "|"), "folder": text.replace("..", "").trim_matches('/'),
            "description": text, "alt_text": text,
        });
        let answer = ask(Method::PATCH, MEDIA, edit.clone()).await;
        assert_eq!(answer["updated"], json!(["shop/mug"]), "{text}: {answer}");
        let row = world.row(&mug).await.unwrap();
        for field in ["tags", "display_name", "folder", "description", "alt_text"] {
            assert_eq!(row[field], edit[field], "{text}");
        }
        assert_eq!(row["context"][*text], *text);
    }
    assert_eq!(others(&world, &mug).await, before);

    // One name, three assets: what to add is said, and who they are.
    let names = |more: &[(&str, &str)]| {
        let mut body = json!({"public_ids": ["twin"]});
        for (field, value) in more {
            body[*field] = json!(value);
        }
        body
    };
    let answer = ask(Method::DELETE, MEDIA, names(&[])).await;
    let failed = &answer["failed"][0];
    assert_eq!(
        (&failed["public_id"], &failed["code"]),
        (&json!("twin"), &json!("ambiguous"))
    );
    let add =
        "several assets have this public id: add resource_type and delivery_type, or use asset_ids";
    assert_eq!(failed["error"], add);
    assert_eq!(
        failed["candidates"].as_array().unwrap().len(),
        3,
        "{failed}"
    );
    let answer = ask(Method::DELETE, MEDIA, names(&[("resource_type", "image")])).await;
    let add = "several assets have this public id: add delivery_type, or use asset_ids";
    assert_eq!(answer["failed"][0]["error"], add, "{answer}");
    assert_eq!(others(&world, &mug).await, before);
    let one = names(&[("resource_type", "image"), ("delivery_type", "private")]);
    assert_eq!(
        ask(Method::DELETE, MEDIA, one.clone()).await["deleted"],
        json!(["twin"])
    );
    world
        .row_becomes("it is deleted", &private, |row| {
            row["intent"].is_null() && !row["deleted_at"].is_null()
        })
        .await;
    for asset in [&image, &raw] {
        assert!(world.row(asset).await.unwrap()["deleted_at"].is_null());
    }

    // Several deleted ones had the name: which one, somebody has to say.
    let fill = "insert into public.media_assets
            (cloudinary_asset_id, cloudinary_public_id, resource_type, delivery_type, deleted_at, clocks)
        select md5(n::text), 'twin', 'image', 'private', now() - n * interval '1 day', '{}' from generate_series(1, 2) n
        returning id";
    world.rows(fill, &[]).await;
    let answer = ask(Method::POST, RESTORE, one).await;
    let failed = &answer["failed"][0];
    assert_eq!(
        failed["error"],
        "several deleted assets had this public id: use asset_ids"
    );
    let candidates = failed["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), 3);
    assert_eq!(
        candidates[0]["asset_id"],
        json!(id_of(&private)),
        "the latest comes first"
    );
    let answer = ask(
        Method::POST,
        RESTORE,
        json!({"asset_ids": [id_of(&private)]}),
    )
    .await;
    assert_eq!(answer["restored"], json!(["twin"]));

    // Unless one of them still has the name in Cloudinary: its delete has not been carried out.
    world
        .row_becomes("it is back", &private, |row| {
            row["intent"].is_null() && row["deleted_at"].is_null()
        })
        .await;
    world
        .cloud
        .fault(json!({"operation": "by_asset_ids", "status": 503}))
        .await;
    let one = names(&[("delivery_type", "private")]);
    assert_eq!(
        ask(Method::DELETE, MEDIA, one.clone()).await["deleted"],
        json!(["twin"])
    );
    let answer = ask(Method::POST, RESTORE, one).await;
    assert_eq!(
        answer["assets"][0]["asset_id"],
        json!(id_of(&private)),
        "{answer}"
    );
    world.cloud.clear_faults().await;
    world.drain().await;
    world.assert_mirrored().await;
    assert!(world.cloud.has(id_of(&private)).await);
    world.stack.stop().await;
}

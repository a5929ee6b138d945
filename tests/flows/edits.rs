//! Edits and restores that are decided here, through the Data API and by request.

use end_to_end::{World, eventually, id_of};
use media_sync::cloudinary::upload::UploadOptions;
use reqwest::StatusCode;
use serde_json::{Value, json};

async fn shop_mug(world: &World) -> media_sync::cloudinary::CloudinaryResource {
    let options = UploadOptions {
        tags: vec!["old".to_owned(), "kept".to_owned()],
        context: [("alt", "A mug"), ("caption", "Mug")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        metadata: [("sku".to_owned(), json!("M-1"))].into_iter().collect(),
        asset_folder: Some("shop".to_owned()),
        display_name: Some("Mug".to_owned()),
        ..UploadOptions::default()
    };
    let mug = world.cloud.upload_with("shop/mug", 1, options).await;
    world
        .row_becomes("the upload arrives", &mug, |row| {
            row["sync_status"] == "synced"
        })
        .await;
    mug
}

fn is_settled(row: &Value) -> bool {
    row["sync_status"] == "synced" && row["intent"].is_null() && row["observed"].is_null()
}

#[tokio::test]
async fn everything_that_is_edited_in_the_row_reaches_cloudinary() {
    let world = World::start().await;
    let mug = shop_mug(&world).await;
    let edit = json!({
        "tags": ["kept", "sale", "new, no"], "cloudinary_public_id": "shop/cup", "folder": "sale",
    });
    let refused = world.edit(&mug, &world.admin, edit).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.body);
    let refused = world
        .edit(&mug, &world.user, json!({"folder": "mine"}))
        .await;
    assert_eq!(
        refused.body,
        json!([]),
        "somebody else's asset is nobody's to edit"
    );

    let edit = json!({
        "tags": ["sale", "kept"], "context": {"alt": "a=b|c\\d", "owner": "Ann", "caption": ""},
        "metadata": {"sku": "M-2", "weight": 1.5, "sizes": []}, "display_name": "Cup", "folder": "sale",
        "cloudinary_public_id": "shop/cup", "description": "Only here",
    });
    let edited = world.edit(&mug, &world.admin, edit).await;
    assert_eq!(edited.status, StatusCode::OK, "{}", edited.body);
    let row = world.row(&mug).await.unwrap();
    assert_eq!(row["sync_status"], "pending", "{row}");
    assert_eq!(row["context"], json!({"alt": "a=b|c\\d", "owner": "Ann"}));
    assert_eq!(
        row["observed"]["context"]["caption"], "Mug",
        "the base is kept"
    );

    world.drain().await;
    world
        .row_becomes("Cloudinary has followed", &mug, is_settled)
        .await;
    let there = world.cloud.fetch(id_of(&mug)).await.unwrap();
    let mut tags = there.tags.unwrap();
    tags.sort();
    assert_eq!(tags, ["kept", "sale"]);
    let expected =
        [("alt", "a=b|c\\d"), ("owner", "Ann")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(there.context, Some(expected.into()));
    let metadata = there.metadata.unwrap();
    assert_eq!(json!(metadata), json!({"sku": "M-2", "weight": "1.5"}));
    let row = world.row(&mug).await.unwrap();
    assert_eq!(
        row["metadata"],
        json!(metadata),
        "as the field's type has it"
    );
    assert_eq!(there.display_name.as_deref(), Some("Cup"));
    assert_eq!(there.asset_folder.as_deref(), Some("sale"));
    assert_eq!(there.public_id.as_deref(), Some("shop/cup"));
    world.assert_mirrored().await;
    let audit = |operation: &str| {
        format!(
            "select count(*) from public.media_sync_log where operation = '{operation}' and actor is not null"
        )
    };
    assert_eq!(world.value(&audit("edit_requested")).await, 1);
    assert_eq!(world.value(&audit("edit_confirmed")).await, 1);
    let amiss = "select count(*) from public.media_sync_log where status = 'error' or operation = 'conflict'";
    assert_eq!(world.value(amiss).await, 0);
    world.stack.stop().await;
}

#[tokio::test]
async fn edits_on_both_sides_are_merged_and_the_later_of_two_wins() {
    let world = World::start().await;
    let mug = shop_mug(&world).await;
    // Nothing gets out while both sides are edited.
    world
        .cloud
        .fault(json!({"operation": "by_asset_ids", "status": 503}))
        .await;
    let edit = json!({
        "tags": ["kept", "ours"], "context": {"alt": "ours", "caption": "ours", "mine": "1"},
    });
    assert_eq!(
        world.edit(&mug, &world.admin, edit).await.status,
        StatusCode::OK
    );
    world.cloud.add_tag("shop/mug", "theirs").await;
    world
        .cloud
        .merge_context("shop/mug", &[("caption", "theirs"), ("yours", "2")])
        .await;
    world.cloud.clear_faults().await;
    // Only its notification tells that the caption was changed later.
    world
        .row_becomes("Cloudinary's side is known", &mug, |row| {
            row["context"]["caption"] == "theirs"
        })
        .await;
    world.drain().await;
    world
        .row_becomes("both are merged", &mug, |row| {
            is_settled(row) && row["context"]["yours"] == "2"
        })
        .await;
    world.assert_mirrored().await;
    let there = world.cloud.fetch(id_of(&mug)).await.unwrap();
    let mut tags = there.tags.unwrap();
    tags.sort();
    assert_eq!(
        tags,
        ["kept", "ours", "theirs"],
        "adds and removes of both sides apply"
    );
    let context = there.context.unwrap();
    assert_eq!(context["alt"], "ours", "nobody else changed it");
    assert_eq!(context["mine"], "1");
    assert_eq!(context["yours"], "2");
    assert_eq!(context["caption"], "theirs", "it was changed later there");
    let conflicts = world
        .rows(
            "select details from public.media_sync_log where operation = 'conflict' order by id",
            &[],
        )
        .await;
    let told = |winner| {
        let collision = json!({"field": "context", "key": "caption", "ours": "ours", "theirs": "theirs", "winner": winner});
        json!({"details": {"collisions": [collision]}})
    };
    // The tag's notification may be looked after first, which shows the caption, but not its age.
    let so_far = conflicts.len().saturating_sub(1);
    assert!(so_far <= 1, "{conflicts:?}");
    assert_eq!(conflicts[..so_far], vec![told("here"); so_far]);
    assert_eq!(conflicts.last(), Some(&told("cloudinary")));
    world.stack.stop().await;
}

#[tokio::test]
async fn a_delete_is_undone_before_and_after_it_was_carried_out() {
    let world = World::start().await;
    let mug = shop_mug(&world).await;
    let row_id = world.row(&mug).await.unwrap()["id"].clone();
    // Before: nothing has left yet.
    world
        .cloud
        .fault(json!({"operation": "by_asset_ids", "status": 503}))
        .await;
    let item = json!([{"asset_id": id_of(&mug)}]);
    for (function, live) in [
        ("media_request_delete", false),
        ("media_request_restore", true),
    ] {
        let answer = world
            .request(function, &world.admin, json!({"p_items": item}))
            .await;
        assert_eq!(answer.body["failed"], json!([]), "{}", answer.body);
        let row = world.row(&mug).await.unwrap();
        assert_eq!(row["deleted_at"].is_null(), live);
        assert_eq!(row["sync_status"], "pending");
    }
    world.cloud.clear_faults().await;
    world.drain().await;
    world
        .row_becomes("nothing has happened", &mug, is_settled)
        .await;
    assert!(world.cloud.has(id_of(&mug)).await);

    // After: the asset comes back from its backup, as the same asset and row.
    world
        .request(
            "media_request_delete",
            &world.admin,
            json!({"p_items": item}),
        )
        .await;
    world.drain().await;
    eventually("it is gone", async || !world.cloud.has(id_of(&mug)).await).await;
    world
        .row_becomes("the delete is confirmed", &mug, is_settled)
        .await;
    let answer = world
        .request(
            "media_request_restore",
            &world.user,
            json!({"p_items": item}),
        )
        .await;
    assert_eq!(
        answer.body["failed"][0]["error"], "not found",
        "what was deleted is known to those only who may restore it"
    );
    world
        .request(
            "media_request_restore",
            &world.admin,
            json!({"p_items": item}),
        )
        .await;
    world.drain().await;
    world
        .row_becomes("it is back", &mug, |row| {
            is_settled(row) && row["deleted_at"].is_null()
        })
        .await;
    assert!(world.cloud.has(id_of(&mug)).await);
    assert_eq!(world.row(&mug).await.unwrap()["id"], row_id);
    world.assert_mirrored().await;

    // Without a backup there is nothing to bring back, and the row says so.
    world.cloud.set(json!({"backups": false})).await;
    let cup = world.cloud.upload("shop/cup", 2).await;
    world
        .row_becomes("the upload arrives", &cup, |row| {
            row["sync_status"] == "synced"
        })
        .await;
    let item = json!([{"asset_id": id_of(&cup)}]);
    world
        .request(
            "media_request_delete",
            &world.admin,
            json!({"p_items": item}),
        )
        .await;
    world.drain().await;
    world
        .row_becomes("it is deleted", &cup, |row| {
            is_settled(row) && !row["deleted_at"].is_null()
        })
        .await;
    world
        .request(
            "media_request_restore",
            &world.admin,
            json!({"p_items": item}),
        )
        .await;
    world.drain().await;
    world
        .row_becomes("it stays deleted", &cup, |row| {
            is_settled(row) && !row["deleted_at"].is_null() && row["sync_error_code"] == "no_backup"
        })
        .await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn a_refused_edit_says_why_and_is_tried_again_on_request_only() {
    let world = World::start().await;
    let mug = shop_mug(&world).await;
    world
        .cloud
        .fault(json!({"operation": "metadata", "status": 400, "body": {"error": {"message": "no such field"}}}))
        .await;
    let edit = json!({"metadata": {"sku": "M-3"}, "tags": ["kept"]});
    assert_eq!(
        world.edit(&mug, &world.admin, edit).await.status,
        StatusCode::OK
    );
    world.drain().await;
    world
        .row_becomes("it is refused", &mug, |row| row["sync_status"] == "error")
        .await;
    let row = world.row(&mug).await.unwrap();
    assert_eq!(row["sync_error_code"], "cloudinary_bad_request");
    assert!(
        row["sync_error_message"]
            .as_str()
            .unwrap()
            .contains("no such field"),
        "{row}"
    );
    assert!(
        row["sync_next_attempt_at"].is_null(),
        "a refusal is not tried again by itself"
    );
    assert_eq!(row["metadata"]["sku"], "M-3", "what is wanted stays");
    let there = world.cloud.fetch(id_of(&mug)).await.unwrap();
    assert_eq!(
        there.tags,
        Some(vec!["kept".to_owned()]),
        "what could be done is done"
    );

    world.cloud.clear_faults().await;
    let answer = world
        .request("media_request_retry", &world.user, json!({}))
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    world
        .request("media_request_retry", &world.admin, json!({}))
        .await;
    world.drain().await;
    world
        .row_becomes("Cloudinary has followed", &mug, is_settled)
        .await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn who_names_an_asset_has_its_refused_edit_tried_again() {
    let world = World::start().await;
    let mug = shop_mug(&world).await;
    let refusal =
        json!({"operation": "rename", "status": 400, "body": {"error": {"message": "not now"}}});
    world.cloud.fault(refusal).await;
    let edit = json!({"cloudinary_public_id": "shop/cup"});
    assert_eq!(
        world.edit(&mug, &world.admin, edit).await.status,
        StatusCode::OK
    );
    world.drain().await;
    let is_refused = |row: &Value| row["sync_status"] == "error";
    world.row_becomes("it is refused", &mug, is_refused).await;
    world.cloud.clear_faults().await;

    // By the name that Cloudinary has; the row shows the wanted one.
    let dry = world
        .sync(json!({"public_ids": ["shop/mug"], "dry_run": true}))
        .await;
    assert_eq!(dry.body["retried_items"], 0, "{}", dry.body);
    assert!(is_refused(&world.row(&mug).await.unwrap()));
    let other = world.sync(json!({"public_ids": ["shop/other"]})).await;
    assert_eq!(other.body["retried_items"], 0, "{}", other.body);
    assert_eq!(other.body["not_found"], json!(["shop/other"]));
    let answer = world.sync(json!({"public_ids": ["shop/mug"]})).await;
    assert_eq!(answer.body["retried_items"], 1, "{}", answer.body);
    assert_eq!(answer.body["not_found"], json!([]));
    world
        .row_becomes("Cloudinary has followed", &mug, is_settled)
        .await;
    let there = world.cloud.fetch(id_of(&mug)).await.unwrap();
    assert_eq!(there.public_id.as_deref(), Some("shop/cup"));
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn a_full_run_leaves_decisions_that_are_under_way_alone() {
    let world = World::start().await;
    let mug = shop_mug(&world).await;
    let cup = world.cloud.upload("shop/cup", 2).await;
    world
        .row_becomes("the upload arrives", &cup, |row| {
            row["sync_status"] == "synced"
        })
        .await;
    let request = async |function: &str, asset: &media_sync::cloudinary::CloudinaryResource| {
        let items = json!({"p_items": [{"asset_id": id_of(asset)}]});
        let answer = world.request(function, &world.admin, items).await;
        assert_eq!(answer.body["failed"], json!([]), "{}", answer.body);
    };
    request("media_request_delete", &mug).await;
    world.drain().await;
    world.row_becomes("it is deleted", &mug, is_settled).await;

    // One is to come back, one is to go, one is to have another name; nothing gets out.
    world
        .cloud
        .fault(json!({"operation": "rename", "status": 503}))
        .await;
    request("media_request_restore", &mug).await;
    request("media_request_delete", &cup).await;
    let jug = world.cloud.upload("shop/jug", 3).await;
    world
        .row_becomes("the upload arrives", &jug, |row| {
            row["sync_status"] == "synced"
        })
        .await;
    let edit = json!({"cloudinary_public_id": "shop/vase"});
    assert_eq!(
        world.edit(&jug, &world.admin, edit).await.status,
        StatusCode::OK
    );
    // The run would send what waits, so it is not due yet.
    world
        .rows(
            "update public.media_assets set sync_next_attempt_at = now() + interval '1 hour'
                where intent is not null returning id",
            &[],
        )
        .await;
    let run = world.sync(json!({})).await;
    assert_eq!(run.body["status"], "succeeded", "{}", run.body);
    assert_eq!(
        (&run.body["deleted_items"], &run.body["updated_items"]),
        (&json!(0), &json!(0)),
        "{}",
        run.body
    );
    let verification = world
        .value("select verification from public.sync_runs where is_good")
        .await;
    assert_eq!(verification["returning"], 1, "{verification}");
    assert_eq!(verification["gone"], 1, "{verification}");
    assert!(world.row(&mug).await.unwrap()["deleted_at"].is_null());
    assert!(!world.row(&cup).await.unwrap()["deleted_at"].is_null());
    let row = world.row(&jug).await.unwrap();
    assert_eq!(row["cloudinary_public_id"], "shop/vase", "it stays wanted");

    world.cloud.clear_faults().await;
    world.drain().await;
    for asset in [&mug, &cup, &jug] {
        world
            .row_becomes("Cloudinary has followed", asset, is_settled)
            .await;
    }
    assert!(world.cloud.has(id_of(&mug)).await);
    assert!(!world.cloud.has(id_of(&cup)).await);
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn an_edit_that_follows_other_news_at_once_is_seen_to_be_done() {
    let world = World::start().await;
    let mug = shop_mug(&world).await;
    // As within the second in which something was told: whatever is looked at now is stamped as just newer
    // than the row, before the calls and after them.
    let ahead = "update public.media_assets set clocks = (
            select jsonb_object_agg(key, case when key = 'changed' then value else to_jsonb(value::bigint + 5000000) end)
            from jsonb_each(clocks)
        ) returning id";
    assert_eq!(world.rows(ahead, &[]).await.len(), 1);
    // Of two values at the same moment the greater one would stay: here the old ones.
    let edit = json!({"context": {"alt": "1", "caption": "1"}, "display_name": "1"});
    let edited = world.edit(&mug, &world.admin, edit).await;
    assert_eq!(edited.status, StatusCode::OK, "{}", edited.body);
    world.drain().await;
    world
        .row_becomes("the edit is confirmed", &mug, is_settled)
        .await;
    let failed = "select count(*) from public.media_sync_log where status = 'failed' or operation = 'conflict'";
    assert_eq!(world.value(failed).await, 0);
    world.stack.stop().await;
}

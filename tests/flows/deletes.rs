//! Deletes that are asked for here.

use end_to_end::{World, id_of};
use reqwest::{Method, StatusCode};
use serde_json::json;

const MEDIA: &str = "/api/cloudinary/media";

#[tokio::test]
async fn a_delete_is_seen_at_once_and_carried_out_in_cloudinary() {
    let world = World::start().await;
    let mug = world.mirrored("shop/mug", 1).await;
    let cup = world.mirrored("shop/cup, blue", 2).await;
    let used = world.mirrored("shop/used", 3).await;
    let id = world.row(&used).await.unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    world
        .rows(
            "insert into public.media_usage (asset_id, usage_type, table_name, record_id)
                values ($1::text::uuid, 'hero', 'pages', '1') returning id",
            &[&id],
        )
        .await;

    // Somebody else's: not to be deleted by everybody.
    let path = format!("{MEDIA}?public_ids=shop/mug");
    let answer = world
        .call(Method::DELETE, &path, Some(&world.user), None)
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body["deleted"], json!([]));
    assert_eq!(answer.body["failed"][0]["error"], "not yours to change");

    // Cloudinary does not answer for a while, so that the moment in between can be seen.
    world
        .cloud
        .fault(json!({"operation": "*", "status": 503}))
        .await;
    let body = json!({"public_ids": ["shop/mug", "shop/cup, blue", "shop/used", "shop/nothing"]});
    let answer = world
        .call(Method::DELETE, MEDIA, Some(&world.admin), Some(body))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(
        answer.body["deleted"],
        json!(["shop/mug", "shop/cup, blue"])
    );
    let failed = answer.body["failed"].as_array().unwrap();
    assert_eq!(failed.len(), 2, "{failed:?}");
    assert!(
        failed
            .iter()
            .any(|f| f["public_id"] == "shop/nothing" && f["error"] == "not found")
    );
    assert!(failed.iter().any(|f| f["public_id"] == "shop/used"));
    let row = world.row(&mug).await.unwrap();
    assert_eq!(row["sync_status"], "pending");
    assert!(!row["deleted_at"].is_null());
    assert!(!row["deleted_by"].is_null());
    let listed = world.get(MEDIA).await.body;
    assert_eq!(
        listed["items"].as_array().unwrap().len(),
        1,
        "the deleted are not listed"
    );
    assert_eq!(listed["sync_status"]["pending_operations"], 2);

    world.cloud.clear_faults().await;
    for asset in [&mug, &cup] {
        world
            .row_becomes("the delete is confirmed", asset, |row| {
                row["sync_status"] == "synced"
                    && !row["deleted_at"].is_null()
                    && row["intent"].is_null()
            })
            .await;
        assert!(!world.cloud.has(id_of(asset)).await);
    }
    assert!(world.cloud.has(id_of(&used)).await);
    let confirmed =
        "select count(*) from public.media_sync_log where operation = 'delete_confirmed'";
    assert_eq!(world.value(confirmed).await, 2);
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn a_newer_upload_cancels_a_delete() {
    let world = World::start().await;
    let mug = world.mirrored("shop/mug", 1).await;
    // The worker cannot reach Cloudinary while the delete is asked for and the content replaced.
    world
        .cloud
        .fault(json!({"operation": "by_asset_ids", "status": 503}))
        .await;
    world.cloud.set(json!({"notifications_paused": true})).await;
    let answer = world
        .call(
            Method::DELETE,
            &format!("{MEDIA}?public_ids=shop/mug"),
            Some(&world.admin),
            None,
        )
        .await;
    assert_eq!(answer.body["deleted"], json!(["shop/mug"]));
    // A version counts seconds: the newer upload needs a newer second.
    end_to_end::eventually("the next second begins", async || {
        Some(end_to_end::now()) > mug.version
    })
    .await;
    let newer = world.cloud.upload("shop/mug", 2).await;
    world.cloud.clear_faults().await;

    world
        .row_becomes("the delete is cancelled", &mug, |row| {
            row["deleted_at"].is_null()
                && row["cloudinary_version"] == json!(newer.version)
                && row["intent"].is_null()
        })
        .await;
    world
        .cloud
        .set(json!({"notifications_paused": false}))
        .await;
    world.assert_mirrored().await;
    assert!(
        world.cloud.has(id_of(&mug)).await,
        "content is not destroyed by a stale decision"
    );
    let cancelled =
        "select count(*) from public.media_sync_log where operation = 'delete_cancelled'";
    assert_eq!(world.value(cancelled).await, 1);
    world.stack.stop().await;
}

//! Deletes that are undone before they get out, and after.

use end_to_end::{World, eventually, id_of};
use media_sync::cloudinary::CloudinaryResource;
use serde_json::{Value, json};

use super::{is_settled, request};

fn is_deleted(row: &Value) -> bool {
    is_settled(row) && !row["deleted_at"].is_null()
}

pub(super) async fn a_delete_is_undone_before_it_gets_out(world: &World, mug: &CloudinaryResource) {
    let outage = json!({"operation": "by_asset_ids", "status": 503});
    world.cloud.fault(outage).await;
    for (function, live) in [
        ("media_request_delete", false),
        ("media_request_restore", true),
    ] {
        request(world, function, mug).await;
        let row = world.row_of(mug).await;
        assert_eq!(row["deleted_at"].is_null(), live);
        assert_eq!(row["sync_status"], "pending");
    }
    world.cloud.clear_faults().await;
    world.drain().await;
    world
        .row_becomes("nothing has happened", mug, is_settled)
        .await;
    assert!(world.cloud.has(id_of(mug)).await);
}

pub(super) async fn a_delete_is_carried_out(world: &World, mug: &CloudinaryResource) {
    request(world, "media_request_delete", mug).await;
    world.drain().await;
    eventually("it is gone", async || !world.cloud.has(id_of(mug)).await).await;
    world
        .row_becomes("the delete is confirmed", mug, is_settled)
        .await;
}

/// Only who may restore it does.
pub(super) async fn others_do_not_know_of_it(world: &World, mug: &CloudinaryResource) {
    let items = json!({"p_items": [{"asset_id": id_of(mug)}]});
    let answer = world.request("media_request_restore", &world.user, items);
    assert_eq!(answer.await.body["failed"][0]["error"], "not found");
}

pub(super) async fn the_asset_comes_back_from_its_backup(world: &World, mug: &CloudinaryResource) {
    request(world, "media_request_restore", mug).await;
    world.drain().await;
    world
        .row_becomes("it is back", mug, |row| {
            is_settled(row) && row["deleted_at"].is_null()
        })
        .await;
    assert!(world.cloud.has(id_of(mug)).await);
}

/// The row says so.
pub(super) async fn without_a_backup_it_stays_deleted(world: &World) {
    world.cloud.set(json!({"backups": false})).await;
    let cup = world.mirrored("shop/cup", 2).await;
    request(world, "media_request_delete", &cup).await;
    world.drain().await;
    world.row_becomes("it is deleted", &cup, is_deleted).await;
    request(world, "media_request_restore", &cup).await;
    world.drain().await;
    world
        .row_becomes("it stays deleted", &cup, |row| {
            is_deleted(row) && row["sync_error_code"] == "no_backup"
        })
        .await;
}

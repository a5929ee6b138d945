//! Edits on both sides at the same time.

use end_to_end::World;
use media_sync::cloudinary::CloudinaryResource;
use reqwest::StatusCode;
use serde_json::json;

use super::{is_settled, sorted, there};

/// Nothing gets out meanwhile.
pub(super) async fn both_sides_are_edited(world: &World, mug: &CloudinaryResource) {
    let outage = json!({"operation": "by_asset_ids", "status": 503});
    world.cloud.fault(outage).await;
    let edit = json!({
        "tags": ["kept", "ours"], "context": {"alt": "ours", "caption": "ours", "mine": "1"},
    });
    let edited = world.edit(mug, &world.admin, edit).await;
    edited.assert_status(StatusCode::OK);
    world.cloud.add_tag("shop/mug", "theirs").await;
    let context = [("caption", "theirs"), ("yours", "2")];
    world.cloud.merge_context("shop/mug", &context).await;
    world.cloud.clear_faults().await;
}

pub(super) async fn both_are_merged(world: &World, mug: &CloudinaryResource) {
    // Only its notification tells that the caption was changed later.
    world
        .row_becomes("Cloudinary's side is known", mug, |row| {
            row["context"]["caption"] == "theirs"
        })
        .await;
    world.drain().await;
    world
        .row_becomes("both are merged", mug, |row| {
            is_settled(row) && row["context"]["yours"] == "2"
        })
        .await;
}

pub(super) async fn cloudinary_has_both(world: &World, mug: &CloudinaryResource) {
    let there = there(world, mug).await;
    assert_eq!(
        sorted(there.tags),
        ["kept", "ours", "theirs"],
        "adds and removes of both sides apply"
    );
    let context = there.context.expect("context");
    assert_eq!(context["alt"], "ours", "nobody else changed it");
    assert_eq!(context["mine"], "1");
    assert_eq!(context["yours"], "2");
    assert_eq!(context["caption"], "theirs", "it was changed later there");
}

pub(super) async fn the_conflict_is_told(world: &World) {
    let sql = "select details from public.media_sync_log where operation = 'conflict' order by id";
    let conflicts = world.rows(sql, &[]).await;
    let told = |winner| {
        let collision = json!({"field": "context", "key": "caption", "ours": "ours", "theirs": "theirs", "winner": winner});
        json!({"details": {"collisions": [collision]}})
    };
    // The tag's notification may be looked after first, which shows the caption, but not its age.
    let so_far = conflicts.len().saturating_sub(1);
    assert!(so_far <= 1, "{conflicts:?}");
    assert_eq!(conflicts[..so_far], vec![told("here"); so_far]);
    assert_eq!(conflicts.last(), Some(&told("cloudinary")));
}

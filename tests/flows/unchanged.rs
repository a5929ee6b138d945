//! One value that is told in several ways is no difference.

use end_to_end::World;
use media_sync::cloudinary::upload::UploadOptions;
use serde_json::json;

/// An upload announces tags as they were sent, and leaves out what is as usual. Listings sort them, and tell it.
#[tokio::test]
async fn an_asset_that_is_told_in_another_way_is_no_difference() {
    let world = World::start().await;
    let options = UploadOptions {
        tags: ["zebra", "apple", "mango"].map(str::to_owned).to_vec(),
        ..UploadOptions::default()
    };
    let asset = world.cloud.upload_with("told/twice", 1, options).await;
    world.arrives(&asset).await;
    let row = world.row_of(&asset).await;
    assert_eq!(row["tags"], json!(["apple", "mango", "zebra"]));
    assert_eq!(row["access_mode"], "public");

    let trail = "select count(*) from public.media_sync_log where asset_row_id is not null";
    let entries = world.count(trail).await;
    let dry = world
        .sync(json!({"mode": "full", "dry_run": true}))
        .await
        .ok();
    for way in ["missing_here", "missing_there", "different"] {
        assert_eq!(dry["drift"][way]["count"], 0, "{way}: {}", dry["drift"]);
    }
    let run = world.sync(json!({"mode": "full"})).await.ok();
    assert_eq!(run["updated_items"], 0, "{run}");
    assert_eq!(world.count(trail).await, entries);

    // Nor is another order an edit.
    let reordered = json!({"tags": ["zebra", "mango", "apple"]});
    world.edit(&asset, &world.admin, reordered).await.ok();
    let row = world.row_of(&asset).await;
    assert_eq!(
        (&row["tags"], &row["sync_status"]),
        (&json!(["apple", "mango", "zebra"]), &json!("synced"))
    );
    assert_eq!(world.count(trail).await, entries);
    world.assert_mirrored().await;
    world.stack.stop().await;
}

//! A plain column from end to end: the moderation's status follows Cloudinary's.

use end_to_end::World;
use serde_json::json;

#[tokio::test]
async fn a_moderation_is_shown_as_cloudinary_has_decided_it() {
    let world = World::start().await;
    let mug = world.mirrored("mug", 1).await;
    let shown = async |status: Option<&str>| {
        let what = format!("the moderation is {status:?}");
        let is = |row: &serde_json::Value| row["moderation"] == json!(status);
        world.row_becomes(&what, &mug, is).await;
    };
    shown(None).await;

    // Its notification names the asset by public id and address only.
    world.cloud.moderate("mug", "pending").await;
    shown(Some("pending")).await;
    world.cloud.moderate("mug", "approved").await;
    shown(Some("approved")).await;
    let page = world.get("/api/cloudinary/media").await;
    assert_eq!(page.body["items"][0]["moderation"], "approved");

    // Nobody has looked at the new picture yet, which its notification does not say.
    world.cloud.upload("mug", 2).await;
    shown(None).await;

    // A run finds what no notification has told.
    world.cloud.chaos(json!({"drop": 1.0})).await;
    world.cloud.moderate("mug", "rejected").await;
    world.cloud.quiet().await;
    world.sync(json!({"mode": "full"})).await;
    shown(Some("rejected")).await;
    world.stack.stop().await;
}

//! A plain column from end to end: the moderation's status follows Cloudinary's.

use end_to_end::{World, eventually, now};
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

#[tokio::test]
async fn a_rejected_picture_leaves_the_lists_though_only_its_name_is_told() {
    let world = World::start().await;
    let switches = json!({"moderation_names_only": true, "rejected_is_placeholder": true});
    world.cloud.set(switches).await;
    let mug = world.mirrored("mug", 1).await;
    world.cloud.moderate("mug", "rejected").await;
    let is_gone = |row: &serde_json::Value| !row["deleted_at"].is_null();
    world.row_becomes("it is gone", &mug, is_gone).await;
    let page = world.get("/api/cloudinary/media").await;
    assert_eq!(page.body["items"], json!([]));

    // Nothing live has the name now, but its asset is back.
    world.cloud.moderate("mug", "approved").await;
    let is_back = |row: &serde_json::Value| row["deleted_at"].is_null();
    world.row_becomes("it is back", &mug, is_back).await;
    results_of_add_ons_wait_for_nobody(&world).await;
    world.stack.stop().await;
}

async fn results_of_add_ons_wait_for_nobody(world: &World) {
    for body in [
        r#"{"notification_type":"info"}"#,
        r#"{"notification_type":"info","public_id":"mug","info_kind":"ocr","info_status":"complete"}"#,
        r#"{"notification_type":"info","public_id":"unknown","info_status":"complete"}"#,
        r#"{"notification_type":"google_tagging","info_kind":"google_tagging"}"#,
    ] {
        let answer = world.notify(body, &world.sign(body, now())).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.body);
        let sql = "select verdict, reason from public.media_notifications where body = $1";
        eventually("the body is recorded", async || {
            let record = world.rows(sql, &[&body]).await.pop();
            record.is_some_and(|record| {
                assert_eq!(
                    record,
                    json!({"verdict": "superseded", "reason": null}),
                    "{body}"
                );
                true
            })
        })
        .await;
    }
}

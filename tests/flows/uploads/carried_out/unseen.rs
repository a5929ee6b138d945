//! Uploads whose end the function has not seen.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::Uploads;

/// The row waits, and the drain finds its asset.
pub(super) async fn an_answer_lost_after_the_effect_is_found(stage: &Uploads) {
    let upload_id = stage.lose("after", "shop/lost-answer", 5).await;
    let waiting = stage.rows("shop/lost-answer").await.remove(0);
    assert_eq!(
        (&waiting["sync_status"], &waiting["cloudinary_asset_id"]),
        (&json!("pending"), &Value::Null)
    );
    a_waiting_row_takes_no_edit(stage, &waiting).await;
    let twice = stage.upload_as("shop/lost-answer", 6).await;
    twice.assert_refused(StatusCode::CONFLICT, "public_id_reserved");
    stage.world.drain().await;
    let rows = stage.rows("shop/lost-answer").await;
    assert_eq!(rows.len(), 1, "its time is not over");
    stage.drain_uploads().await;
    stage.assert_proven("shop/lost-answer").await;
    let found = stage.rows("shop/lost-answer").await.remove(0);
    assert_eq!(found["id"], waiting["id"]);
    assert_eq!(stage.outcome(&upload_id).await, "stored");
}

async fn a_waiting_row_takes_no_edit(stage: &Uploads, waiting: &Value) {
    let which = format!("id=eq.{}", waiting["id"].as_str().expect("an id"));
    for edit in [json!({"tags": ["x"]}), json!({"deleted_at": "now"})] {
        let refused = stage.world.write(&which, &stage.world.user, edit).await;
        refused.assert_status(StatusCode::CONFLICT);
    }
}

/// A list of names may be split at the comma, and an upload that is not found there would end as lost.
pub(super) async fn a_lost_name_with_a_comma_is_found(stage: &Uploads) {
    for splits in [true, false] {
        let switch = json!({"public_ids_split_at_commas": splits});
        stage.world.cloud.set(switch).await;
        let name = format!("lost/{splits},b");
        let upload_id = stage.lose("after", &name, 5).await;
        stage.drain_uploads().await;
        stage.assert_owned(&name).await;
        assert_eq!(stage.outcome(&upload_id).await, "stored");
    }
}

pub(super) async fn an_answer_lost_before_the_effect_leaves_no_row(stage: &Uploads) {
    let upload_id = stage.lose("before", "shop/lost-file", 7).await;
    stage.drain_uploads().await;
    assert_eq!(stage.rows("shop/lost-file").await, Vec::<Value>::new());
    assert_eq!(stage.outcome(&upload_id).await, "lost");
    let failed = stage.audited("upload_failed").await;
    assert_eq!(
        failed, 4,
        "this one, the address that was not there, and two odd files"
    );
}

pub(super) async fn a_notification_overtakes_the_answer(stage: &Uploads) {
    let upload_id = stage.lose("after", "shop/mug", 1).await;
    stage.assert_proven("shop/mug").await;
    assert_eq!(stage.rows("shop/mug").await[0]["id"], upload_id);
}

pub(super) async fn a_run_lets_a_waiting_row_wait(stage: &Uploads) {
    let upload_id = stage.lose("before", "shop/jar", 2).await;
    let run = stage.world.sync(json!({"mode": "full"})).await;
    assert_eq!(run.body["status"], "succeeded", "{}", run.body);
    assert_eq!(stage.rows("shop/jar").await.len(), 1);

    // All users may choose this name. So a console's upload under it is nobody's, and takes the name.
    let console = stage.world.cloud.upload("shop/jar", 3).await;
    let named_so = |row: &Value| row["sync_status"] == "synced";
    stage
        .world
        .row_becomes("the console's jar is there", &console, named_so)
        .await;
    assert!(stage.world.row_of(&console).await["uploaded_by"].is_null());
    assert_eq!(stage.rows("shop/jar").await.len(), 1);
    assert_eq!(stage.outcome(&upload_id).await, "refused");
}

//! Names that other assets have, had or get.

use end_to_end::eventually;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::Uploads;

/// The name is an asset's of which nothing is known here: it stays what it is, and is known now.
pub(super) async fn an_unknown_assets_name_is_taken(stage: &Uploads) {
    let unknown = stage.world.cloud.upload("shop/unknown", 8).await;
    let refused = stage.upload_as("shop/unknown", 9).await;
    refused.assert_refused(StatusCode::CONFLICT, "public_id_taken");
    let row = stage.world.row_of(&unknown).await;
    assert_eq!(
        (&row["uploaded_by"], &row["sync_status"]),
        (&Value::Null, &json!("synced"))
    );
}

/// Gives the row.
pub(super) async fn an_asset_that_comes_back_keeps_its_row(stage: &Uploads) -> Value {
    let old = stage.world.cloud.upload("shop/phoenix", 10).await;
    look_at(stage, &["shop/phoenix"]).await;
    let before = stage.world.row_of(&old).await;
    stage.world.cloud.destroy(&old).await;
    look_at(stage, &["shop/phoenix"]).await;
    let back = stage.upload_as("shop/phoenix", 11).await;
    let back = back.body_with(StatusCode::CREATED);
    assert_eq!(back["item"]["id"], before["id"]);
    stage.assert_proven("shop/phoenix").await;
    before
}

/// Cloudinary has another asset under the name of one that waits: that one has lost it.
pub(super) async fn a_waiting_name_is_lost_to_another_asset(stage: &Uploads, other: &Value) {
    let upload_id = stage.lose("before", "shop/contested", 12).await;
    let cloud = &stage.world.cloud;
    cloud.rename("shop/phoenix", "shop/contested").await;
    // A look counts as early as the second in which it began, and so may not outweigh at once what was
    // uploaded within that second.
    eventually("the name is the other asset's", async || {
        look_at(stage, &["shop/contested", "shop/phoenix"]).await;
        let rows = stage.rows("shop/contested").await;
        rows.len() == 1 && rows[0]["id"] == other["id"]
    })
    .await;
    assert_eq!(stage.outcome(&upload_id).await, "refused");
}

async fn look_at(stage: &Uploads, names: &[&str]) {
    let run = stage.world.sync(json!({"public_ids": names})).await;
    assert_eq!(run.status, StatusCode::OK);
}

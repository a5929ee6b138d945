//! A signature binds neither size nor the format of raw files: what exceeds the rules is removed when it has come.

use end_to_end::{eventually, picture};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::Uploads;

#[tokio::test]
async fn what_a_signature_cannot_bind_is_judged_when_the_file_has_come() {
    let stage = Uploads::start_with(json!({"prefix": "", "max_bytes": 100})).await;
    let fits = stage.signed(json!({"public_id": "shop/fits"})).await;
    stage.send(&fits, picture(1), "mug.gif").await.ok();
    stage.assert_proven("shop/fits").await;

    let large = [picture(2), vec![0; 200]].concat();
    let signed = stage.signed(json!({"public_id": "shop/large"})).await;
    stage.send(&signed, large.clone(), "mug.gif").await.ok();
    is_removed(&stage, "shop/large", "file_too_large").await;

    replaced_content_is_judged_again(&stage, large).await;
    stage.world.assert_mirrored().await;
    stage.world.stack.stop().await;
}

/// The signature may be used again while it is good.
async fn replaced_content_is_judged_again(stage: &Uploads, large: Vec<u8>) {
    let wanted = json!({"public_id": "shop/fits", "overwrite": "1"});
    let signed = stage.signed(wanted).await;
    stage.send(&signed, picture(3), "mug.gif").await.ok();
    stage.send(&signed, large, "mug.gif").await.ok();
    is_removed(stage, "shop/fits", "file_too_large").await;
}

async fn is_removed(stage: &Uploads, public_id: &str, code: &str) {
    eventually("the asset is gone on both sides", async || {
        stage.world.drain().await;
        let rows = stage.rows(public_id).await;
        rows.iter()
            .any(|row| !row["deleted_at"].is_null() && row["sync_status"] == "synced")
    })
    .await;
    let refused = format!(
        "select count(*) from public.media_uploads where public_id = '{public_id}' and error_code = '{code}'"
    );
    assert_eq!(stage.world.count(&refused).await, 1);
    let rows = stage.rows(public_id).await;
    let id = rows[0]["id"].as_str().expect("a row");
    let which = format!("id=eq.{id}");
    let restored = json!({"deleted_at": Value::Null});
    let back = stage.world.write(&which, &stage.world.user, restored).await;
    assert_ne!(back.status, StatusCode::OK, "its uploader cannot");
}

#[tokio::test]
async fn files_that_act_are_taken_only_where_they_are_asked_for() {
    let stage = Uploads::start_with(json!({"prefix": "", "active_formats": ["svg"]})).await;
    let drawing = b"<svg xmlns='http://www.w3.org/2000/svg'></svg>".to_vec();
    stage
        .upload(drawing.clone(), "logo.svg", &[])
        .await
        .assert_status(StatusCode::CREATED);
    for (file, name) in [
        (b"<html>".to_vec(), "page.txt"),
        (b"alert(1)".to_vec(), "a.js"),
    ] {
        let refused = stage.upload(file, name, &[("resource_type", "raw")]).await;
        refused.assert_refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "format_not_allowed");
    }
    let named = stage.sign(json!({"public_id": "shop/page.html"})).await;
    named.assert_refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "format_not_allowed");
    stage.world.stack.stop().await;
}

//! A signature binds neither size nor the format of raw files: what exceeds the rules is removed when it has come.

use end_to_end::{eventually, picture};
use local_stack::TokenClaims;
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

    its_name_stays_kept_while_the_signature_is_good(&stage).await;
    replaced_content_is_judged_again(&stage, large.clone()).await;
    a_signature_that_was_used_is_judged_again(&stage, large).await;
    a_long_wish_does_not_keep_a_file(&stage).await;
    an_editors_replacement_is_judged_too(&stage).await;
    many_refused_files_hold_up_nobody(&stage).await;
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

/// A holder of the signature could replace a file that somebody else brings under the name.
async fn its_name_stays_kept_while_the_signature_is_good(stage: &Uploads) {
    let wanted = json!({"paramsToSign": {"public_id": "shop/large"}});
    let other = stage.post(&stage.other, wanted).await;
    other.assert_refused(StatusCode::CONFLICT, "public_id_reserved");
}

/// First for a small picture, then for a large file of another type.
async fn a_signature_that_was_used_is_judged_again(stage: &Uploads, large: Vec<u8>) {
    let mut signed = stage.signed(json!({"folder": "shop"})).await;
    let public_id = signed["public_id"]
        .as_str()
        .expect("a public id")
        .to_owned();
    stage.send(&signed, picture(4), "mug.gif").await.ok();
    stage.assert_owned(&public_id).await;
    let url = signed["upload"]["url"].as_str().expect("an address");
    signed["upload"]["url"] = json!(url.replace("/auto/", "/raw/"));
    stage.send(&signed, large, "mug.bin").await.ok();
    eventually("the second file is gone", async || {
        stage.world.drain().await;
        let rows = stage.rows(&public_id).await;
        rows.iter().any(|row| {
            row["resource_type"] == "raw"
                && !row["deleted_at"].is_null()
                && row["sync_status"] == "synced"
        })
    })
    .await;
}

/// Wishes of its owner that Cloudinary has refused add up in the row.
async fn a_long_wish_does_not_keep_a_file(stage: &Uploads) {
    let wanted = json!({"public_id": "shop/wished"});
    stage
        .send(&stage.signed(wanted).await, picture(5), "mug.gif")
        .await
        .ok();
    stage.assert_proven("shop/wished").await;
    let which = "cloudinary_public_id=eq.shop/wished";
    let wish = async |value: String| {
        let edit = json!({"metadata": {"nowhere": value}});
        stage.world.write(which, &stage.world.user, edit).await;
    };
    for number in 0..40 {
        wish(format!("{number}-{}", "x".repeat(9_000))).await;
    }
    wish("short".to_owned()).await;
    let beyond = "select count(*) from public.media_assets
        where cloudinary_public_id = 'shop/wished' and octet_length(intent::text) > 262144";
    assert_eq!(
        stage.world.count(beyond).await,
        1,
        "more than a decision may make"
    );
    let wanted = json!({"public_id": "shop/wished", "overwrite": "1"});
    let large = [picture(6), vec![0; 200]].concat();
    stage
        .send(&stage.signed(wanted).await, large, "mug.gif")
        .await
        .ok();
    is_removed(stage, "shop/wished", "file_too_large").await;
}

/// The asset stays its owner's, so neither its owner nor a proof tells who has replaced it.
async fn an_editors_replacement_is_judged_too(stage: &Uploads) {
    stage
        .upload_as("shop/edited", 7)
        .await
        .assert_status(StatusCode::CREATED);
    let editor = TokenClaims::with_role("editor@example.com", "editor");
    let editor = stage.world.stack.token(&editor);
    let params = json!({"public_id": "shop/edited", "overwrite": "1"});
    let body = json!({"paramsToSign": params, "filename": "Blue mug.gif"});
    let signed = stage.post(&editor, body).await.ok();
    let signed = signed.as_object().expect("signed parameters");
    let large = [picture(8), vec![0; 200]].concat();
    stage.send(signed, large, "mug.gif").await.ok();
    is_removed(stage, "shop/edited", "file_too_large").await;
}

/// More than twenty, and more than a tenth of what is there: no brake is for these.
async fn many_refused_files_hold_up_nobody(stage: &Uploads) {
    for number in 0..22 {
        let signed = stage.signed(json!({"folder": "many"})).await;
        let large = [picture(10 + number), vec![0; 200]].concat();
        stage.send(&signed, large, "mug.gif").await.ok();
    }
    let refused = "select count(*) from public.media_assets
        where starts_with(cloudinary_public_id, 'many/') and deleted_at is not null and sync_status = 'synced'";
    eventually("all of them are gone", async || {
        stage.world.drain().await;
        stage.world.count(refused).await == 22
    })
    .await;
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

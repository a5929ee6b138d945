//! Files and addresses, good and bad.

use end_to_end::picture;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::Uploads;

/// Gives the row in the answer.
pub(super) async fn a_form_is_answered_with_its_row(stage: &Uploads) -> Value {
    let fields = [
        ("folder", "shop"),
        ("tags", "a,b"),
        ("context", r#"{"alt": "A = mug"}"#),
    ];
    let answer = stage.upload(picture(1), "Blue mug.gif", &fields).await;
    let answer = answer.body_with(StatusCode::CREATED);
    let item = &answer["item"];
    assert_eq!(
        (&item["sync_status"], &item["uploaded_by"]),
        (&json!("synced"), &json!(stage.world.user_id))
    );
    assert_eq!(
        (&item["context"]["alt"], &item["tags"]),
        (&json!("A = mug"), &json!(["a", "b"]))
    );
    assert_eq!(
        (&item["id"], &item["file_size"]),
        (&answer["upload_id"], &json!(picture(1).len()))
    );
    let public_id = answer["public_id"].as_str().expect("a public id");
    assert_eq!(item["cloudinary_public_id"], public_id);
    stage.world.assert_mirrored().await;
    stage.assert_owned(public_id).await;
    assert_eq!(stage.audited("upload_requested").await, 1);
    item.clone()
}

/// The address is the stand-in's own delivery.
pub(super) async fn an_address_is_copied(stage: &Uploads, mug: &Value) {
    let copy =
        json!({"url": mug["secure_url"], "public_id": "shop/copy", "resource_type": "image"});
    let remote = stage.post(&stage.world.user, copy).await;
    let remote = remote.body_with(StatusCode::CREATED);
    assert_eq!(remote["item"]["cloudinary_etag"], mug["cloudinary_etag"]);
    stage.assert_proven("shop/copy").await;
}

pub(super) async fn bad_addresses_are_refused(stage: &Uploads, mug: &Value) {
    let source = mug["secure_url"].as_str().expect("an address");
    let public_id = mug["cloudinary_public_id"].as_str().expect("a name");
    let host = |host: &str| source.replace("127.0.0.1", host);
    for (url, code) in [
        (source.replace(public_id, "shop/never-was"), "file_refused"),
        (host("localhost"), "address_refused"),
        (host("127.0.0.2"), "address_refused"),
        (
            "http://169.254.169.254/latest/a.png".to_owned(),
            "address_refused",
        ),
        ("data:image/gif;base64,AAAA".to_owned(), "address_refused"),
    ] {
        assert_address_refused(stage, &url, StatusCode::UNPROCESSABLE_ENTITY, code).await;
    }
    let program = source.replace(".gif", ".exe");
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    assert_address_refused(stage, &program, status, "format_not_allowed").await;
}

async fn assert_address_refused(stage: &Uploads, url: &str, status: StatusCode, code: &str) {
    let body = json!({"url": url, "resource_type": "image"});
    let refused = stage.post(&stage.world.user, body).await;
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (status, &json!(code)),
        "{url} {}",
        refused.body
    );
}

pub(super) async fn bad_files_are_refused(stage: &Uploads) {
    for (file, name, status, code) in [
        (
            b"MZ\x90\0".to_vec(),
            "mug.gif",
            StatusCode::UNPROCESSABLE_ENTITY,
            "content_mismatch",
        ),
        // Not recognised here: Cloudinary decides, and by the formats that are allowed here.
        (
            vec![0; 64],
            "mug.gif",
            StatusCode::UNPROCESSABLE_ENTITY,
            "file_refused",
        ),
        (
            b"II*\0 a camera's".to_vec(),
            "mug.gif",
            StatusCode::UNPROCESSABLE_ENTITY,
            "file_refused",
        ),
        (
            b"%PDF-1.7 ...".to_vec(),
            "a.pdf",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "format_not_allowed",
        ),
        (
            vec![b'1'; 2_000_001],
            "a.csv",
            StatusCode::PAYLOAD_TOO_LARGE,
            "file_too_large",
        ),
        (
            picture(2),
            "mug.gif",
            StatusCode::CONFLICT,
            "public_id_taken",
        ),
    ] {
        let public_id = if code == "file_refused" {
            "shop/odd"
        } else {
            "shop/copy"
        };
        let refused = stage.upload(file, name, &[("public_id", public_id)]).await;
        assert_eq!(
            (refused.status, &refused.body["code"]),
            (status, &json!(code)),
            "{name} {}",
            refused.body
        );
    }
}

pub(super) async fn a_table_is_kept_as_it_is(stage: &Uploads) {
    let table = b"a,b\n1,2\n".to_vec();
    let raw = stage.upload(table, "prices.csv", &[]).await;
    let raw = raw.body_with(StatusCode::CREATED);
    assert_eq!(raw["item"]["resource_type"], "raw");
    let public_id = raw["public_id"].as_str().expect("a public id");
    assert!(public_id.ends_with(".csv"), "{raw}");
}

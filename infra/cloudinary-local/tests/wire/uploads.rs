//! Files and parameters of uploads: recognised, converted, refused.

use serde_json::json;

use super::support::{PIXEL, local};

/// The first bytes of a bitmap of 7 by 5 pixels, its rows from the top, and of an icon of 16 by 16.
const BITMAP: &str =
    "data:;base64,Qk02AAAAAAAAADYAAAAoAAAABwAAAPv///8BABgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const ICON: &str = "data:;base64,AAABAAEAEBAAAAEAIAAAAAAAFgAAAA==";

#[tokio::test]
async fn bitmaps_and_icons_are_pictures_with_their_size() {
    let server = local(json!({})).await;
    for (file, format, width, height) in [(BITMAP, "bmp", 7, 5), (ICON, "ico", 16, 16)] {
        let upload = json!({"file": file, "public_id": format});
        let asset = server.upload_api("image/upload", upload).await.ok();
        let told = (&asset["format"], &asset["width"], &asset["height"]);
        assert_eq!(told, (&json!(format), &json!(width), &json!(height)));
    }
}

#[tokio::test]
async fn picture_is_stored_in_the_format_asked_for_and_judged_by_it() {
    let server = local(json!({})).await;
    let only_jpg = json!({"allowed_formats": "jpg", "file": PIXEL, "public_id": "a"});
    assert_eq!(
        server.upload_api("image/upload", only_jpg).await.status,
        400
    );
    let asset = server
        .pixel("a", json!({"allowed_formats": "jpg", "format": "jpg"}))
        .await;
    assert_eq!(asset["format"], "jpg");
}

#[tokio::test]
async fn values_of_addons_are_refused_where_none_is_subscribed_to() {
    let server = local(json!({})).await;
    server.pixel("a", json!({})).await;
    let upload = json!({"file": PIXEL, "public_id": "b", "detection": "faces"});
    assert_eq!(server.upload_api("image/upload", upload).await.status, 400);
    let moderated = json!({"file": PIXEL, "public_id": "b", "moderation": "aws_rek"});
    assert_eq!(
        server.upload_api("image/upload", moderated).await.status,
        420
    );
    let update = json!({"categorization": "google_tagging"});
    let answer = server
        .admin("POST", "resources/image/upload/a", update)
        .await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn names_that_the_rules_forbid_are_refused_unless_the_switch_lets_them_in() {
    for (any, wanted) in [(false, 400), (true, 200)] {
        let server = local(json!({"any_public_id": any})).await;
        server.pixel("plain", json!({})).await;
        for name in ["50% off", "a?b", "a&b", "a#b", "a\\b", "<a>", "a+b", " a"] {
            let upload = json!({"file": PIXEL, "public_id": name});
            let status = server.upload_api("image/upload", upload).await.status;
            assert_eq!(status, wanted, "{name}");
        }
        let rename = json!({"from_public_id": "plain", "to_public_id": "a%b"});
        let renamed = server.upload_api("image/rename", rename).await;
        assert_eq!(renamed.status, wanted);
    }
}

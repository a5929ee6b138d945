//! Stored bytes and thumbnails, as a page would load them.

use serde_json::json;

use super::support::{Local, local};

async fn fetch(server: &Local, path: &str) -> (u16, String, Vec<u8>) {
    let answer = server
        .http
        .get(format!("{}{path}", server.url))
        .send()
        .await
        .unwrap();
    let kind = answer
        .headers()
        .get("content-type")
        .map_or("", |v| v.to_str().unwrap())
        .to_owned();
    (
        answer.status().as_u16(),
        kind,
        answer.bytes().await.unwrap().to_vec(),
    )
}

#[tokio::test]
async fn seeded_pictures_are_served_and_scaled() {
    let server = local(json!({})).await;
    server
        .control(
            "POST",
            "seed",
            json!({"count": 3, "resource_types": ["image", "video", "raw"], "folder": "f g"}),
        )
        .await
        .ok();
    let (status, kind, bytes) =
        fetch(&server, "/demo/image/upload/v1/f%20g/asset-0000000.png").await;
    assert_eq!((status, kind.as_str()), (200, "image/png"));
    assert_eq!(image::load_from_memory(&bytes).unwrap().width(), 96);
    let thumbnail = "/demo/image/upload/w_40,h_40,c_fill,g_auto/f_auto,q_auto/f%20g/asset-0000000";
    for _ in 0..2 {
        let (status, kind, bytes) = fetch(&server, thumbnail).await;
        assert_eq!((status, kind.as_str()), (200, "image/jpeg"));
        let picture = image::load_from_memory(&bytes).unwrap();
        assert_eq!((picture.width(), picture.height()), (40, 40));
    }
    let (_, kind, bytes) = fetch(&server, "/demo/video/upload/f%20g/asset-0000001.mp4").await;
    assert_eq!(
        (kind.as_str(), &bytes[4..8]),
        ("video/mp4", b"ftyp".as_slice())
    );
    let (status, kind, _) = fetch(&server, "/demo/video/upload/w_20/f%20g/asset-0000001.jpg").await;
    assert_eq!((status, kind.as_str()), (200, "image/jpeg"));
    let (_, kind, bytes) = fetch(&server, "/demo/raw/upload/f%20g/asset-0000002.txt").await;
    assert!(kind.starts_with("text/plain") && bytes.starts_with(b"Generated document"));
    let (status, ..) = fetch(&server, "/demo/image/upload/none.png").await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn deleted_assets_are_not_served_and_authenticated_ones_only_when_signed() {
    use base64::Engine as _;
    use sha1::Digest as _;
    let server = local(json!({})).await;
    server.pixel("a", json!({})).await;
    assert_eq!(fetch(&server, "/demo/image/upload/a.png").await.0, 200);
    server
        .upload_api("image/destroy", json!({"public_id": "a"}))
        .await
        .ok();
    assert_eq!(fetch(&server, "/demo/image/upload/a.png").await.0, 404);

    server.pixel("s", json!({"type": "authenticated"})).await;
    assert_eq!(
        fetch(&server, "/demo/image/authenticated/s.png").await.0,
        401
    );
    let digest = sha1::Sha1::digest(format!("w_10/s.png{}", super::support::SECRET));
    let signature = &base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest)[..8];
    let path = format!("/demo/image/authenticated/s--{signature}--/w_10/v1/s.png");
    assert_eq!(fetch(&server, &path).await.0, 200);
    assert_eq!(fetch(&server, &path.replace("w_10", "w_11")).await.0, 401);

    // Signed as it is written, as both SDKs do, though they do not escape the same.
    server
        .pixel("shop/a (1)", json!({"type": "authenticated"}))
        .await;
    for written in ["shop/a%20%281%29.png", "shop/a%20(1).png"] {
        let digest = sha1::Sha1::digest(format!("{written}{}", super::support::SECRET));
        let signature = &base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest)[..8];
        let path = format!("/demo/image/authenticated/s--{signature}--/v1/{written}");
        assert_eq!(fetch(&server, &path).await.0, 200, "{written}");
    }
}

async fn refusal(server: &Local, path: &str) -> (u16, String) {
    let url = format!("{}{path}", server.url);
    let answer = server.http.head(url).send().await.unwrap();
    let error = answer.headers().get("x-cld-error");
    let error = error.map_or("", |value| value.to_str().unwrap());
    (answer.status().as_u16(), error.to_owned())
}

#[tokio::test]
async fn security_settings_refuse_transformations_and_pdf_files() {
    let server = local(json!({"strict_transformations": true, "pdf_delivery": false})).await;
    server.pixel("a", json!({})).await;
    let pdf = "data:application/pdf;base64,JVBERi0xLjQKJSVFT0YK";
    let paper = json!({"file": pdf, "public_id": "paper"});
    server.upload_api("image/upload", paper).await.ok();

    let transformed = "/demo/image/upload/c_fill,w_40,h_40/a.png";
    let (status, error) = refusal(&server, transformed).await;
    assert_eq!(status, 401);
    assert!(error.ends_with("is not allowed"), "{error}");
    assert_eq!(refusal(&server, "/demo/image/upload/a.png").await.0, 200);
    let paper = "/demo/image/upload/paper.pdf";
    let expected = (401, "deny or ACL failure".to_owned());
    assert_eq!(refusal(&server, paper).await, expected);

    server
        .set(json!({"strict_transformations": false, "pdf_delivery": true}))
        .await;
    assert_eq!(refusal(&server, transformed).await.0, 200);
    assert_eq!(refusal(&server, paper).await.0, 200);
}

#[tokio::test]
async fn account_of_another_region_is_sent_there() {
    let server = local(json!({"region": "eu"})).await;
    let answer = server.admin("GET", "ping", json!(null)).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.message(),
        "Cloud demo belongs to eu geo, please access via api-eu.cloudinary.com"
    );
}

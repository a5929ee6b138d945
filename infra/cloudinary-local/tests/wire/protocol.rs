//! Credentials, signatures, limits and errors.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::support::{KEY, PIXEL, SECRET, local, signed};

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

#[tokio::test]
async fn wrong_signature_is_answered_with_what_was_to_be_signed() {
    let server = local(json!({})).await;
    let mut form = signed(json!({"context": "k=a&b", "file": PIXEL}), now());
    for (name, value) in &mut form {
        if name == "signature" {
            *value = "0".repeat(40);
        }
    }
    let answer = server.form("image/upload", &form).await;
    assert_eq!(answer.status, 401);
    let zeros = "0".repeat(40);
    let wanted = format!(
        "Invalid Signature {zeros}. String to sign - 'context=k=a%26b&timestamp={}'",
        now()
    );
    assert_eq!(answer.message()[..80], wanted[..80], "{}", answer.body);
}

#[tokio::test]
async fn stale_timestamp_is_refused_with_the_configured_status() {
    for status in [400, 401] {
        let server = local(json!({"stale_status": status})).await;
        let fresh = signed(json!({"public_id": "a", "file": PIXEL}), now() - 3500);
        server.form("image/upload", &fresh).await.ok();
        let stale = signed(json!({"public_id": "a", "file": PIXEL}), 1_767_225_600);
        let answer = server.form("image/upload", &stale).await;
        assert_eq!(answer.status, status);
        assert_eq!(
            answer.message(),
            "Stale request - reported time is 2026-01-01 00:00:00 +0000 which is more than 1 hour ago"
        );
    }
}

#[tokio::test]
async fn notification_url_stays_out_of_the_signature_of_bulk_edits_only() {
    let server = local(json!({})).await;
    server.pixel("a", json!({})).await;
    let mut form = signed(
        json!({"command": "add", "tag": "x", "public_ids": ["a"]}),
        now(),
    );
    form.push((
        "notification_url".to_owned(),
        "http://127.0.0.1:9/".to_owned(),
    ));
    server.form("image/tags", &form).await.ok();
    let mut form = signed(json!({"public_id": "a"}), now());
    form.push((
        "notification_url".to_owned(),
        "http://127.0.0.1:9/".to_owned(),
    ));
    assert_eq!(server.form("image/destroy", &form).await.status, 401);
}

#[tokio::test]
async fn unsigned_upload_needs_a_preset_and_never_overwrites() {
    let presets = json!({"open": {"unsigned": true, "tags": "from-preset"}, "closed": {}});
    let server = local(json!({"upload_presets": presets})).await;
    let upload = |preset: Option<&str>| {
        let mut form = vec![
            ("file".to_owned(), PIXEL.to_owned()),
            ("public_id".to_owned(), "u".to_owned()),
        ];
        form.extend(preset.map(|name| ("upload_preset".to_owned(), name.to_owned())));
        form
    };
    let missing = server.form("image/upload", &upload(None)).await;
    assert_eq!(
        missing.message(),
        "Upload preset must be specified when using unsigned upload"
    );
    assert_eq!(
        server
            .form("image/upload", &upload(Some("closed")))
            .await
            .status,
        400
    );
    assert_eq!(
        server
            .form("image/upload", &upload(Some("none")))
            .await
            .message(),
        "Upload preset not found"
    );
    let first = server
        .form("image/upload", &upload(Some("open")))
        .await
        .ok();
    assert_eq!(first["tags"], json!(["from-preset"]));
    assert_eq!(
        server
            .form("image/upload", &upload(Some("open")))
            .await
            .ok()["existing"],
        true
    );
}

#[tokio::test]
async fn basic_credentials_on_upload_endpoints_are_a_switch() {
    let server = local(json!({})).await;
    server.pixel("a", json!({})).await;
    let id = server.get("resources/image/upload/a").await["asset_id"].clone();
    let destroy = json!({"asset_id": id});
    server.set(json!({"basic_auth_on_upload": false})).await;
    assert_eq!(
        server
            .admin("POST", "asset/destroy", destroy.clone())
            .await
            .status,
        401
    );
    server.set(json!({"basic_auth_on_upload": true})).await;
    let answer = server.admin("POST", "asset/destroy", destroy).await.ok();
    assert_eq!(answer, json!({"result": "ok"}));
}

#[tokio::test]
async fn quota_is_told_in_headers_and_ends_in_420_or_429() {
    // In the middle of its hour, so that the quota is not renewed meanwhile.
    let skew = (1800 - i64::try_from(now() % 3600).unwrap()) * 1000;
    let server = local(json!({"rate_limit": 3, "clock_skew_ms": skew})).await;
    let first = server.admin("GET", "ping", Value::Null).await;
    let header = |name: &str| first.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("x-featureratelimit-limit"), "3");
    assert_eq!(header("x-featureratelimit-remaining"), "2");
    assert!(header("x-featureratelimit-reset").ends_with(":00:00 GMT"));
    assert!(header("x-request-id").len() == 32);
    server.set(json!({"rate_remaining": 0})).await;
    for status in [420, 429] {
        server.set(json!({"rate_limit_status": status})).await;
        let over = server.admin("GET", "ping", Value::Null).await;
        assert_eq!(over.status, status);
        let message = over.message();
        assert!(
            message.starts_with(
                "Rate Limit Exceeded. Limit of 3 api operations reached. Try again on 2"
            ),
            "{message}"
        );
        assert!(message.ends_with(":00:00 UTC"), "{message}");
        assert_eq!(over.headers["x-featureratelimit-remaining"], "0");
    }
    // The Upload API has no hourly limit.
    server.pixel("free", json!({})).await;
    server.set(json!({"rate_limit": 0})).await;
    let unlimited = server.admin("GET", "ping", Value::Null).await;
    assert!(unlimited.status == 200 && !unlimited.headers.contains_key("x-featureratelimit-limit"));
}

#[tokio::test]
async fn date_header_and_versions_follow_the_stand_ins_own_clock() {
    let server = local(json!({})).await;
    server
        .control("PUT", "clock", json!({"now": "2030-05-05T05:05:00Z"}))
        .await
        .ok();
    let answer = server.admin("GET", "ping", Value::Null).await;
    let date = answer.headers["date"].to_str().unwrap();
    assert!(date.starts_with("Sun, 05 May 2030 05:05:"), "{date}");
    let form = signed(json!({"public_id": "later", "file": PIXEL}), 1_904_274_300);
    let asset = server.form("image/upload", &form).await.ok();
    assert!(
        asset["created_at"]
            .as_str()
            .unwrap()
            .starts_with("2030-05-05T05:05:"),
        "{asset}"
    );
    assert!(
        (1_904_187_900..1_904_188_000).contains(&asset["version"].as_i64().unwrap()),
        "{asset}"
    );
}

#[tokio::test]
async fn sha256_signatures_are_taken_and_answers_follow_the_account() {
    use sha2::Digest as _;
    let server = local(json!({"signature_algorithm": "sha256"})).await;
    let time = now();
    let text = format!("public_id=s&timestamp={time}{SECRET}");
    let form = [
        ("public_id", "s".to_owned()),
        ("timestamp", time.to_string()),
        ("file", PIXEL.to_owned()),
        ("api_key", KEY.to_owned()),
        ("signature", hex::encode(sha2::Sha256::digest(text))),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let asset = server.form("image/upload", &form).await.ok();
    assert_eq!(asset["signature"].as_str().unwrap().len(), 64);
}

#[tokio::test]
async fn nonsense_is_answered_with_the_documented_errors() {
    let server = local(json!({})).await;
    let wrong_cloud = server
        .http
        .get(format!("{}/v1_1/other/ping", server.url))
        .send()
        .await
        .unwrap();
    assert_eq!(wrong_cloud.status(), 401);
    let cases = [
        (
            "image/upload",
            json!({"file": "data:text/plain;base64,aGVsbG8="}),
            400,
            "Invalid image file",
        ),
        (
            "video/upload",
            json!({"file": PIXEL}),
            400,
            "Unsupported video format or file",
        ),
        (
            "image/upload",
            json!({}),
            400,
            "Missing required parameter - file",
        ),
        (
            "image/upload",
            json!({"file": "ftp://host/file"}),
            400,
            "Unsupported source URL: ftp://host/file",
        ),
        (
            "image/rename",
            json!({"from_public_id": "x", "to_public_id": "y"}),
            404,
            "Resource not found - x",
        ),
        (
            "image/explicit",
            json!({"public_id": "x", "type": "upload"}),
            404,
            "Resource not found - x",
        ),
        (
            "image/destroy",
            json!({"public_id": "x", "type": "odd"}),
            400,
            "Invalid value for parameter type",
        ),
    ];
    for (path, params, status, message) in cases {
        let answer = server.upload_api(path, params).await;
        assert_eq!(
            (answer.status, answer.message()),
            (status, message),
            "{path}"
        );
    }
    let many: Vec<String> = (0..101).map(|n| format!("{n:032x}")).collect();
    assert_eq!(
        server
            .admin("DELETE", "resources", json!({"asset_ids": many}))
            .await
            .status,
        400
    );
    assert_eq!(
        server
            .admin("DELETE", "resources/image/upload", json!({}))
            .await
            .status,
        400
    );
    assert_eq!(
        server
            .admin("GET", "nothing/here", Value::Null)
            .await
            .status,
        404
    );
}

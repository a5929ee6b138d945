//! The Cloudinary client against a server that records its requests.

#![expect(clippy::unwrap_used, reason = "the whole file is a test")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use media_sync::asset::{AssetId, DeliveryName, ResourceType};
use media_sync::cloudinary::admin::RestoreOutcome;
use media_sync::cloudinary::signature::{SignatureAlgorithm, sign_params};
use media_sync::cloudinary::upload::{
    BulkTargets, ContextCommand, RenameRequest, TagCommand, UploadOptions, UploadSource,
};
use media_sync::cloudinary::{
    ApiCredentials, CloudinaryClient, CloudinaryError, DestroyOutcome, ListPage, RefusalKind,
    ResourceUpdate, SearchQuery, SortOrder,
};
use media_sync::config::http_client;
use media_sync::time::Timestamp;
use serde_json::{Value, json};
use url::form_urlencoded;

#[derive(Clone, Debug)]
struct Asked {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Asked {
    fn pairs(text: &str) -> Vec<(String, String)> {
        form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .collect()
    }

    fn query(&self) -> Vec<(String, String)> {
        Self::pairs(self.uri.query().unwrap_or_default())
    }

    fn form(&self) -> Vec<(String, String)> {
        Self::pairs(std::str::from_utf8(&self.body).unwrap())
    }

    fn field(&self, name: &str) -> Option<String> {
        let form = self.form();
        form.into_iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value)
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<(u16, HeaderMap, String)>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// Cloudinary, with prepared answers, in order.
struct Cloud {
    script: Script,
    client: CloudinaryClient,
}

impl Cloud {
    async fn new() -> Self {
        let script = Script::default();
        let app = Router::new().fallback(answer).with_state(script.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let url = format!("cloudinary://614:hush@demo?upload_prefix=http://{address}");
        let client =
            CloudinaryClient::new(http_client().unwrap(), ApiCredentials::parse(&url).unwrap());
        Self { script, client }
    }

    fn will(&self, status: u16, body: Value) -> &Self {
        self.will_with(status, &[], &body.to_string())
    }

    fn will_with(&self, status: u16, headers: &[(&'static str, &str)], body: &str) -> &Self {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let answer = (status, headers.collect(), body.to_owned());
        self.script.answers.lock().unwrap().push_back(answer);
        self
    }

    fn asked(&self) -> Vec<Asked> {
        self.script.asked.lock().unwrap().clone()
    }

    fn last(&self) -> Asked {
        self.asked().pop().unwrap()
    }
}

async fn answer(
    State(script): State<Script>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    script.asked.lock().unwrap().push(Asked {
        method,
        uri,
        headers,
        body,
    });
    let (status, headers, body) = script.answers.lock().unwrap().pop_front().unwrap();
    (StatusCode::from_u16(status).unwrap(), headers, body).into_response()
}

fn id(digit: char) -> AssetId {
    AssetId::parse(&digit.to_string().repeat(32)).unwrap()
}

/// The signature that Cloudinary would calculate over the received form.
fn expected_signature(form: &[(String, String)]) -> String {
    let mut params: Vec<(String, String)> = Vec::new();
    for (name, value) in form {
        let name = name.trim_end_matches("[]");
        if ["file", "api_key", "signature"].contains(&name) {
            continue;
        }
        match params.iter_mut().find(|(given, _)| given == name) {
            Some((_, list)) => *list = format!("{list},{value}"),
            None => params.push((name.to_owned(), value.clone())),
        }
    }
    let pairs = params
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    sign_params(pairs, "hush", SignatureAlgorithm::Sha1)
}

fn assert_signed(asked: &Asked) {
    assert_eq!(
        asked.field("signature").unwrap(),
        expected_signature(&asked.form())
    );
    assert_eq!(asked.field("api_key").unwrap(), "614");
    assert!(!asked.headers.contains_key("authorization"));
    assert!(!String::from_utf8_lossy(&asked.body).contains("hush"));
}

#[tokio::test]
async fn listing_asks_for_everything_and_reads_cursor_and_quota() {
    let cloud = Cloud::new().await;
    let quota = [
        ("x-featureratelimit-limit", "500"),
        ("x-featureratelimit-remaining", "499"),
        ("x-featureratelimit-reset", "Fri, 02 Oct 2026 10:00:00 GMT"),
    ];
    cloud.will_with(
        200,
        &quota,
        r#"{"resources":[{"public_id":"a"}],"next_cursor":"c2"}"#,
    );
    let page = ListPage {
        max_results: 500,
        next_cursor: Some("c&1"),
    };
    let answer = cloud
        .client
        .list_resources(ResourceType::Video, page)
        .await
        .unwrap();
    assert_eq!(answer.value.resources[0].public_id.as_deref(), Some("a"));
    assert_eq!(answer.value.next_cursor.as_deref(), Some("c2"));
    let quota = cloud.client.newest_quota().unwrap();
    assert_eq!((quota.limit, quota.remaining), (500, 499));
    assert_eq!(
        quota.reset,
        Timestamp::parse("2026-10-02T10:00:00Z").unwrap()
    );
    let asked = cloud.last();
    assert_eq!(
        (asked.method.as_str(), asked.uri.path()),
        ("GET", "/v1_1/demo/resources/video")
    );
    assert_eq!(asked.headers["authorization"], "Basic NjE0Omh1c2g=");
    let wanted = [
        ("tags", "true"),
        ("context", "true"),
        ("metadata", "true"),
        ("moderations", "true"),
        ("max_results", "500"),
        ("next_cursor", "c&1"),
    ];
    assert_eq!(
        asked.query(),
        wanted.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

#[tokio::test]
async fn observation_is_stamped_by_cloudinarys_clock_and_never_after_the_answer() {
    let cloud = Cloud::new().await;
    cloud.will_with(200, &[("date", "Thu, 01 Jan 2026 00:00:00 GMT")], "{}");
    let answer = cloud.client.ping().await.unwrap();
    let date = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
    assert!(answer.observed_at <= date);
    assert!(date.since(answer.observed_at) < Duration::from_secs(20));
}

#[tokio::test]
async fn assets_are_fetched_by_id_a_hundred_at_most() {
    let cloud = Cloud::new().await;
    cloud.will(200, json!({ "resources": [{ "asset_id": id('a') }] }));
    let found = cloud
        .client
        .fetch_by_asset_ids(&[id('a'), id('b')])
        .await
        .unwrap()
        .value;
    assert_eq!(found[0].asset_id, Some(id('a')));
    let asked = cloud.last();
    assert_eq!(asked.uri.path(), "/v1_1/demo/resources/by_asset_ids");
    let ids: Vec<_> = asked
        .query()
        .into_iter()
        .filter(|(name, _)| name == "asset_ids[]")
        .map(|(_, id)| id)
        .collect();
    assert_eq!(ids, [id('a').to_string(), id('b').to_string()]);
    for count in [0, 101] {
        let ids = vec![id('a'); count];
        let error = cloud.client.fetch_by_asset_ids(&ids).await.unwrap_err();
        assert!(matches!(error, CloudinaryError::Invalid { .. }) && !error.is_transient());
    }
    assert_eq!(cloud.asked().len(), 1);
}

#[tokio::test]
async fn missing_asset_is_none_but_a_proxys_404_is_an_error() {
    let cloud = Cloud::new().await;
    cloud.will(
        404,
        json!({ "error": { "message": "Resource not found - x" } }),
    );
    assert!(
        cloud
            .client
            .fetch_resource(&id('a'))
            .await
            .unwrap()
            .value
            .is_none()
    );
    for _ in 0..3 {
        cloud.will_with(404, &[], "<html>Not Found</html>");
    }
    let error = cloud.client.fetch_resource(&id('a')).await.unwrap_err();
    assert!(matches!(
        error,
        CloudinaryError::Unreadable { status: 404, .. }
    ));
    assert!(error.is_transient());
}

#[tokio::test]
async fn server_faults_are_tried_again_for_reads_and_not_for_renames() {
    let cloud = Cloud::new().await;
    cloud
        .will(500, json!({ "error": { "message": "General Error" } }))
        .will_with(502, &[], "<html>");
    cloud.will(200, json!({ "resources": [] }));
    cloud
        .client
        .list_resources(ResourceType::Raw, ListPage::default())
        .await
        .unwrap();
    assert_eq!(cloud.asked().len(), 3);

    cloud.will(500, json!({ "error": { "message": "General Error" } }));
    let from = DeliveryName {
        resource_type: ResourceType::Image,
        delivery_type: "upload".into(),
        public_id: "a".into(),
    };
    let rename = RenameRequest {
        from: &from,
        to_public_id: "b",
        to_type: None,
        overwrite: false,
        invalidate: true,
    };
    let error = cloud.client.rename(&rename).await.unwrap_err();
    assert_eq!(cloud.asked().len(), 4);
    assert!(error.is_transient());
    assert_signed(&cloud.last());
}

#[tokio::test]
async fn clones_share_the_newest_reading_of_the_quota_refusals_included() {
    let cloud = Cloud::new().await;
    let told = |remaining| {
        [
            ("x-featureratelimit-limit", "500"),
            ("x-featureratelimit-remaining", remaining),
            ("x-featureratelimit-reset", "Thu, 01 Jan 2026 01:00:00 GMT"),
            ("date", "Thu, 01 Jan 2026 00:10:00 GMT"),
        ]
    };
    assert_eq!(cloud.client.newest_quota(), None);
    cloud.will_with(200, &told("301"), "{}");
    cloud.client.ping().await.unwrap();
    let first = cloud.client.newest_quota().unwrap();
    assert_eq!((first.limit, first.remaining), (500, 301));
    assert_eq!(
        first.reset,
        Timestamp::parse("2026-01-01T01:00:00Z").unwrap()
    );

    cloud.will_with(404, &told("300"), r#"{"error":{"message":"not there"}}"#);
    cloud.client.clone().ping().await.unwrap_err();
    let second = cloud.client.newest_quota().unwrap();
    assert_eq!(second.remaining, 300);

    cloud.client.learn_quota(first);
    assert_eq!(
        cloud.client.newest_quota(),
        Some(second),
        "an older reading changes nothing"
    );
    let newer = media_sync::cloudinary::QuotaReading {
        remaining: 450,
        seen_at: second.seen_at.next(),
        ..second
    };
    cloud.client.learn_quota(newer);
    assert_eq!(cloud.client.newest_quota(), Some(newer));
}

#[tokio::test]
async fn names_are_listed_in_their_delivery_type_and_a_hundred_at_most() {
    let cloud = Cloud::new().await;
    cloud.will(
        200,
        json!({"resources": [{"asset_id": "a".repeat(32), "public_id": "a b"}]}),
    );
    let names = ["a b".to_owned(), "c&d".to_owned()];
    let listed = cloud
        .client
        .list_named(ResourceType::Video, "private", &names)
        .await
        .unwrap();
    assert_eq!(listed.value[0].asset_id, Some(id('a')));
    let asked = cloud.last();
    assert_eq!(asked.uri.path(), "/v1_1/demo/resources/video/private");
    let sent: Vec<_> = asked
        .query()
        .into_iter()
        .filter(|(name, _)| name == "public_ids[]")
        .map(|(_, value)| value)
        .collect();
    assert_eq!(sent, names);
    a_name_with_a_comma_is_asked_for_by_itself(&cloud).await;
    let too_many = vec!["x".to_owned(); 101];
    let refused = cloud
        .client
        .list_named(ResourceType::Image, "upload", &too_many)
        .await;
    assert!(matches!(refused, Err(CloudinaryError::Invalid { .. })));
    assert_eq!(cloud.asked().len(), 3);
}

async fn a_name_with_a_comma_is_asked_for_by_itself(cloud: &Cloud) {
    let names = ["lost/a,b".to_owned(), "c".to_owned()];
    let list = |names| {
        cloud
            .client
            .list_named(ResourceType::Image, "upload", names)
    };
    let mixed = list(&names).await;
    assert!(matches!(mixed, Err(CloudinaryError::Invalid { .. })));
    cloud.will(
        200,
        json!({"asset_id": "a".repeat(32), "public_id": "lost/a,b"}),
    );
    let found = list(&names[..1]).await.unwrap().value;
    assert_eq!(found[0].asset_id, Some(id('a')));
    let asked = cloud.last();
    assert_eq!(
        asked.uri.path(),
        "/v1_1/demo/resources/image/upload/lost/a,b"
    );
    assert_eq!(asked.uri.query(), None);
    cloud.will(
        404,
        json!({"error": {"message": "Resource not found - lost/a,b"}}),
    );
    assert_eq!(list(&names[..1]).await.unwrap().value, []);
}

#[tokio::test]
async fn quota_is_waited_for_and_a_missing_add_on_is_not() {
    let cloud = Cloud::new().await;
    let reset = [
        ("x-featureratelimit-reset", "Thu, 01 Jan 2026 00:10:00 GMT"),
        ("date", "Thu, 01 Jan 2026 00:00:00 GMT"),
    ];
    cloud.will_with(
        420,
        &reset,
        r#"{"error":{"message":"Rate Limit Exceeded. Limit of 500 api operations reached."}}"#,
    );
    let error = cloud.client.usage().await.unwrap_err();
    assert!(error.is_transient());
    let wait = error.retry_after().unwrap();
    assert!(
        wait > Duration::from_secs(599) && wait < Duration::from_secs(630),
        "{wait:?}"
    );
    cloud.will(
        420,
        json!({ "error": { "message": "You don't have an active subscription for OCR" } }),
    );
    let error = cloud.client.usage().await.unwrap_err();
    assert_eq!(error.refusal(), Some(RefusalKind::AddOn));
    assert!(!error.is_transient());
    assert_eq!(cloud.asked().len(), 2);
}

#[tokio::test]
async fn expired_cursor_is_recognised() {
    let cloud = Cloud::new().await;
    cloud.will(
        400,
        json!({ "error": { "message": "Invalid value for parameter next_cursor" } }),
    );
    let error = cloud
        .client
        .list_resources(ResourceType::Image, ListPage::default())
        .await
        .unwrap_err();
    assert!(error.is_cursor_expired() && !error.is_transient());
}

#[tokio::test]
async fn stale_request_is_signed_again_by_the_clock_of_the_refusal() {
    let cloud = Cloud::new().await;
    let date = [("date", "Thu, 01 Jan 2026 00:00:00 GMT")];
    cloud.will_with(400, &date, r#"{"error":{"message":"Stale request - reported time is 2026-05-01 +0000 which is more than 1 hour ago"}}"#);
    cloud.will_with(200, &date, r#"{"result":"ok"}"#);
    cloud.client.destroy(&id('a'), true).await.unwrap();
    let signed_at: i64 = cloud.last().field("timestamp").unwrap().parse().unwrap();
    assert!(
        (1_767_225_570..=1_767_225_600).contains(&signed_at),
        "{signed_at}"
    );
}

#[tokio::test]
async fn destroy_goes_by_asset_id_and_reads_both_outcomes() {
    let cloud = Cloud::new().await;
    cloud
        .will(200, json!({ "result": "ok" }))
        .will(200, json!({ "result": "not found" }));
    assert_eq!(
        cloud.client.destroy(&id('a'), true).await.unwrap().value,
        DestroyOutcome::Ok
    );
    let asked = cloud.last();
    assert_eq!(
        (asked.method.as_str(), asked.uri.path()),
        ("POST", "/v1_1/demo/asset/destroy")
    );
    assert_eq!(asked.field("asset_id").unwrap(), id('a').to_string());
    assert_eq!(asked.field("invalidate").unwrap(), "1");
    assert_signed(&asked);
    assert_eq!(
        cloud.client.destroy(&id('a'), true).await.unwrap().value,
        DestroyOutcome::NotFound
    );
}

#[tokio::test]
async fn bulk_changes_are_signed_over_joined_lists_and_sent_as_repeated_fields() {
    let cloud = Cloud::new().await;
    let public_ids = ["a".to_owned(), "b c/d".to_owned()];
    let targets = BulkTargets {
        resource_type: ResourceType::Image,
        delivery_type: "upload",
        public_ids: &public_ids,
    };
    cloud.will(200, json!({ "public_ids": ["a"] }));
    let tags = ["x".to_owned(), "y".to_owned()];
    let changed = cloud
        .client
        .update_tags(targets, TagCommand::Add, &tags)
        .await
        .unwrap()
        .value;
    assert_eq!(changed.public_ids, ["a"]);
    let asked = cloud.last();
    assert_eq!(asked.uri.path(), "/v1_1/demo/image/tags");
    assert_eq!(asked.field("tag").unwrap(), "x,y");
    assert_eq!(
        asked
            .form()
            .iter()
            .filter(|(name, _)| name == "public_ids[]")
            .count(),
        2
    );
    assert_signed(&asked);

    cloud.will(200, json!({ "public_ids": [] }));
    let pairs = [("alt".to_owned(), "a=b|c".to_owned())].into();
    cloud
        .client
        .update_context(targets, ContextCommand::Add(&pairs))
        .await
        .unwrap();
    assert_eq!(cloud.last().field("context").unwrap(), r"alt=a\=b\|c");
    assert_signed(&cloud.last());

    let comma = ["x,y".to_owned()];
    let error = cloud
        .client
        .update_tags(targets, TagCommand::Add, &comma)
        .await
        .unwrap_err();
    assert!(matches!(error, CloudinaryError::Invalid { .. }));
}

#[tokio::test]
async fn uploads_send_bytes_as_multipart_and_addresses_as_fields() {
    let cloud = Cloud::new().await;
    let options = UploadOptions {
        resource_type: Some(ResourceType::Image),
        public_id: Some("shop/mug".into()),
        tags: vec!["a".into()],
        context: [("alt".to_owned(), "x".to_owned())].into(),
        overwrite: Some(true),
        ..UploadOptions::default()
    };
    cloud.will(200, json!({ "asset_id": id('a'), "public_id": "shop/mug" }));
    let bytes = UploadSource::Bytes {
        data: Bytes::from_static(b"\x89PNG\0bytes"),
        filename: "mug.png".into(),
    };
    let stored = cloud.client.upload(bytes, &options).await.unwrap().value;
    assert_eq!(stored.asset_id, Some(id('a')));
    let asked = cloud.last();
    assert_eq!(asked.uri.path(), "/v1_1/demo/image/upload");
    assert!(
        asked.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("multipart/form-data")
    );
    assert!(
        asked
            .body
            .windows(10)
            .any(|window| window == b"\x89PNG\0bytes")
    );

    cloud.will(200, json!({}));
    let source = UploadSource::Url("https://example.com/a.jpg".into());
    cloud
        .client
        .upload(source, &UploadOptions::default())
        .await
        .unwrap();
    let asked = cloud.last();
    assert_eq!(asked.uri.path(), "/v1_1/demo/auto/upload");
    assert_eq!(asked.field("file").unwrap(), "https://example.com/a.jpg");
    assert_signed(&asked);
}

#[tokio::test]
async fn search_restore_update_and_bulk_delete_speak_json() {
    let cloud = Cloud::new().await;
    cloud.will(200, json!({ "total_count": 7, "resources": [] }));
    let query = SearchQuery {
        expression: "folder:a".into(),
        sort_by: vec![("uploaded_at".into(), SortOrder::Ascending)],
        max_results: 500,
        ..SearchQuery::default()
    };
    assert_eq!(
        cloud.client.search(&query).await.unwrap().value.total_count,
        7
    );
    assert_eq!(
        cloud.last().json(),
        json!({ "expression": "folder:a", "max_results": 500, "sort_by": [{ "uploaded_at": "asc" }], "with_field": ["tags", "context", "metadata"] })
    );

    cloud.will(200, json!({ id('a').as_str(): { "public_id": "a" }, id('b').as_str(): { "error": "no_backup" } }));
    let restored = cloud
        .client
        .restore(&[id('a'), id('b')])
        .await
        .unwrap()
        .value;
    assert!(matches!(restored[&id('a')], RestoreOutcome::Restored(_)));
    assert_eq!(restored[&id('b')], RestoreOutcome::NoBackup);

    cloud.will(200, json!({ "asset_id": id('a') }));
    let update = ResourceUpdate {
        display_name: Some("New".into()),
        tags: Some(vec!["a".into(), "b".into()]),
        context: Some(
            [
                ("alt".into(), "A|mug".into()),
                ("gone".into(), String::new()),
            ]
            .into(),
        ),
        metadata: json!({"stock": 7, "size": null}).as_object().cloned(),
        ..ResourceUpdate::default()
    };
    cloud
        .client
        .update_resource(&id('a'), &update)
        .await
        .unwrap();
    assert_eq!(cloud.last().method, Method::PUT);
    assert_eq!(
        cloud.last().json(),
        json!({
            "display_name": "New", "tags": "a,b", "context": r"alt=A\|mug|gone=", "metadata": "size=|stock=7",
        })
    );

    cloud.will(200, json!({ "deleted": { "shop/mug": "deleted", id('b').as_str(): "not_found" }, "partial": false }));
    let deleted = cloud
        .client
        .delete_by_asset_ids(&[id('a'), id('b')], true)
        .await
        .unwrap()
        .value;
    assert_eq!(deleted.is_gone(&id('a'), "shop/mug"), Some(true));
    assert_eq!(deleted.is_gone(&id('b'), "other"), Some(true));
    assert_eq!(deleted.is_gone(&id('c'), "else"), None);
    assert_eq!(
        (cloud.last().method, cloud.last().uri.path()),
        (Method::DELETE, "/v1_1/demo/resources")
    );
}

#[tokio::test]
async fn no_error_shows_the_secret() {
    let cloud = Cloud::new().await;
    cloud.will(
        401,
        json!({ "error": { "message": "Invalid Signature abc. String to sign - 'asset_id=1'" } }),
    );
    let refused = cloud.client.destroy(&id('a'), true).await.unwrap_err();
    let nobody = "cloudinary://614:hush@demo?upload_prefix=http://127.0.0.1:1";
    let nobody = CloudinaryClient::new(
        http_client().unwrap(),
        ApiCredentials::parse(nobody).unwrap(),
    );
    let unreachable = nobody.ping().await.unwrap_err();
    assert!(unreachable.is_transient() && !refused.is_transient());
    for error in [refused, unreachable] {
        assert!(!format!("{error:?} {error}").contains("hush"));
    }
}

//! Requests for changes against a database and a queue that answer as they are told.

#![expect(clippy::unwrap_used, reason = "the whole file is a test")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use axum::Router;
use axum::extract::{Request as Call, State};
use axum::http::StatusCode;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use lambda_http::{Body, Request, Response};
use media_sync::config::http_client;
use media_sync::http::{MediaRequests, RequestedChange, respond};
use media_sync::queue::{IntentMessage, SqsQueue, decode};
use media_sync::supabase::jwt::TokenVerifier;
use media_sync::supabase::{ApiKey, DataApi};
use media_sync::time::Timestamp;
use serde_json::{Map, Value, json};
use url::Url;
use uuid::Uuid;

const SECRET: &str = "legacy-secret";

/// Requests to the database and the queue, and their answers.
#[derive(Default)]
struct Told {
    rpcs: Vec<(String, Value)>,
    sent: Vec<IntentMessage>,
    answers: VecDeque<(u16, Value)>,
    queue_is_away: bool,
}

struct World {
    told: Arc<Mutex<Told>>,
    requests: MediaRequests,
    token: String,
}

async fn answer(State(told): State<Arc<Mutex<Told>>>, call: Call) -> (StatusCode, String) {
    let (parts, body) = call.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let mut told = told.lock().unwrap();
    let Some(function) = parts.uri.path().strip_prefix("/rest/v1/rpc/") else {
        if told.queue_is_away {
            return (StatusCode::SERVICE_UNAVAILABLE, "{}".to_owned());
        }
        let mut successful = Vec::new();
        for entry in body["Entries"].as_array().unwrap() {
            told.sent
                .push(decode(entry["MessageBody"].as_str().unwrap()).unwrap());
            successful.push(json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": ""}));
        }
        return (
            StatusCode::OK,
            json!({"Successful": successful}).to_string(),
        );
    };
    told.rpcs.push((function.to_owned(), body));
    let (status, answer) = told.answers.pop_front().expect("no further call");
    (StatusCode::from_u16(status).unwrap(), answer.to_string())
}

impl World {
    async fn answering(answers: impl IntoIterator<Item = (u16, Value)>) -> Self {
        let told = Arc::new(Mutex::new(Told {
            answers: answers.into_iter().collect(),
            ..Told::default()
        }));
        let app = Router::new().fallback(answer).with_state(told.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let aws = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(url.as_str())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "k", "s", None, None, "test",
            )))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .retry_config(aws_config::retry::RetryConfig::disabled())
            .build();
        let http = http_client().unwrap();
        let claims = json!({
            "sub": Uuid::from_u128(1), "role": "authenticated", "aud": "authenticated",
            "exp": Timestamp::now().micros() / 1_000_000 + 3600, "iss": format!("{url}auth/v1"),
        });
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        Self {
            requests: MediaRequests::new(
                TokenVerifier::new(&url, Some(SECRET), http.clone()),
                DataApi::new(
                    url.clone(),
                    ApiKey::parse("sb_publishable_x").unwrap(),
                    http,
                ),
                SqsQueue::connect(&aws, format!("{url}1/outbound")),
            ),
            token: encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap(),
            told,
        }
    }

    /// The same about one asset.
    async fn send_one(&self, change: RequestedChange) -> Response<Body> {
        let mut request = Request::new(Body::Empty);
        let bearer = format!("Bearer {}", self.token).parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        let arguments = Map::from_iter([("p_items".to_owned(), json!([{"asset_id": "a"}]))]);
        respond(request, async |request| {
            self.requests
                .answer_one(request, change, |_| Ok(arguments))
                .await
        })
        .await
    }

    async fn send(
        &self,
        change: RequestedChange,
        headers: &[(&'static str, &str)],
    ) -> Response<Body> {
        let mut request = Request::new(Body::Empty);
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        let arguments = Map::from_iter([("p_items".to_owned(), json!([{"public_id": "a"}]))]);
        respond(request, async |request| {
            self.requests
                .answer(request, change, |_| Ok(arguments))
                .await
        })
        .await
    }

    async fn signed_in(&self, change: RequestedChange, key: Option<&str>) -> Response<Body> {
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        self.send(change, &headers).await
    }
}

fn body(response: &Response<Body>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

fn done(rows: &[(u128, &str)]) -> Vec<Value> {
    let item = |(row, status): &(u128, &str)| {
        json!({
            "public_id": format!("asset-{row}"), "asset_id": format!("{row:032x}"),
            "asset_row_id": Uuid::from_u128(*row), "sync_status": status,
        })
    };
    rows.iter().map(item).collect()
}

#[tokio::test]
async fn what_waits_for_cloudinary_is_sent_and_what_failed_is_told() {
    let failed = json!([{"public_id": "b", "error": "in use", "code": "in_use", "references": [{"table": "pages"}]}]);
    let answer = json!({"done": done(&[(1, "pending"), (2, "synced")]), "failed": failed});
    let world = World::answering([(200, answer)]).await;
    let response = world.signed_in(RequestedChange::Edit, None).await;
    assert_eq!(response.status(), 200);
    assert!(!response.headers().contains_key("idempotent-replay"));
    let answer = body(&response);
    assert_eq!(answer["updated"], json!(["asset-1", "asset-2"]));
    assert_eq!(answer["failed"], failed, "as the database told it");
    assert_eq!(answer["assets"][1]["sync_status"], "synced");
    assert_eq!(
        answer["message"],
        "2 updated here; Cloudinary follows. 1 failed."
    );
    let told = world.told.lock().unwrap();
    let rows: Vec<_> = told.sent.iter().map(|intent| intent.asset_row_id).collect();
    assert_eq!(rows, [Uuid::from_u128(1)], "only what is pending");
    let arguments = json!({"p_items": [{"public_id": "a"}], "p_idempotency_key": null});
    assert_eq!(told.rpcs, [("media_request_edit".to_owned(), arguments)]);
}

#[tokio::test]
async fn of_one_asset_the_status_tells_the_outcome() {
    let mut asset = done(&[(1, "pending")]);
    asset[0]["asset"] = json!({"folder": "shop"});
    let world = World::answering([(200, json!({"done": asset, "failed": []}))]).await;
    let response = world.send_one(RequestedChange::Edit).await;
    assert_eq!(response.status(), 202);
    assert_eq!(body(&response)["asset"]["folder"], "shop");
    assert_eq!(
        world.told.lock().unwrap().sent.len(),
        1,
        "Cloudinary follows"
    );

    let failed = json!([{"public_id": "a", "error": "not yours to change", "code": "forbidden"}]);
    let world = World::answering([(200, json!({"done": [], "failed": failed}))]).await;
    let response = world.send_one(RequestedChange::Edit).await;
    assert_eq!(response.status(), 403);
    assert_eq!(body(&response)["code"], "forbidden");
    assert!(world.told.lock().unwrap().sent.is_empty());
}

#[tokio::test]
async fn a_repeat_is_marked_and_sends_the_intents_again() {
    let answer = json!({"done": done(&[(1, "pending")]), "failed": [], "replayed": true});
    let world = World::answering([(200, answer)]).await;
    let response = world.signed_in(RequestedChange::Restore, Some("k-1")).await;
    assert_eq!(response.headers()["idempotent-replay"], "true");
    assert_eq!(body(&response)["restored"], json!(["asset-1"]));
    let told = world.told.lock().unwrap();
    assert_eq!(told.rpcs[0].1["p_idempotency_key"], "k-1");
    assert_eq!(told.sent.len(), 1);
}

#[tokio::test]
async fn without_the_queue_the_change_stands_and_waits_for_the_drain() {
    let answer = json!({"done": done(&[(1, "pending")]), "failed": []});
    let world = World::answering([(200, answer)]).await;
    world.told.lock().unwrap().queue_is_away = true;
    let response = world.signed_in(RequestedChange::Delete, None).await;
    assert_eq!(response.status(), 200);
    assert_eq!(body(&response)["deleted"], json!(["asset-1"]));
}

#[tokio::test]
async fn a_deadlocks_victim_is_repeated_at_once_but_not_for_ever() {
    let deadlock = (
        500,
        json!({"code": "40P01", "message": "deadlock detected"}),
    );
    let good = (200, json!({"done": [], "failed": []}));
    let world = World::answering([deadlock.clone(), deadlock.clone(), good]).await;
    assert_eq!(
        world
            .signed_in(RequestedChange::Delete, None)
            .await
            .status(),
        200
    );
    let world = World::answering(vec![deadlock; 3]).await;
    let response = world.signed_in(RequestedChange::Delete, None).await;
    assert_eq!(response.status(), 503);
    assert_eq!(body(&response)["code"], "database_unavailable");
}

#[tokio::test]
async fn what_the_database_says_of_a_key_is_told_with_a_stable_code() {
    // A request that is still running is asked about six times, since it ends soon.
    for (code, status, calls, told, expected, retry_after) in [
        ("PT409", 409, 6, 409, "request_in_progress", Some("1")),
        ("PT422", 422, 1, 422, "idempotency_key_reused", None),
        ("42501", 403, 1, 403, "forbidden", None),
        ("57014", 500, 1, 413, "body_too_large", None),
        ("PT413", 413, 1, 413, "body_too_large", None),
        ("57P01", 500, 1, 503, "database_unavailable", Some("5")),
    ] {
        let refusal = json!({"code": code, "message": "hush"});
        let world = World::answering(vec![(status, refusal); calls]).await;
        let response = world.signed_in(RequestedChange::Edit, Some("k")).await;
        assert_eq!(response.status(), told, "{code}");
        assert_eq!(world.told.lock().unwrap().rpcs.len(), calls, "{code}");
        assert_eq!(body(&response)["code"], expected);
        let wait = response.headers().get("retry-after");
        assert_eq!(wait.map(|wait| wait.to_str().unwrap()), retry_after);
        assert!(!body(&response).to_string().contains("hush"));
    }
}

#[tokio::test]
async fn nobody_and_bad_keys_get_no_further() {
    let world = World::answering([]).await;
    let response = world.send(RequestedChange::Delete, &[]).await;
    assert_eq!(body(&response)["code"], "token_missing");
    let response = world
        .signed_in(RequestedChange::Delete, Some("two words"))
        .await;
    assert_eq!(response.status(), 400);
    assert_eq!(body(&response)["parameter"], "Idempotency-Key");
    assert!(world.told.lock().unwrap().rpcs.is_empty());
}

//! The handler on real event documents, with SQS faked at the wire.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials as Keys, SharedCredentialsProvider};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode as Status};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use media_sync::cloudinary::ApiCredentials;
use media_sync::queue::decode;
use proptest::prelude::*;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use sha2::Sha256;

use super::*;

const SECRET: &str = "hush";
const FUNCTION_URL: &str = include_str!("../../events/function_url.json");
const HTTP_API: &str = include_str!("../../events/http_api.json");
const BODY: &str = r#"{"notification_type":"upload","public_id":"shop/mug","signature_key":"614"}"#;

/// SQS's JSON protocol, as much of it as a sender sees.
struct Sqs {
    calls: Arc<Mutex<Vec<Value>>>,
    webhook: Webhook,
}

impl Sqs {
    async fn answering(status: Status) -> Self {
        type Calls = Arc<Mutex<Vec<Value>>>;
        let calls = Calls::default();
        let app = Router::new()
            .fallback(
                move |State(calls): State<Calls>, headers: HeaderMap, body: String| async move {
                    assert_eq!(headers["x-amz-target"], "AmazonSQS.SendMessage");
                    calls
                        .lock()
                        .unwrap()
                        .push(serde_json::from_str(&body).unwrap());
                    let answer = if status.is_success() {
                        json!({ "MessageId": "m-1", "MD5OfMessageBody": "" })
                    } else {
                        json!({ "__type": "com.amazonaws.sqs#ServiceUnavailable" })
                    };
                    (status, answer.to_string())
                },
            )
            .with_state(calls.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let aws = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(format!("http://{address}"))
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(Keys::new(
                "k", "s", None, None, "test",
            )))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let credentials =
            ApiCredentials::parse(&format!("cloudinary://614:{SECRET}@demo")).unwrap();
        let verifier = NotificationVerifier::new(Some(&credentials), &BTreeMap::new());
        let queue = SqsQueue::connect(&aws, format!("http://{address}/1/notifications"));
        Self {
            calls,
            webhook: Webhook::new(LiveValue::fixed(verifier), queue),
        }
    }

    async fn up() -> Self {
        Self::answering(Status::OK).await
    }

    async fn send(&self, event: &Value) -> (u16, Value) {
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        let response = self.webhook.handle(request).await;
        let body = serde_json::from_slice(response.body()).unwrap();
        (response.status().as_u16(), body)
    }

    /// The refusals that SQS was told of; it holds nothing else.
    fn refused(&self) -> Vec<RefusedNotifications> {
        let calls = self.calls.lock().unwrap();
        let bodies = calls
            .iter()
            .map(|call| call["MessageBody"].as_str().unwrap());
        bodies.map(|body| decode(body).unwrap()).collect()
    }

    /// The notifications that SQS holds.
    fn received(&self) -> Vec<NotificationMessage> {
        let calls = self.calls.lock().unwrap();
        calls
            .iter()
            .map(|call| decode(call["MessageBody"].as_str().unwrap()).unwrap())
            .collect()
    }
}

fn now() -> i64 {
    Timestamp::now().micros() / 1_000_000
}

fn sha1(body: &[u8], seconds: i64) -> String {
    let text = [body, seconds.to_string().as_bytes(), SECRET.as_bytes()].concat();
    hex::encode(Sha1::digest(text))
}

fn sha256(body: &[u8], seconds: i64) -> String {
    let text = [body, seconds.to_string().as_bytes(), SECRET.as_bytes()].concat();
    hex::encode(Sha256::digest(text))
}

fn event(template: &str, body: &str, seconds: i64, signature: &str) -> Value {
    let mut event: Value = serde_json::from_str(template).unwrap();
    event["body"] = body.into();
    event["headers"]["x-cld-timestamp"] = seconds.to_string().into();
    event["headers"]["x-cld-signature"] = signature.into();
    event
}

fn signed(template: &str, body: &str) -> Value {
    let seconds = now();
    event(template, body, seconds, &sha1(body.as_bytes(), seconds))
}

fn base64_encoded(mut event: Value, body: &[u8]) -> Value {
    event["body"] = STANDARD.encode(body).into();
    event["isBase64Encoded"] = true.into();
    event
}

#[tokio::test]
async fn signed_notification_is_queued_byte_for_byte_through_both_doors() {
    for template in [FUNCTION_URL, HTTP_API] {
        let sqs = Sqs::up().await;
        let seconds = now();
        let (status, answer) = sqs
            .send(&event(
                template,
                BODY,
                seconds,
                &sha1(BODY.as_bytes(), seconds),
            ))
            .await;
        assert_eq!(
            (status, &answer["success"]),
            (200, &json!(true)),
            "{answer}"
        );
        assert!(answer["processing_time_ms"].is_u64());
        assert!(answer["message"].is_string());
        let received = sqs.received();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].body.as_bytes(), BODY.as_bytes());
        assert_eq!(
            received[0].signature_timestamp,
            Timestamp::from_secs(seconds)
        );
        assert_eq!(received[0].algorithm, Some(SignatureAlgorithm::Sha1));
        assert!(
            sqs.calls.lock().unwrap()[0]["QueueUrl"]
                .as_str()
                .unwrap()
                .ends_with("/1/notifications")
        );
    }
}

#[tokio::test]
async fn sha256_signature_is_taken() {
    let sqs = Sqs::up().await;
    let seconds = now();
    let event = event(
        FUNCTION_URL,
        BODY,
        seconds,
        &sha256(BODY.as_bytes(), seconds),
    );
    assert_eq!(sqs.send(&event).await.0, 200);
    assert_eq!(sqs.received().len(), 1);
}

#[tokio::test]
async fn base64_body_is_verified_and_queued_as_the_bytes_it_stands_for() {
    let sqs = Sqs::up().await;
    for body in [BODY.as_bytes(), b"{\"a\":\"\xff\xfe\"}"] {
        let seconds = now();
        let event = event(FUNCTION_URL, "", seconds, &sha1(body, seconds));
        assert_eq!(sqs.send(&base64_encoded(event, body)).await.0, 200);
        assert_eq!(sqs.received().last().unwrap().body.as_bytes(), body);
    }
}

#[tokio::test]
async fn signed_body_that_is_not_json_is_queued_for_the_worker_to_park() {
    let sqs = Sqs::up().await;
    for body in ["{not json", "{", "{\"half\":"] {
        assert_eq!(sqs.send(&signed(HTTP_API, body)).await.0, 200, "{body}");
        assert_eq!(
            sqs.received().last().unwrap().body.as_bytes(),
            body.as_bytes()
        );
    }
}

#[tokio::test]
async fn unproven_notifications_are_401_and_only_told_of() {
    let good = signed(FUNCTION_URL, BODY);
    let without = |name: &str| {
        let mut event = good.clone();
        event["headers"].as_object_mut().unwrap().remove(name);
        event
    };
    let at = |seconds| event(FUNCTION_URL, BODY, seconds, &sha1(BODY.as_bytes(), seconds));
    let mut altered = good.clone();
    altered["body"] = BODY.replace("mug", "mog").into();
    for (event, code) in [
        (without("x-cld-signature"), "signature_missing"),
        (without("x-cld-timestamp"), "timestamp_missing"),
        (at(now() - 7300), "notification_stale"),
        (at(now() + 400), "notification_from_the_future"),
        (altered, "signature_wrong"),
        (
            event(FUNCTION_URL, BODY, now(), "nonsense"),
            "signature_malformed",
        ),
        (
            event(HTTP_API, BODY, now(), &"0".repeat(40)),
            "signature_wrong",
        ),
        (
            event(HTTP_API, BODY, now(), &"0".repeat(64)),
            "signature_wrong",
        ),
    ] {
        let sqs = Sqs::up().await;
        let (status, problem) = sqs.send(&event).await;
        assert_eq!((status, problem["code"].as_str()), (401, Some(code)));
        let told = sqs.refused();
        assert_eq!((told.len(), told[0].reason.as_str()), (1, code));
    }
}

#[tokio::test]
async fn flood_of_forgeries_makes_one_message_with_bounded_content() {
    let sqs = Sqs::up().await;
    let forged = event(FUNCTION_URL, BODY, now(), &"0".repeat(40));
    for _ in 0..50 {
        assert_eq!(sqs.send(&forged).await.0, 401);
    }
    let told = sqs.refused();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (told[0].count, told[0].signature_key.as_deref()),
        (1, Some("614"))
    );
    assert_eq!(told[0].algorithm, Some(SignatureAlgorithm::Sha1));
    assert_eq!(sqs.send(&signed(FUNCTION_URL, BODY)).await.0, 200);
}

#[tokio::test]
async fn refusal_that_cannot_be_told_of_is_a_401_as_ever() {
    let sqs = Sqs::answering(Status::SERVICE_UNAVAILABLE).await;
    let forged = event(FUNCTION_URL, BODY, now(), &"0".repeat(40));
    assert_eq!(sqs.send(&forged).await.0, 401);
}

#[test]
fn no_request_panics_or_gets_in_unsigned() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let sqs = runtime.block_on(Sqs::up());
    let fresh = || now().to_string();
    proptest!(|(
        body in prop::collection::vec(any::<u8>(), 0..200),
        stamp in "[ -~]{0,40}",
        is_fresh: bool,
        signature in "[ -~]{0,70}|[0-9a-f]{40}|[0-9a-f]{64}",
    )| {
        let mut event: Value = serde_json::from_str(FUNCTION_URL).unwrap();
        event["headers"]["x-cld-timestamp"] = if is_fresh { fresh() } else { stamp }.into();
        event["headers"]["x-cld-signature"] = signature.into();
        let (status, _) = runtime.block_on(sqs.send(&base64_encoded(event, &body)));
        prop_assert_eq!(status, 401);
    });
    // Nothing but what tells of refusals, however many there were.
    assert!((1..=2).contains(&sqs.refused().len()));
}

#[tokio::test]
async fn body_over_the_limit_is_413_even_when_signed() {
    let sqs = Sqs::up().await;
    let largest = format!("{{{}", "x".repeat(BODY_LIMIT - 1));
    assert_eq!(sqs.send(&signed(FUNCTION_URL, &largest)).await.0, 200);
    let larger = format!("{largest}x");
    let (status, problem) = sqs.send(&signed(FUNCTION_URL, &larger)).await;
    assert_eq!(
        (status, problem["code"].as_str()),
        (413, Some("body_too_large"))
    );
    assert_eq!(sqs.received().len(), 1);
}

#[tokio::test]
async fn other_methods_are_405_and_say_what_is_allowed() {
    let sqs = Sqs::up().await;
    for method in ["GET", "PUT", "DELETE", "HEAD"] {
        let mut event = signed(FUNCTION_URL, BODY);
        event["requestContext"]["http"]["method"] = method.into();
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        let response = sqs.webhook.handle(request).await;
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()["allow"], "POST");
    }
    assert!(sqs.calls.lock().unwrap().is_empty());
}

#[tokio::test]
async fn failing_queue_is_503_so_that_cloudinary_sends_again() {
    let sqs = Sqs::answering(Status::SERVICE_UNAVAILABLE).await;
    let request = lambda_http::request::from_str(&signed(FUNCTION_URL, BODY).to_string()).unwrap();
    let response = sqs.webhook.handle(request).await;
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    assert!(!sqs.calls.lock().unwrap().is_empty());
}

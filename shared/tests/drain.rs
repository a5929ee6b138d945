//! A drain ends in time, against a database that always has more to send and a queue that takes everything.

#![expect(clippy::unwrap_used, reason = "the whole file is a test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use axum::Router;
use axum::extract::{Request, State};
use media_sync::config::http_client;
use media_sync::queue::SqsQueue;
use media_sync::supabase::{ApiKey, DataApi};
use media_sync::sync::drain::send_waiting_intents;
use media_sync::sync::store::MirrorStore;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

/// As many as one claim takes.
const CLAIM: usize = 500;

async fn answer(State(claims): State<Arc<AtomicUsize>>, request: Request) -> String {
    let is_claim = request.uri().path().ends_with("media_sync_waiting_intents");
    let body = axum::body::to_bytes(request.into_body(), usize::MAX).await;
    let body: Value = serde_json::from_slice(&body.unwrap()).unwrap();
    if is_claim {
        claims.fetch_add(1, Ordering::SeqCst);
        let intents = vec![json!({"asset_row_id": Uuid::nil()}); CLAIM];
        return json!(intents).to_string();
    }
    let taken =
        |entry: &Value| json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": ""});
    let entries: Vec<Value> = body["Entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(taken)
        .collect();
    json!({"Successful": entries, "Failed": []}).to_string()
}

#[tokio::test]
async fn a_drain_that_always_finds_more_leaves_the_rest_to_the_next_one() {
    let claims = Arc::new(AtomicUsize::new(0));
    let app = Router::new().fallback(answer).with_state(claims.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let keys = Credentials::new("k", "s", None, None, "test");
    let aws = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(&address)
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    let queue = SqsQueue::connect(&aws, format!("{address}/1/outbound"));
    let key = ApiKey::parse("sb_secret_x").unwrap();
    let database = DataApi::new(Url::parse(&address).unwrap(), key, http_client().unwrap());
    let store = MirrorStore::new(database);

    let soon = Instant::now() + Duration::from_millis(300);
    let sent = send_waiting_intents(&store, &queue, soon).await.unwrap();
    let claimed = claims.load(Ordering::SeqCst);
    assert!(claimed > 0);
    assert_eq!(sent, claimed * CLAIM, "nothing is claimed that is not sent");
    let sent = send_waiting_intents(&store, &queue, Instant::now()).await;
    assert_eq!(sent.unwrap(), 0, "there was no time left");
    assert_eq!(claims.load(Ordering::SeqCst), claimed);
}

//! Calls of an invocation end with its time, and none begins when there is none left.

#![expect(clippy::unwrap_used, reason = "the whole file is a test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials as Keys, SharedCredentialsProvider};
use media_sync::cloudinary::{ApiCredentials, CloudinaryClient, CloudinaryError};
use media_sync::config::http_client;
use media_sync::deadline::Deadline;
use media_sync::queue::{IntentMessage, SendError, SqsQueue};
use media_sync::supabase::{ApiKey, DataApi, SupabaseError};
use serde_json::json;
use url::Url;
use uuid::Uuid;

/// A service that takes requests and never answers.
struct Silent {
    address: String,
    calls: Arc<AtomicU32>,
}

impl Silent {
    async fn up() -> Self {
        let calls = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&calls);
        let app = axum::Router::new().fallback(move || {
            count.fetch_add(1, Ordering::SeqCst);
            std::future::pending::<String>()
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, calls }
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }
}

fn soon() -> Deadline {
    Deadline::at(Instant::now() + Duration::from_millis(300))
}

fn over() -> Deadline {
    Deadline::at(Instant::now())
}

#[tokio::test]
async fn a_call_to_cloudinary_ends_with_the_time_and_does_not_begin_after_it() {
    let silent = Silent::up().await;
    let url = format!("cloudinary://1:s@demo?upload_prefix={}", silent.address);
    let credentials = ApiCredentials::parse(&url).unwrap();
    let client = CloudinaryClient::new(http_client().unwrap(), credentials);
    let error = client.until(soon()).ping().await.unwrap_err();
    assert!(matches!(error, CloudinaryError::Unreachable { .. }));
    let error = client.until(over()).ping().await.unwrap_err();
    assert!(matches!(error, CloudinaryError::OutOfTime { .. }));
    assert!(error.is_transient());
    assert_eq!(silent.calls(), 1);
}

#[tokio::test]
async fn a_question_to_the_database_ends_with_the_time_and_is_not_asked_after_it() {
    let silent = Silent::up().await;
    let url = Url::parse(&silent.address).unwrap();
    let key = ApiKey::parse("sb_secret_x").unwrap();
    let database = DataApi::new(url, key, http_client().unwrap());
    let ask = async |deadline| {
        let database = database.until(deadline);
        database.rpc::<()>("f", &json!({})).await.unwrap_err()
    };
    let error = ask(soon()).await;
    assert!(matches!(error, SupabaseError::Unreachable { .. }));
    let error = ask(over()).await;
    assert!(matches!(error, SupabaseError::OutOfTime { .. }));
    assert!(error.is_transient());
    assert_eq!(silent.calls(), 1);
}

#[tokio::test]
async fn a_message_that_is_not_taken_in_time_counts_as_not_sent() {
    let silent = Silent::up().await;
    let keys = Keys::new("k", "s", None, None, "test");
    let aws = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(&silent.address)
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    let queue = SqsQueue::connect(&aws, format!("{}/1/q", silent.address));
    let message = IntentMessage {
        asset_row_id: Uuid::nil(),
    };
    let error = queue.until(soon()).send(&message).await.unwrap_err();
    assert!(matches!(error, SendError::OutOfTime { .. }));
    assert!(error.is_transient());
    let outcome = queue.until(over()).send_batch(&[message, message]).await;
    assert_eq!((outcome.sent, outcome.failed.len()), (0, 2));
}

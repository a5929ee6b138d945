//! Batches against a server that speaks SQS's JSON protocol and takes only some messages.

#![expect(clippy::unwrap_used, reason = "the whole file is a test")]

use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use media_sync::queue::{Outbound, Queue, decode};
use serde_json::{Value, json};
use uuid::Uuid;

type Calls = Arc<Mutex<Vec<Value>>>;

/// Takes a batch except for the messages whose row's number is a multiple of `refused`.
async fn queue(refused: u128, status: StatusCode) -> (Queue, Calls) {
    let calls = Calls::default();
    let answer = move |State(calls): State<Calls>, body: String| async move {
        let body: Value = serde_json::from_str(&body).unwrap();
        calls.lock().unwrap().push(body.clone());
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for entry in body["Entries"].as_array().unwrap() {
            let message: Outbound = decode(entry["MessageBody"].as_str().unwrap()).unwrap();
            if message.asset_row_id.as_u128().is_multiple_of(refused) {
                failed.push(
                    json!({ "Id": entry["Id"], "SenderFault": false, "Code": "InternalError" }),
                );
            } else {
                successful
                    .push(json!({ "Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "" }));
            }
        }
        (
            status,
            json!({ "Successful": successful, "Failed": failed }).to_string(),
        )
    };
    let app = Router::new().fallback(answer).with_state(calls.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let keys = Credentials::new("k", "s", None, None, "test");
    let aws = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(format!("http://{address}"))
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    (
        Queue::connect(&aws, format!("http://{address}/1/outbound")),
        calls,
    )
}

fn messages(count: u128) -> Vec<Outbound> {
    (0..count)
        .map(|number| Outbound {
            asset_row_id: Uuid::from_u128(number),
        })
        .collect()
}

#[tokio::test]
async fn batches_of_ten_report_exactly_the_messages_that_were_not_taken() {
    let (queue, calls) = queue(7, StatusCode::OK).await;
    let outcome = queue.send_batch(&messages(23)).await;
    assert_eq!(outcome.sent, 19);
    let failed: Vec<usize> = outcome.failed.iter().map(|(index, _)| *index).collect();
    assert_eq!(failed, [0, 7, 14, 21]);
    assert!(outcome.failed.iter().all(|(_, error)| error.is_transient()));
    let sizes: Vec<usize> = calls
        .lock()
        .unwrap()
        .iter()
        .map(|call| call["Entries"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [10, 10, 3]);
}

#[tokio::test]
async fn refused_call_fails_every_message_of_its_batch() {
    let (queue, _) = queue(7, StatusCode::FORBIDDEN).await;
    let outcome = queue.send_batch(&messages(3)).await;
    assert_eq!((outcome.sent, outcome.failed.len()), (0, 3));
}

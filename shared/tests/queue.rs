//! Batches, sent and received, against a server that speaks SQS's JSON protocol and takes only some messages.

#![expect(clippy::unwrap_used, reason = "the whole file is a test")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use media_sync::queue::{
    ContinueReconcile, IntentMessage, RetrySchedule, SqsQueue, decode, encode, handle_batch,
};
use serde_json::{Value, json};
use uuid::Uuid;

type Calls = Arc<Mutex<Vec<Value>>>;

/// Takes a batch except for the messages whose row's number is a multiple of `refused`.
async fn queue(refused: u128, status: StatusCode) -> (SqsQueue, Calls) {
    serve(move |body| {
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for entry in body["Entries"].as_array().unwrap() {
            let message: IntentMessage = decode(entry["MessageBody"].as_str().unwrap()).unwrap();
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
            json!({ "Successful": successful, "Failed": failed }),
        )
    })
    .await
}

/// A queue whose every call is kept and answered so.
async fn serve(
    answer: impl Fn(&Value) -> (StatusCode, Value) + Clone + Send + Sync + 'static,
) -> (SqsQueue, Calls) {
    let calls = Calls::default();
    let answer = move |State(calls): State<Calls>, body: String| async move {
        let body: Value = serde_json::from_str(&body).unwrap();
        let (status, answer) = answer(&body);
        calls.lock().unwrap().push(body);
        (status, answer.to_string())
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
        SqsQueue::connect(&aws, format!("http://{address}/1/outbound")),
        calls,
    )
}

fn messages(count: u128) -> Vec<IntentMessage> {
    (0..count)
        .map(|number| IntentMessage {
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

/// A batch of `count` messages with receipts, of which the third cannot be read, and every good one fails.
async fn failing_batch(count: usize, queue: SqsQueue) -> Vec<String> {
    let body = encode(&ContinueReconcile {
        run_id: Uuid::nil(),
    });
    let records: Vec<Value> = (0..count)
        .map(|number| {
            let body = if number == 2 { "{}" } else { &body };
            json!({"messageId": format!("m{number}"), "receiptHandle": format!("r{number}"), "body": body})
        })
        .collect();
    let event = serde_json::from_value(json!({ "Records": records })).unwrap();
    let retry = RetrySchedule::new(queue, Duration::from_secs(90));
    let work = async |messages: Vec<ContinueReconcile>| {
        let fail = |number| match number {
            0 => Ok(()),
            _ => Err(std::io::Error::other("why")),
        };
        (0..messages.len()).map(fail).collect()
    };
    let response = handle_batch(event, &retry, work).await;
    let failures = response.batch_item_failures.into_iter();
    failures.map(|failure| failure.item_identifier).collect()
}

#[tokio::test]
async fn only_failed_and_unreadable_messages_come_back_and_when_they_are_due() {
    let taken = |_: &Value| (StatusCode::OK, json!({"Successful": [], "Failed": []}));
    let (queue, calls) = serve(taken).await;
    let failed = failing_batch(13, queue).await;
    let mut expected: Vec<String> = ["m2".to_owned(), "m1".to_owned()].into();
    expected.extend((3..13).map(|number| format!("m{number}")));
    assert_eq!(failed, expected);
    let calls = calls.lock().unwrap();
    let entries: Vec<&Value> = calls
        .iter()
        .flat_map(|call| call["Entries"].as_array().unwrap())
        .collect();
    let receipts: Vec<String> = entries
        .iter()
        .map(|entry| entry["ReceiptHandle"].as_str().unwrap().replace('r', "m"))
        .collect();
    assert_eq!((calls.len(), receipts.len()), (2, expected.len()));
    assert!(expected.iter().all(|message| receipts.contains(message)));
    assert!(entries.iter().all(|entry| entry["VisibilityTimeout"] == 90));
}

#[tokio::test]
async fn messages_fail_all_the_same_where_sqs_does_not_say_when_they_come_back() {
    let refused = |_: &Value| (StatusCode::FORBIDDEN, json!({"__type": "AccessDenied"}));
    let (queue, _) = serve(refused).await;
    assert_eq!(failing_batch(2, queue).await, ["m1"]);
}

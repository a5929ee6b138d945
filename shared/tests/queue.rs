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
    ContinueReconcile, FailureProspect, IntentMessage, MessageFailure, QueueMessage, RetrySchedule,
    SqsQueue, decode, encode, handle_batch,
};
use media_sync::time::Timestamp;
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

/// The failure of a message in these tests.
#[derive(Debug, thiserror::Error)]
#[error("why")]
struct Failure(FailureProspect);

impl MessageFailure for Failure {
    fn prospect(&self) -> FailureProspect {
        self.0
    }
}

const COUNTED: FailureProspect = FailureProspect::Counted;
const PASSING: FailureProspect = FailureProspect::Passing(Duration::from_secs(300));

/// Handles these records; the first is handled well, the others fail. Answers the names of those that come again.
async fn handle_failing<M: QueueMessage>(
    records: Vec<Value>,
    queue: SqsQueue,
    prospect: FailureProspect,
) -> Vec<String> {
    let event = serde_json::from_value(json!({ "Records": records })).unwrap();
    let retry = RetrySchedule::new(queue, Duration::from_secs(90));
    let work = async |messages: Vec<M>| {
        let fail = |number| match number {
            0 => Ok(()),
            _ => Err(Failure(prospect)),
        };
        (0..messages.len()).map(fail).collect()
    };
    let response = handle_batch(event, &retry, work).await;
    let failures = response.batch_item_failures.into_iter();
    failures.map(|failure| failure.item_identifier).collect()
}

fn record(number: usize, body: &str) -> Value {
    json!({"messageId": format!("m{number}"), "receiptHandle": format!("r{number}"), "body": body})
}

/// A batch of `count` messages with receipts, of which the third cannot be read, and every good one fails.
async fn failing_batch(count: usize, queue: SqsQueue) -> Vec<String> {
    let body = encode(&ContinueReconcile {
        run_id: Uuid::nil(),
    });
    let body = |number| if number == 2 { "{}" } else { &body };
    let records = (0..count).map(|number| record(number, body(number)));
    handle_failing::<ContinueReconcile>(records.collect(), queue, COUNTED).await
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

/// Messages that were sent a while ago; the last is a copy already.
fn waiting_records(count: usize, body: &str) -> Vec<Value> {
    let sent = Timestamp::now().offset(-60_000_000).micros() / 1_000;
    let mut records: Vec<Value> = (0..count).map(|number| record(number, body)).collect();
    for record in &mut records {
        record["attributes"] = json!({"SentTimestamp": sent.to_string()});
        record["messageAttributes"] =
            json!({"correlation_id": {"stringValue": "c-1", "dataType": "String"}});
    }
    let since = Timestamp::now().offset(-2_000_000_000).to_string();
    records.last_mut().unwrap()["messageAttributes"]["waiting_since"] =
        json!({"stringValue": since, "dataType": "String"});
    records
}

#[tokio::test]
async fn messages_wait_as_copies_that_know_when_they_came_first() {
    let (queue, calls) = serve(|body| {
        let taken =
            |entry: &Value| json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": ""});
        let entries = body["Entries"].as_array().unwrap().iter().map(taken);
        let entries: Vec<Value> = entries.collect();
        (StatusCode::OK, json!({"Successful": entries, "Failed": []}))
    })
    .await;
    let body = encode(&ContinueReconcile {
        run_id: Uuid::nil(),
    });
    let records = waiting_records(13, &body);
    let came_again = handle_failing::<ContinueReconcile>(records.clone(), queue, PASSING).await;
    assert!(came_again.is_empty(), "SQS deletes them: {came_again:?}");
    let calls = calls.lock().unwrap();
    let copies: Vec<&Value> = calls
        .iter()
        .flat_map(|call| call["Entries"].as_array().unwrap())
        .collect();
    assert_eq!((calls.len(), copies.len()), (2, 12));
    for (copy, original) in copies.iter().zip(&records[1..]) {
        assert_eq!(copy["MessageBody"], original["body"]);
        let attributes = &copy["MessageAttributes"];
        assert_eq!(attributes["correlation_id"]["StringValue"], "c-1");
        let since = attributes["waiting_since"]["StringValue"].as_str().unwrap();
        let since = Timestamp::parse(since).unwrap();
        let carried = &original["messageAttributes"]["waiting_since"]["stringValue"];
        match carried.as_str() {
            Some(carried) => {
                assert_eq!(since, Timestamp::parse(carried).unwrap());
                let delay = copy["DelaySeconds"].as_i64();
                let is_a_quarter = delay.is_some_and(|delay| (500..510).contains(&delay));
                assert!(is_a_quarter, "of its wait: {delay:?}");
            }
            None => {
                let sent = original["attributes"]["SentTimestamp"].as_str().unwrap();
                assert_eq!((since.micros() / 1_000).to_string(), sent);
                assert_eq!(copy["DelaySeconds"], 300, "as long as it was told");
            }
        }
    }
}

#[tokio::test]
async fn a_message_of_which_sqs_takes_no_copy_comes_back() {
    let body = encode(&IntentMessage {
        asset_row_id: Uuid::from_u128(7),
    });
    let taken = encode(&IntentMessage {
        asset_row_id: Uuid::from_u128(8),
    });
    let records = vec![record(0, &body), record(1, &body), record(2, &taken)];
    let (partly, _) = queue(7, StatusCode::OK).await;
    let failed = handle_failing::<IntentMessage>(records.clone(), partly, PASSING).await;
    assert_eq!(failed, ["m1"]);
    let (forbidden, _) = queue(7, StatusCode::FORBIDDEN).await;
    let failed = handle_failing::<IntentMessage>(records, forbidden, PASSING).await;
    assert_eq!(failed, ["m1", "m2"]);
}

#[tokio::test]
async fn an_intent_that_has_waited_is_left_to_its_row() {
    let (queue, calls) = queue(7, StatusCode::OK).await;
    let body = encode(&IntentMessage {
        asset_row_id: Uuid::from_u128(1),
    });
    let records = waiting_records(2, &body);
    let failed = handle_failing::<IntentMessage>(records, queue, PASSING).await;
    assert!(failed.is_empty(), "{failed:?}");
    assert!(calls.lock().unwrap().is_empty());
}

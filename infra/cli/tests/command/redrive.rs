//! `mediasync redrive` between queues that nobody reads.

use std::collections::{BTreeMap, BTreeSet};

use local_stack::{StackOptions, StackPart};
use media_sync::queue::{NotificationMessage, RawBody, encode};
use media_sync::time::Timestamp;
use serde_json::{Value, json};

use crate::deployed::Deployed;

/// The six queues under the outputs of the real template, without the functions that read them.
const TEMPLATE: &str = "
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Parameters:
  ConfigSecretArn: { Type: String }
  Architecture: { Type: String, Default: x86_64 }
Resources:
  NotificationQueue: { Type: 'AWS::SQS::Queue' }
  NotificationDeadLetterQueue: { Type: 'AWS::SQS::Queue' }
  OutboundQueue: { Type: 'AWS::SQS::Queue' }
  OutboundDeadLetterQueue: { Type: 'AWS::SQS::Queue' }
  ReconcileQueue: { Type: 'AWS::SQS::Queue' }
  ReconcileDeadLetterQueue: { Type: 'AWS::SQS::Queue' }
Outputs:
  NotificationQueueUrl: { Value: !Ref NotificationQueue }
  NotificationDeadLetterQueueUrl: { Value: !Ref NotificationDeadLetterQueue }
  OutboundQueueUrl: { Value: !Ref OutboundQueue }
  OutboundDeadLetterQueueUrl: { Value: !Ref OutboundDeadLetterQueue }
  ReconcileQueueUrl: { Value: !Ref ReconcileQueue }
  ReconcileDeadLetterQueueUrl: { Value: !Ref ReconcileDeadLetterQueue }
";

async fn queues() -> Deployed {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("template.yaml");
    std::fs::write(&template, TEMPLATE).unwrap();
    Deployed::start(StackOptions {
        without: BTreeSet::from([StackPart::Cloudinary]),
        template: Some(template),
        ..StackOptions::default()
    })
    .await
}

fn message(number: usize) -> String {
    encode(&NotificationMessage {
        received_at: Timestamp::from_secs(1_767_225_600),
        signature_timestamp: Timestamp::from_secs(1_767_225_600),
        replayed: false,
        algorithm: None,
        body: RawBody::new(
            format!(r#"{{"notification_type":"upload","public_id":"mug-{number}"}}"#).into_bytes(),
        ),
    })
}

/// Gives up so many messages, each with an attribute.
async fn give_up(deployed: &Deployed, count: usize) {
    let queue = deployed.queue("NotificationDeadLetterQueue");
    for number in 0..count {
        let attribute = json!({"DataType": "String", "StringValue": number.to_string()});
        let body = json!({
            "QueueUrl": queue, "MessageBody": message(number), "MessageAttributes": {"number": attribute},
        });
        deployed.sqs("SendMessage", body).await;
    }
}

/// Takes everything that a queue holds: bodies and their attribute.
async fn take_all(deployed: &Deployed, queue: &str) -> BTreeMap<String, String> {
    let address = deployed.queue(queue);
    let mut taken = BTreeMap::new();
    loop {
        let body = json!({
            "QueueUrl": address, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"],
        });
        let answer = deployed.sqs("ReceiveMessage", body).await;
        let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
        if messages.is_empty() {
            return taken;
        }
        for message in messages {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let number = text(&message["MessageAttributes"]["number"]["StringValue"]);
            let twice = taken.insert(text(&message["Body"]), number);
            assert!(twice.is_none(), "{message}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_shown_first_and_then_moved_as_they_are() {
    let deployed = queues().await;
    let nothing = deployed.expect(&["redrive", "outbound"], 0);
    assert_eq!(nothing["sent"], 0);
    give_up(&deployed, 23).await;

    let shown = deployed.expect(&["redrive", "notifications", "--dry-run"], 0);
    assert_eq!(shown["dead_letters"]["visible"], 23);
    let samples = shown["samples"].as_array().unwrap();
    assert!(!samples.is_empty(), "{shown}");
    assert_eq!(samples[0]["kind"], "notification");
    let about = samples[0]["about"].as_str().unwrap();
    assert!(about.starts_with("upload mug-"), "{about}");
    assert_eq!(deployed.depth("NotificationDeadLetterQueue").await, 23);

    let name = deployed.queue("NotificationDeadLetterQueue");
    let name = name.rsplit('/').next().unwrap();
    let moved = deployed.expect(&["redrive", name], 0);
    assert_eq!(
        (&moved["queue"], &moved["sent"]),
        (&json!("notifications"), &json!(23))
    );
    assert_eq!(deployed.depth("NotificationDeadLetterQueue").await, 0);
    let expected: BTreeMap<String, String> = (0..23)
        .map(|number| (message(number), number.to_string()))
        .collect();
    assert_eq!(take_all(&deployed, "NotificationQueue").await, expected);

    let unknown = deployed.run(&["redrive", "NotificationQueue"]);
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    assert!(
        unknown.stderr.contains("notifications, outbound"),
        "{unknown:?}"
    );
    deployed.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_where_sending_fails_and_the_command_goes_on_later() {
    let deployed = queues().await;
    give_up(&deployed, 12).await;
    let source = deployed.queue("NotificationQueue");
    deployed
        .sqs("DeleteQueue", json!({"QueueUrl": source}))
        .await;
    let failed = deployed.run(&["redrive", "notifications", "--json"]);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(failed.stdout.is_empty(), "{failed:?}");
    assert!(
        failed.stderr.contains("run the same command again"),
        "{failed:?}"
    );
    assert_eq!(deployed.depth("NotificationDeadLetterQueue").await, 12);

    let name = source.rsplit('/').next().unwrap();
    deployed
        .sqs("CreateQueue", json!({"QueueName": name}))
        .await;
    let moved = deployed.expect(&["redrive", "notifications"], 0);
    assert_eq!(moved["sent"], 12);
    assert_eq!(take_all(&deployed, "NotificationQueue").await.len(), 12);
    deployed.stack.stop().await;
}

//! Functions may do what their roles allow: a permission that is missing in the template is missed here too.

use std::path::Path;

use end_to_end::{World, now};
use local_stack::StackOptions;

/// The permission to send, where it is the webhook's.
const SENDS: &str = "
              - Effect: Allow
                Action: sqs:SendMessage
                Resource: !GetAtt NotificationQueue.Arn";

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_may_not_send_accepts_no_notification() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let root = root.canonicalize().unwrap();
    let template = std::fs::read_to_string(root.join("template.yaml")).unwrap();
    let programs = format!("CodeUri: {}/", root.display());
    let (before, webhook) = template.split_once("  WebhookRole:").unwrap();
    let (webhook, after) = webhook.split_once("Role:").unwrap();
    assert_eq!(webhook.matches(SENDS).count(), 1, "{webhook}");
    let webhook = webhook.replace(SENDS, "");
    let forbidden =
        format!("{before}  WebhookRole:{webhook}Role:{after}").replace("CodeUri: ", &programs);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("template.yaml");
    std::fs::write(&file, forbidden).unwrap();
    let options = StackOptions {
        template: Some(file),
        ..StackOptions::default()
    };
    let world = World::start_with(options).await;

    let body = r#"{"notification_type":"upload"}"#;
    let answer = world.notify(body, &world.sign(body, now())).await;
    assert_eq!(answer.status.as_u16(), 503, "{}", answer.body);
    let log = world.stack.function_log("Webhook").await.unwrap();
    assert!(log.contains("AccessDenied"), "{log}");
}

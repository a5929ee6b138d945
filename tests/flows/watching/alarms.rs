//! Conditions behind alarms, made real: each alarm of the template is read as it is deployed.

use end_to_end::logs::values;
use end_to_end::{World, eventually, now, tags_changed};
use media_sync::queue::encode;
use media_sync::telemetry::metrics;
use media_sync::time::Timestamp;
use reqwest::StatusCode;
use serde_json::json;

const UNKNOWN: &str = r#"{"notification_type":"sparkle"}"#;

/// A worker names the message that it cannot read. The queue gives that one up.
pub(super) async fn given_up_message_rings(world: &World) {
    const ALARM: &str = "NotificationDeadLetterAlarm";
    assert!(!world.is_breached(ALARM).await);
    let worker = "NotificationWorker";
    assert!(
        values(world, worker, &metrics::MESSAGES_RETURNED)
            .await
            .is_empty()
    );
    // On a busy machine a call can end before the worker sees the message: that takes one of the attempts.
    let given_up = world.stack.give_up_after("NotificationQueue", 2).await;
    given_up.unwrap();
    let newer = r#"{"v":99,"kind":"notification"}"#;
    let sent = world.stack.send_message("NotificationQueue", newer).await;
    sent.unwrap();
    eventually("the worker gives it back", async || {
        let returned = values(world, worker, &metrics::MESSAGES_RETURNED).await;
        returned.first() == Some(&1.0)
    })
    .await;
    eventually("the queue gives it up", async || {
        world.is_breached(ALARM).await
    })
    .await;
    let waiting = world.waiting_messages().await;
    assert_eq!(waiting["NotificationDeadLetterQueue"], 1, "{waiting:?}");
    assert!(!world.is_breached("OutboundDeadLetterAlarm").await);
    let as_before = world.stack.give_up_after("NotificationQueue", 20).await;
    as_before.unwrap();
}

/// AWS answers for a function that may have no copy.
pub(super) async fn calls_that_are_turned_away_ring(world: &World) {
    const ALARM: &str = "WebhookThrottleAlarm";
    assert!(!world.is_breached(ALARM).await);
    world.stack.reserve("Webhook", Some(0)).await.unwrap();
    let answer = world.notify(UNKNOWN, &world.sign(UNKNOWN, now())).await;
    assert_eq!(
        answer.status,
        StatusCode::TOO_MANY_REQUESTS,
        "{}",
        answer.body
    );
    assert!(world.is_breached(ALARM).await);
    assert!(!world.is_breached("MaintenanceThrottleAlarm").await);
    world.stack.reserve("Webhook", None).await.unwrap();
    let answer = world.notify(UNKNOWN, &world.sign(UNKNOWN, now())).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
}

/// The only copy of the worker is busy: the queue's batch is turned away, and comes again.
pub(super) async fn batch_that_is_turned_away_rings_and_comes_again(world: &World) {
    const ALARM: &str = "NotificationWorkerThrottleAlarm";
    let mug = world.mirrored("throttled/mug", 1).await;
    let row = world.row(&mug).await.unwrap();
    assert!(!world.is_breached(ALARM).await);
    world.cloud.reset_requests().await;
    let hanging = json!({"operation": "by_asset_ids", "delay_ms": 120_000});
    world.cloud.fault(hanging).await;
    let reserved = world.stack.reserve("NotificationWorker", Some(1)).await;
    reserved.unwrap();
    let record = json!({
        "messageId": "1", "receiptHandle": "of no queue", "eventSource": "aws:sqs",
        "body": encode(&tags_changed(&row, Timestamp::now())), "attributes": {}, "messageAttributes": {},
    });
    let event = json!({"Records": [record]});
    let meanwhile = async {
        eventually("the worker is busy", async || {
            world.cloud.requests().await["by_asset_ids"].as_u64() >= Some(1)
        })
        .await;
        let cup = world.cloud.upload("throttled/cup", 2).await;
        eventually("the batch is turned away", async || {
            world.is_breached(ALARM).await
        })
        .await;
        world.cloud.clear_faults().await;
        cup
    };
    let (busy, cup) = tokio::join!(world.stack.invoke("NotificationWorker", &event), meanwhile);
    assert_eq!(busy.unwrap().error, None);
    let free = world.stack.reserve("NotificationWorker", None).await;
    free.unwrap();
    world
        .row_becomes("the batch comes again", &cup, |row| {
            row["sync_status"] == "synced"
        })
        .await;
}

/// Calls of an unattended function fail.
pub(super) async fn calls_that_fail_ring(world: &World) {
    const ALARM: &str = "MaintenanceErrorAlarm";
    assert!(!world.is_breached(ALARM).await);
    let nonsense = json!({"action": "nonsense"});
    eventually("enough calls of one period have failed", async || {
        let answer = world.stack.invoke("Maintenance", &nonsense).await;
        assert!(answer.unwrap().error.is_some());
        world.is_breached(ALARM).await
    })
    .await;
    assert!(!world.is_breached("ReconcileErrorAlarm").await);
}

/// Somebody forges again and again.
pub(super) async fn forgeries_ring(world: &World) {
    const ALARM: &str = "WebhookRefusalAlarm";
    assert!(!world.is_breached(ALARM).await, "one forgery is no attack");
    let forged = World::sign_with("forged", UNKNOWN, now());
    eventually("enough calls of one period are forged", async || {
        let answer = world.notify(UNKNOWN, &forged).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.body);
        world.is_breached(ALARM).await
    })
    .await;
}

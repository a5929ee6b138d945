//! Faults can be seen: conditions made real, read as metrics from the functions' logs.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod alarms;

use std::io::Write as _;

use end_to_end::logs::{lines, values};
use end_to_end::{World, eventually, now};
use media_sync::telemetry::metrics::{self, Metric};
use serde_json::{Value, json};

const TRACE: &str = "order-17";

/// The state of the mirror, as maintenance tells it now.
async fn state(world: &World, metric: &Metric) -> Option<f64> {
    world.drain().await;
    values(world, "Maintenance", metric).await.pop()
}

/// A notification of an unknown kind.
const SPARKLE: &str = r#"{"notification_type":"sparkle"}"#;

#[tokio::test]
async fn what_becomes_of_notifications_is_counted() {
    let world = World::start().await;
    world.mirrored("shop/mug", 1).await;
    notify_of_sparkle(&world, 200).await;
    let mut forged = world.sign(SPARKLE, now());
    forged[1].1 = "0".repeat(40);
    let answer = world.notify(SPARKLE, &forged).await;
    assert_eq!(answer.status, 401, "{}", answer.body);
    world.settle().await;

    doors_are_counted(&world).await;
    handling_is_counted(&world).await;
    replay_is_no_news(&world).await;

    assert!(world.is_breached("ParkedAlarm").await);
    alarms::forgeries_ring(&world).await;
    alarms::calls_that_are_turned_away_ring(&world).await;
    alarms::calls_that_fail_ring(&world).await;
    alarms::given_up_message_rings(&world).await;
    alarms::batch_that_is_turned_away_rings_and_comes_again(&world).await;

    world.delete_notification_queue().await;
    notify_of_sparkle(&world, 503).await;
    let failed = values(&world, "Webhook", &metrics::NOTIFICATIONS_FAILED).await;
    assert_eq!(failed, [1.0]);
    world.stack.stop().await;
}

/// Sends it with a good signature.
async fn notify_of_sparkle(world: &World, status: u16) {
    let answer = world.notify(SPARKLE, &world.sign(SPARKLE, now())).await;
    assert_eq!(answer.status, status, "{}", answer.body);
}

/// The webhook's numbers: two accepted at least, one refused for its signature.
async fn doors_are_counted(world: &World) {
    let accepted = values(world, "Webhook", &metrics::NOTIFICATIONS_ACCEPTED).await;
    assert!(accepted.len() >= 2, "{accepted:?}");
    let refused = values(world, "Webhook", &metrics::NOTIFICATIONS_REFUSED).await;
    assert_eq!(refused, [1.0]);
    let lines = lines(world, "Webhook").await;
    let reasons: Vec<_> = lines
        .iter()
        .filter_map(|line| line["reason"].as_str())
        .collect();
    assert_eq!(reasons, ["signature_wrong"]);
    let starts = values(world, "Webhook", &metrics::COLD_STARTS).await;
    assert_eq!(starts.first(), Some(&1.0));
}

/// The worker's numbers: one parked, and the age of each that was applied.
async fn handling_is_counted(world: &World) {
    let parked = values(world, "NotificationWorker", &metrics::NOTIFICATIONS_PARKED).await;
    assert_eq!(parked, [1.0]);
    let ages = ages(world).await;
    assert!(!ages.is_empty());
    assert!(ages.iter().all(|age| *age >= 0.0), "{ages:?}");
}

async fn ages(world: &World) -> Vec<f64> {
    values(
        world,
        "NotificationWorker",
        &metrics::NOTIFICATION_FRESHNESS,
    )
    .await
}

/// A replay applies notifications again, and says nothing of how fast news travels.
async fn replay_is_no_news(world: &World) {
    let before = ages(world).await;
    let replay = json!({"replay": {"since": "2020-01-01T00:00:00Z"}});
    world
        .stack
        .invoke("MaintenanceFunctionName", &replay)
        .await
        .unwrap();
    eventually("they are applied again", async || {
        let replayed = "select count(*) from public.media_notifications where replays > 0";
        world.value(replayed).await.as_u64() >= Some(2)
    })
    .await;
    assert_eq!(ages(world).await, before);
}

#[tokio::test]
async fn a_change_is_followed_from_its_request_to_its_write() {
    let world = World::start().await;
    let mug = world.mirrored("shop/mug", 1).await;
    let webhook = lines(&world, "Webhook").await;
    let answered = webhook
        .iter()
        .find(|line| line["message"] == "request answered")
        .unwrap();
    assert_eq!(answered["status"], 200);
    assert_eq!(answered["correlation_id"], answered["function_request_id"]);
    let handled = handled(&world, "NotificationWorker", &answered["correlation_id"]).await;
    assert_eq!(handled["outcome"], "Applied");

    let edit = json!({"asset_id": end_to_end::id_of(&mug), "tags": ["sale"]});
    let answer = world.edit_traced(TRACE, edit).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let settled = self::handled(&world, "OutboundWorker", &json!(TRACE)).await;
    assert_eq!(settled["outcome"], "Done");

    let api = lines(&world, "MediaUpdate").await;
    let answered = api
        .iter()
        .find(|line| line["message"] == "request answered")
        .unwrap();
    assert_eq!(answered["correlation_id"], TRACE);
    assert_eq!(answered["route"], "PATCH /api/cloudinary/media");
    assert_eq!(answered["status"], 200);
    assert_eq!(answered["level"], "INFO");
    assert_eq!(answered["service"], "media_update");
    assert_eq!(answered["cold_start"], true);
    assert!(answered["milliseconds"].is_u64(), "{answered}");
    assert!(answered["user_id"].is_string(), "{answered}");
    assert!(
        answered["function_name"]
            .as_str()
            .unwrap()
            .contains("MediaUpdate")
    );
    let refused = world.get("/api/cloudinary/media?limit=0").await;
    assert_eq!(refused.status, 400);
    let list = lines(&world, "MediaList").await;
    let answered = list
        .iter()
        .find(|line| line["message"] == "request answered")
        .unwrap();
    assert_eq!(answered["code"], "invalid_parameter");
    assert_eq!(answered["user_id"], world.user_id.as_str());
    world.stack.stop().await;
}

/// The line that a worker writes for a message with this correlation id.
async fn handled(world: &World, worker: &str, correlation: &Value) -> Value {
    let find = async || {
        let lines = lines(world, worker).await.into_iter();
        let mut ours = lines.filter(|line| line["correlation_id"] == *correlation);
        ours.find(|line| line["message"] == "a message was handled")
    };
    eventually("the message is handled", async || find().await.is_some()).await;
    find().await.unwrap()
}

#[tokio::test]
async fn how_the_mirror_stands_is_told() {
    let world = World::start().await;
    world.cloud.seed(30, &["image"], "kept-").await;
    assert_eq!(world.sync(json!({})).await.body["success"], true);
    let now = async |metric| state(&world, metric).await;
    assert_eq!(now(&metrics::LAST_RUN_FAILED).await, Some(0.0));
    assert_eq!(now(&metrics::ASSETS_IN_ERROR).await, Some(0.0));
    assert_eq!(now(&metrics::OLDEST_DECISION).await, Some(0.0));
    assert!(now(&metrics::RECONCILIATION_LATENESS).await < Some(1.0));
    let remaining = now(&metrics::QUOTA_REMAINING).await;
    assert!(remaining > Some(0.0), "{remaining:?}");
    assert_eq!(
        now(&metrics::NOTIFICATIONS_MISSING).await,
        Some(0.0),
        "an import is no surprise"
    );

    // Webhooks are away: a run finds what none of them has told.
    world.cloud.chaos(json!({"drop": 1.0})).await;
    let asset = world.cloud.upload("shop/mug", 1).await;
    assert_eq!(world.sync(json!({})).await.body["synced_items"], 1);
    assert_eq!(now(&metrics::NOTIFICATIONS_MISSING).await, Some(1.0));
    world.cloud.chaos(json!({"drop": 0.0})).await;
    world.cloud.add_tag("shop/mug", "new").await;
    world
        .row_becomes("webhooks are back", &asset, |row| {
            row["tags"] == json!(["new"])
        })
        .await;
    assert_eq!(now(&metrics::NOTIFICATIONS_MISSING).await, Some(0.0));

    // A listing that says there is nothing stops a run.
    let empty = json!({"operation": "resources_*", "status": 200, "body": {"resources": []}});
    world.cloud.fault(empty).await;
    assert_eq!(world.sync(json!({})).await.body["success"], false);
    world.cloud.clear_faults().await;
    assert_eq!(now(&metrics::LAST_RUN_FAILED).await, Some(1.0));

    // An edit that Cloudinary refuses for good.
    let refusal = json!({"error": {"message": "not now"}});
    world
        .cloud
        .fault(json!({"operation": "rename", "status": 400, "body": refusal}))
        .await;
    let edit = json!({"cloudinary_public_id": "shop/cup"});
    assert_eq!(world.edit(&asset, &world.admin, edit).await.status, 200);
    assert!(now(&metrics::OLDEST_DECISION).await.is_some());
    world
        .row_becomes("it is refused", &asset, |row| row["sync_status"] == "error")
        .await;
    assert_eq!(now(&metrics::ASSETS_IN_ERROR).await, Some(1.0));

    assert!(!world.is_breached("QuotaAlarm").await);
    world.rows("update public.cloudinary_quota set remaining = 1, reset_at = now() + interval '1 hour' returning 1 as one", &[]).await;
    assert_eq!(now(&metrics::QUOTA_REMAINING).await, Some(1.0));
    assert_eq!(now(&metrics::QUOTA_BELOW_RESERVE).await, Some(1.0));
    assert!(world.is_breached("QuotaAlarm").await);
    world.stack.stop().await;
}

#[tokio::test]
async fn a_secret_in_any_log_is_found() {
    let world = World::start().await;
    assert_eq!(
        world.stack.secrets_in_logs().await,
        Vec::<String>::new(),
        "nothing is logged by itself"
    );
    // An event that asks for nothing known is named in the function's log, whatever stands in it.
    let event = json!({"action": world.stack.secret_key()});
    let answer = world.stack.invoke("MaintenanceFunctionName", &event).await;
    assert!(answer.unwrap().error.is_some());
    let log = world.stack.logs().join("postgrest.log");
    let token = world.admin.clone();
    let written = std::fs::OpenOptions::new().append(true).open(log);
    writeln!(written.unwrap(), "Authorization: Bearer {token}").unwrap();

    let found = world.stack.secrets_in_logs().await;
    let has = |log: &str, what: &str| {
        found
            .iter()
            .any(|find| find.starts_with(log) && find.contains(what))
    };
    assert!(has("Maintenance", "the secret API key"), "{found:#?}");
    assert!(has("postgrest.log", "a token's signature"), "{found:#?}");
    let secrets = [world.stack.secret_key(), token.as_str()];
    assert!(
        found
            .iter()
            .all(|find| !secrets.iter().any(|secret| find.contains(secret)))
    );
    // Ended by dropping it: to stop it would fail, as it should.
    tokio::task::spawn_blocking(move || drop(world))
        .await
        .unwrap();
}

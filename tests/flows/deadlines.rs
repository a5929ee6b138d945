//! A service hangs: functions answer before they are killed, and finished work is kept.

use end_to_end::logs::values;
use end_to_end::{World, eventually, tags_changed};
use local_stack::GatewayFault;
use media_sync::cloudinary::CloudinaryResource;
use media_sync::queue::encode;
use media_sync::telemetry::metrics;
use media_sync::time::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::json;

const ASSETS_OF_A_FOLDER: u64 = 300;

#[tokio::test]
async fn what_is_done_of_a_batch_is_kept_and_the_rest_comes_again() {
    let world = World::start().await;
    let mug = world.mirrored("hang/mug", 1).await;

    // Of these two only the tag needs a look in Cloudinary, and that takes longer than a function may.
    world.cloud.set(json!({"notifications_paused": true})).await;
    let hanging = json!({"operation": "by_asset_ids", "delay_ms": 120_000});
    world.cloud.fault(hanging).await;
    world.cloud.add_tag("hang/mug", "sale").await;
    let cup = world.cloud.upload("hang/cup", 2).await;
    world
        .cloud
        .set(json!({"notifications_paused": false}))
        .await;
    world
        .row_becomes("the part that needs no look is written", &cup, |row| {
            row["sync_status"] == "synced"
        })
        .await;
    eventually("the worker answers for the rest", async || {
        let log = world.stack.function_log("NotificationWorker").await;
        log.unwrap().contains("a message waits")
    })
    .await;
    let waits = values(&world, "NotificationWorker", &metrics::MESSAGE_WAIT).await;
    assert_eq!(waits.len(), 1, "{waits:?}");

    world.cloud.clear_faults().await;
    world
        .row_becomes("the rest comes again", &mug, |row| {
            row["tags"] == json!(["sale"])
        })
        .await;
    world.assert_mirrored().await;
    a_copy_without_time_is_killed_and_rings(&world, &mug).await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

/// The worker's limit lies above its own deadline: only a copy that does not keep to it gets there.
async fn a_copy_without_time_is_killed_and_rings(world: &World, mug: &CloudinaryResource) {
    const ALARM: &str = "NotificationWorkerDurationAlarm";
    assert!(!world.is_breached(ALARM).await, "a service that hangs");
    world.cloud.set(json!({"notifications_paused": true})).await;
    world.cloud.add_tag("hang/mug", "late").await;
    let row = world.row(mug).await.expect("the row is here");
    let message = encode(&tags_changed(&row, Timestamp::now()));
    world.stack.freeze_functions().await.expect("they run");
    let sent = world
        .stack
        .send_message("NotificationQueue", &message)
        .await;
    sent.expect("the queue takes it");
    eventually("it rings", async || world.is_breached(ALARM).await).await;
    world.stack.thaw_functions().await.expect("they run");
    world
        .row_becomes("the batch comes again", mug, |row| {
            let tags = row["tags"].as_array();
            tags.is_some_and(|tags| tags.contains(&json!("late")))
        })
        .await;
    world
        .cloud
        .set(json!({"notifications_paused": false}))
        .await;
}

#[tokio::test]
async fn a_database_that_hangs_is_a_503_and_no_silence() {
    let world = World::start().await;
    let mug = world.mirrored("hang/mug", 1).await;
    world.stack.set_gateway_fault(Some(GatewayFault::Silent));
    let path = "/api/cloudinary/media";
    let edit = json!({"asset_id": mug.asset_id, "tags": ["sale"]});
    let admin = Some(world.admin.as_str());
    let (list, edited, run) = tokio::join!(
        world.get(path),
        world.call(Method::PATCH, path, admin, Some(edit)),
        world.sync(json!({})),
    );
    for answer in [list, edited, run] {
        assert_eq!(
            answer.status,
            StatusCode::SERVICE_UNAVAILABLE,
            "{}",
            answer.body
        );
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert!(answer.headers.contains_key("retry-after"));
    }
    world.stack.set_gateway_fault(None);
    let answer = world.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn a_large_folder_moves_in_parts_where_calls_are_slow() {
    let world = World::start().await;
    world.cloud.seed_folder(ASSETS_OF_A_FOLDER, "before").await;
    world.sync(json!({})).await;
    // Three looks, of which two fit into an invocation.
    let slow = json!({"operation": "by_asset_ids", "delay_ms": 4_500});
    world.cloud.fault(slow).await;
    world.cloud.rename_folder("before", "after").await;
    let moved = "select count(*) from public.media_assets where folder = 'after'";
    eventually("every asset has moved", async || {
        world.count(moved).await == ASSETS_OF_A_FOLDER
    })
    .await;
    let waits = values(&world, "NotificationWorker", &metrics::MESSAGE_WAIT).await;
    assert!(!waits.is_empty(), "it took more than one invocation");
    world.cloud.clear_faults().await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

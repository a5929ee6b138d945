//! A service is away for longer than a message may fail: notifications and decisions wait for it, uncounted.

use end_to_end::logs::values;
use end_to_end::{World, eventually_or_tell, tags_changed};
use local_stack::StackPart;
use media_sync::cloudinary::CloudinaryResource;
use media_sync::queue::{IntentMessage, encode};
use media_sync::telemetry::metrics;
use media_sync::time::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::json;

/// As many seconds of a delay pass in one: a copy of a message waits for a second at most.
const HURRY: u32 = 900;

/// Six rounds of a quarter of an hour each.
const ROUNDS: usize = 6;

const ASSETS: usize = 5;

/// Queues that give a message up which was returned twice.
async fn impatient_world() -> World {
    let world = World::start().await;
    for queue in ["NotificationQueue", "OutboundQueue"] {
        world.stack.hurry(queue, HURRY).await.expect("a queue");
        let given_up = world.stack.give_up_after(queue, 2).await;
        given_up.expect("a queue");
    }
    world
}

async fn has_waited(world: &World, function: &str, times: usize) {
    let waits = async || values(world, function, &metrics::MESSAGE_WAIT).await;
    eventually_or_tell(
        async || waits().await.len() >= times,
        async || format!("{function} has only seen waits of {:?}", waits().await),
    )
    .await;
}

async fn nothing_was_given_up(world: &World) {
    let waiting = world.waiting_messages().await;
    for queue in ["NotificationDeadLetterQueue", "OutboundDeadLetterQueue"] {
        assert_eq!(waiting.get(queue), None, "{waiting:?}");
    }
    for function in ["NotificationWorker", "OutboundWorker"] {
        let returned = values(world, function, &metrics::MESSAGES_RETURNED).await;
        assert!(returned.is_empty(), "{function}: {returned:?}");
    }
}

#[tokio::test]
async fn an_hour_without_quota_costs_no_notification_and_no_decision() {
    let world = impatient_world().await;
    set_the_clock_to_half_past(&world).await;
    let mut assets = Vec::new();
    for number in 0..ASSETS {
        let name = format!("quota/{number}");
        assets.push(world.mirrored(&name, number as u8).await);
    }
    let used_up = json!({"rate_limit": 500, "rate_remaining": 0});
    world.cloud.set(used_up).await;
    for number in 0..ASSETS {
        world
            .cloud
            .add_tag(&format!("quota/{number}"), "sale")
            .await;
    }
    let path = "/api/cloudinary/media";
    let edit = json!({"asset_id": assets[0].asset_id, "display_name": "later"});
    let admin = Some(world.admin.as_str());
    let edited = world.call(Method::PATCH, path, admin, Some(edit)).await;
    edited.assert_status(StatusCode::OK);
    has_waited(&world, "NotificationWorker", ROUNDS * ASSETS).await;
    nothing_was_given_up(&world).await;
    world
        .cloud
        .set(json!({"rate_limit": 5_000, "rate_remaining": 5_000}))
        .await;
    for asset in &assets {
        world
            .row_becomes("the tag arrives", asset, |row| {
                row["tags"] == json!(["sale"])
            })
            .await;
    }
    world.drain().await;
    world
        .row_becomes("the edit is carried out", &assets[0], |row| {
            row["sync_status"] == "synced" && row["display_name"] == "later"
        })
        .await;
    nothing_was_given_up(&world).await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

/// On Cloudinary's clock: its hour does not end in the middle of the story.
async fn set_the_clock_to_half_past(world: &World) {
    let past_half = (end_to_end::now() - 1_800).rem_euclid(3_600);
    let skew = json!({"clock_skew_ms": -1_000 * past_half});
    world.cloud.set(skew).await;
}

#[tokio::test]
async fn a_database_that_is_away_costs_no_message() {
    let world = impatient_world().await;
    let mug = world.mirrored("away/mug", 1).await;
    let row = world.row(&mug).await.expect("the row is here");
    let killed = world.stack.kill(StackPart::PostgREST).await;
    killed.expect("the part runs");
    let cup = world.cloud.upload("away/cup", 2).await;
    send_both(&world, &row).await;
    has_waited(&world, "NotificationWorker", ROUNDS).await;
    has_waited(&world, "OutboundWorker", ROUNDS / 2).await;
    nothing_was_given_up(&world).await;
    let started = world.stack.start_again(StackPart::PostgREST).await;
    started.expect("the part starts");
    let arrived: [&CloudinaryResource; 2] = [&mug, &cup];
    for asset in arrived {
        world
            .row_becomes("the news arrives", asset, |row| {
                row["sync_status"] == "synced"
            })
            .await;
    }
    world.assert_mirrored().await;
    nothing_was_given_up(&world).await;
    world.stack.stop().await;
}

/// A notification and a decision about a row, past the functions in front.
async fn send_both(world: &World, row: &serde_json::Value) {
    let notification = encode(&tags_changed(row, Timestamp::now()));
    let id = row["id"].as_str().and_then(|id| id.parse().ok());
    let intent = encode(&IntentMessage {
        asset_row_id: id.expect("a row has an id"),
    });
    for (queue, body) in [
        ("NotificationQueue", notification),
        ("OutboundQueue", intent),
    ] {
        let sent = world.stack.send_message(queue, &body).await;
        sent.expect("the queue takes it");
    }
}

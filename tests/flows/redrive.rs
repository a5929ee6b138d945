//! Messages that were given up are told, and sent to their queue again on request.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use end_to_end::{World, eventually};
use media_sync::queue::{NotificationMessage, RawBody, encode};
use media_sync::time::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const REDRIVE: &str = "/api/cloudinary/events/redrive";

/// More than SQS hands out at once.
const COPIES: u64 = 12;

#[tokio::test]
async fn given_up_messages_are_told_and_sent_again() {
    let world = World::start().await;
    world.mirrored("mug", 1).await;
    world.settle().await;
    give_up_the_notification(&world).await;

    let told = ask(&world, Method::GET, None).await;
    let item = &told["items"][0];
    assert_eq!(item["queue"], "notifications");
    assert_eq!(item["dead_letters"]["visible"], COPIES);
    assert_eq!(item["samples"][0]["kind"], "notification");
    let about = item["samples"][0]["about"].as_str().unwrap();
    assert!(about.starts_with("upload mug received "), "{about}");
    assert_eq!(told["items"][1]["samples"], json!([]), "{told}");

    others_may_not(&world).await;
    let none = json!({ "queue": "outbound", "sent": 0, "kept": 0, "left": 0 });
    assert_eq!(redrive(&world, "outbound").await, none);
    let moved = json!({ "queue": "notifications", "sent": COPIES, "kept": 0, "left": 0 });
    assert_eq!(redrive(&world, "notifications").await, moved);
    eventually("it was handled", async || recorded(&world).await == 1).await;

    let path = "/api/cloudinary/audit?operation=redrive_requested";
    let answer = world
        .call(Method::GET, path, Some(&world.admin), None)
        .await;
    let entries = answer.body["items"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "nothing to send leaves no entry");
    let details = json!({ "queue": "notifications", "messages": COPIES });
    assert_eq!(entries[0]["details"], details);
    world.settle().await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

/// As if the notification had never been handled, and was delivered several times.
async fn give_up_the_notification(world: &World) {
    let told = "select to_jsonb(body) from media_notifications";
    let body = world.value(told).await.as_str().unwrap().to_owned();
    let gone = "delete from media_notifications returning digest";
    assert_eq!(world.rows(gone, &[]).await.len(), 1);
    let now = Timestamp::now();
    let message = encode(&NotificationMessage {
        received_at: now,
        signature_timestamp: now,
        replayed: false,
        algorithm: None,
        body: RawBody::new(body.into_bytes()),
    });
    for _ in 0..COPIES {
        let sent = world
            .stack
            .send_message("NotificationDeadLetterQueue", &message);
        sent.await.unwrap();
    }
}

async fn recorded(world: &World) -> u64 {
    world
        .count("select count(*) from media_notifications")
        .await
}

async fn others_may_not(world: &World) {
    let body = json!({ "queue": "notifications" });
    for (method, body) in [(Method::GET, None), (Method::POST, Some(body))] {
        for (caller, status) in [
            (Some(world.user.as_str()), StatusCode::FORBIDDEN),
            (None, StatusCode::UNAUTHORIZED),
        ] {
            let answer = world.call(method.clone(), REDRIVE, caller, body.clone());
            answer.await.assert_status(status);
        }
    }
    let arguments = json!({ "p_queue": "notifications", "p_messages": 1 });
    let answer = world.request("media_request_redrive", &world.user, arguments);
    answer.await.assert_status(StatusCode::FORBIDDEN);
}

async fn redrive(world: &World, queue: &str) -> Value {
    ask(world, Method::POST, Some(json!({ "queue": queue }))).await
}

async fn ask(world: &World, method: Method, body: Option<Value>) -> Value {
    let answer = world.call(method, REDRIVE, Some(&world.admin), body).await;
    answer.assert_status(StatusCode::OK);
    answer.body
}

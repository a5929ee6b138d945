//! Notifications are listed with what became of them, and are applied again on request.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use end_to_end::{World, eventually, id_of};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const EVENTS: &str = "/api/cloudinary/events";
const REPLAY: &str = "/api/cloudinary/events/replay";

#[tokio::test]
async fn notifications_are_listed_and_applied_again() {
    let world = World::start().await;
    let mug = world.mirrored("mug", 1).await;
    world.mirrored("cup", 2).await;
    let asset = id_of(&mug).to_string();
    let told = list(&world, &format!("asset_id={asset}")).await;
    let event = &told["items"][0];
    assert_eq!(
        (&event["verdict"], &event["replays"]),
        (&json!("applied"), &json!(0))
    );
    assert_eq!(event["asset_ids"], json!([asset]));
    assert!(event["bytes"].as_i64().unwrap() > 0);
    assert_eq!(
        list(&world, "verdict=parked").await["items"],
        json!([]),
        "all could be read"
    );
    pages_follow_one_another(&world).await;

    let replayed = replay(&world, json!({ "ids": [event["id"]] })).await;
    assert_eq!(replayed, json!({ "notifications": 1 }));
    was_applied_again(&world, &asset, 1).await;
    let since = "2020-01-01T00:00:00Z";
    let replayed = replay(&world, json!({ "since": since, "asset_id": asset })).await;
    assert!(replayed["notifications"].as_i64().unwrap() > 0);
    was_applied_again(&world, &asset, 2).await;
    let none = replay(&world, json!({ "ids": ["0".repeat(64)] })).await;
    assert_eq!(none, json!({ "notifications": 0 }));

    let path = "/api/cloudinary/audit?operation=replay_requested";
    let entries = get(&world, path).await;
    assert_eq!(entries["items"].as_array().map(Vec::len), Some(2));
    assert!(entries["items"][0]["actor"].is_string());
    others_hear_nothing(&world).await;
    world.settle().await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

async fn pages_follow_one_another(world: &World) {
    let all = list(world, "").await;
    let all = all["items"].as_array().unwrap().clone();
    assert!(all.len() >= 2, "{all:?}");
    let mut walked = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = list(world, &format!("limit=1&cursor={cursor}")).await;
        walked.extend(page["items"].as_array().unwrap().clone());
        match page["pagination"]["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(walked, all);
}

async fn was_applied_again(world: &World, asset: &str, times: i64) {
    eventually("it was applied again", async || {
        let told = list(world, &format!("asset_id={asset}")).await;
        let events = told["items"].as_array().unwrap();
        events.iter().any(|event| event["replays"] == times)
    })
    .await;
}

async fn others_hear_nothing(world: &World) {
    for (method, path, body) in [
        (Method::GET, EVENTS, None),
        (Method::POST, REPLAY, Some(json!({ "since": "2026-01-01" }))),
    ] {
        let user = Some(world.user.as_str());
        let answer = world.call(method, path, user, body).await;
        answer.assert_status(StatusCode::FORBIDDEN);
    }
    for (function, query) in [
        ("media_events", json!({ "limit": 1 })),
        ("media_request_replay", json!({ "since": "2026-01-01" })),
    ] {
        let arguments = json!({ "p_query": query });
        let answer = world.request(function, &world.user, arguments).await;
        answer.assert_status(StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn replay_of_an_odd_shape_is_refused_and_leaves_no_entry() {
    let world = World::start().await;
    let id = "0".repeat(64);
    let since = "2026-01-01";
    for query in [
        json!({}),
        json!([]),
        json!("ids"),
        json!(null),
        json!({ "ids": [] }),
        json!({ "ids": [7] }),
        json!({ "ids": id }),
        json!({ "ids": [id], "since": since }),
        json!({ "ids": [id], "asset_id": "1" }),
        json!({ "since": null }),
        json!({ "since": since, "asset_id": 7 }),
        json!({ "since": since, "until": since }),
        json!({ "asset_id": "1" }),
    ] {
        let arguments = json!({ "p_query": query });
        let answer = world
            .request("media_request_replay", &world.admin, arguments)
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
    }
    let entries = "select count(*) from public.media_sync_log where operation = 'replay_requested'";
    assert_eq!(world.count(entries).await, 0);
    world.stack.stop().await;
}

async fn list(world: &World, query: &str) -> Value {
    get(world, &format!("{EVENTS}?{query}")).await
}

async fn get(world: &World, path: &str) -> Value {
    let admin = Some(world.admin.as_str());
    let answer = world.call(Method::GET, path, admin, None).await;
    answer.assert_status(StatusCode::OK);
    answer.body
}

async fn replay(world: &World, body: Value) -> Value {
    let admin = Some(world.admin.as_str());
    let answer = world.call(Method::POST, REPLAY, admin, Some(body)).await;
    answer.assert_status(StatusCode::ACCEPTED);
    answer.body
}

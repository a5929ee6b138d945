//! The audit trail of an asset's life.

use std::collections::BTreeSet;
use std::time::Duration;

use end_to_end::{HttpAnswer, World};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::AUDIT;

async fn ask(world: &World, query: &str) -> HttpAnswer {
    let path = format!("{AUDIT}?{query}");
    let admin = Some(world.admin.as_str());
    world.call(Method::GET, &path, admin, None).await
}

async fn read(world: &World, query: &str) -> Value {
    let answer = ask(world, query).await;
    assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.body);
    answer.body
}

/// From the decision, or from the notification's arrival.
pub(super) async fn every_entry_has_its_time(world: &World, refused_for: Duration) {
    let untimed = "select count(*) from public.media_sync_log where processing_time_ms is null";
    assert_eq!(world.value(untimed).await, 0);
    let longest = "select max(processing_time_ms) from public.media_sync_log where operation in ('edit_confirmed', 'renamed')";
    let longest = u128::from(world.count(longest).await);
    assert!(
        longest >= refused_for.as_millis(),
        "{longest} ms from the decision to its effect, of which {refused_for:?} refused"
    );
}

pub(super) async fn only_administrators_read(world: &World) {
    let answer = world.get(AUDIT).await;
    answer.assert_status(StatusCode::FORBIDDEN);
}

pub(super) async fn pages_show_every_entry_once(world: &World) {
    let mut seen = BTreeSet::new();
    let mut query = "limit=2".to_owned();
    loop {
        let page = read(world, &query).await;
        for item in page["items"].as_array().expect("a list") {
            let id = item["id"].as_u64().expect("a number");
            assert!(seen.insert(id), "shown twice: {item}");
        }
        match page["pagination"]["next_cursor"].as_str() {
            Some(cursor) => query = format!("limit=2&cursor={cursor}"),
            None => break,
        }
    }
    let all = "select count(*) from public.media_sync_log";
    assert_eq!(json!(seen.len()), world.value(all).await, "every entry");
}

pub(super) async fn a_cursor_is_of_one_query(world: &World) {
    let foreign = read(world, "limit=3").await;
    let foreign = &foreign["pagination"]["next_cursor"];
    let foreign = foreign.as_str().expect("a cursor");
    let answer = ask(world, &format!("limit=2&cursor={foreign}")).await;
    assert_eq!(answer.body["parameter"], "cursor", "another query's cursor");
}

pub(super) async fn filters_find_their_entries(world: &World) {
    let user = &world.user_id;
    for (query, field, value) in [
        ("operation=created".to_owned(), "operation", "created"),
        ("status=failed".to_owned(), "status", "failed"),
        ("source=database".to_owned(), "source", "database"),
        ("source=webhook".to_owned(), "source", "webhook"),
        (format!("actor={user}"), "actor", user.as_str()),
        (
            "public_id=shop/other".to_owned(),
            "cloudinary_public_id",
            "shop/other",
        ),
    ] {
        let page = read(world, &query).await;
        let items = page["items"].as_array().expect("a list");
        assert!(!items.is_empty(), "{query}");
        let all_have_it = items.iter().all(|item| item[field] == value);
        assert!(all_have_it, "{query}: {items:?}");
    }
    let nothing = read(world, "date_to=2020-01-01").await;
    assert_eq!(nothing["items"], json!([]));
}

pub(super) async fn sums_tell_errors_and_people(world: &World) {
    let sums = read(world, "include=trends,activity&limit=1").await;
    let trend = &sums["error_trends"][0];
    assert!(trend["count"].as_u64() >= Some(1), "{sums}");
    assert_eq!(trend["code"], "cloudinary_server", "{sums}");
    let mut active = sums["activity"].as_array().expect("a list").iter();
    let is_active = active
        .any(|person| person["actor"] == world.user_id && person["operations"].as_u64() >= Some(2));
    assert!(is_active, "{sums}");
}

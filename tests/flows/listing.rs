//! `GET /api/cloudinary/media` reads from the database.

use std::collections::BTreeSet;

use end_to_end::World;
use serde_json::{Value, json};

#[tokio::test]
async fn pages_and_cursors_show_every_asset_once() {
    let world = World::start().await;
    let kinds = ["image", "video", "raw"];
    world.cloud.seed(57, &kinds, "list_").await;
    world.sync(json!({})).await;
    world.cloud.reset_requests().await;
    cursors_show_every_asset_once(&world).await;
    a_page_has_a_number(&world).await;
    statistics_are_of_the_library(&world).await;
    a_wildcard_is_an_ordinary_character(&world).await;
    let requests = world.cloud.requests().await;
    assert_eq!(requests, json!({}), "browsing asks Cloudinary nothing");
    world.stack.stop().await;
}

async fn list(world: &World, query: &str) -> Value {
    let path = format!("/api/cloudinary/media?{query}");
    world.get(&path).await.ok()
}

fn items(page: &Value) -> &[Value] {
    page["items"].as_array().expect("a list")
}

async fn cursors_show_every_asset_once(world: &World) {
    let first = "limit=10&sort_by=file_size&sort_order=asc";
    let mut query = first.to_owned();
    let (mut seen, mut sizes) = (BTreeSet::new(), Vec::new());
    loop {
        let page = list(world, &query).await;
        for item in items(&page) {
            let id = item["id"].as_str().expect("an id").to_owned();
            assert!(seen.insert(id), "shown twice: {item}");
            sizes.push(item["file_size"].as_i64().expect("a size"));
        }
        assert_eq!(page["pagination"]["total"], 57);
        match page["pagination"]["next_cursor"].as_str() {
            Some(cursor) => query = format!("{first}&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 57);
    assert!(sizes.is_sorted());
}

async fn a_page_has_a_number(world: &World) {
    let third = list(world, "page=3&limit=20&sort_by=public_id&sort_order=asc").await;
    assert_eq!(items(&third).len(), 17);
}

/// Not of the query.
async fn statistics_are_of_the_library(world: &World) {
    let filtered = list(world, "resource_type=video&limit=200").await;
    assert_eq!(items(&filtered).len(), 19);
    assert_eq!(filtered["stats"]["total_videos"], 19);
}

async fn a_wildcard_is_an_ordinary_character(world: &World) {
    let none = list(world, "search=list%25").await;
    assert_eq!(none["pagination"]["total"], 0);
    let all = list(world, "search=LIST_").await;
    assert_eq!(all["pagination"]["total"], 57);
    assert_eq!(all["sync_status"]["is_synced"], true);
}

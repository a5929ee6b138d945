//! `GET /api/cloudinary/media` reads from the database.

use std::collections::BTreeSet;

use end_to_end::World;
use serde_json::json;

#[tokio::test]
async fn pages_and_cursors_show_every_asset_once() {
    let world = World::start().await;
    world
        .cloud
        .seed(57, &["image", "video", "raw"], "list_")
        .await;
    world.sync(json!({})).await;
    world.cloud.reset_requests().await;

    let mut seen = BTreeSet::new();
    let mut path = "/api/cloudinary/media?limit=10&sort_by=file_size&sort_order=asc".to_owned();
    let mut sizes = Vec::new();
    loop {
        let answer = world.get(&path).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        for item in answer.body["items"].as_array().unwrap() {
            assert!(
                seen.insert(item["id"].as_str().unwrap().to_owned()),
                "shown twice: {item}"
            );
            sizes.push(item["file_size"].as_i64().unwrap());
        }
        assert_eq!(answer.body["pagination"]["total"], 57);
        match answer.body["pagination"]["next_cursor"].as_str() {
            Some(cursor) => {
                path = format!(
                    "/api/cloudinary/media?limit=10&sort_by=file_size&sort_order=asc&cursor={cursor}"
                )
            }
            None => break,
        }
    }
    assert_eq!(seen.len(), 57);
    assert!(sizes.is_sorted());

    let third = world
        .get("/api/cloudinary/media?page=3&limit=20&sort_by=public_id&sort_order=asc")
        .await
        .body;
    assert_eq!(third["items"].as_array().unwrap().len(), 17);
    let filtered = world
        .get("/api/cloudinary/media?resource_type=video&limit=200")
        .await
        .body;
    assert_eq!(filtered["items"].as_array().unwrap().len(), 19);
    assert_eq!(
        filtered["stats"]["total_videos"], 19,
        "statistics are of the library, not of the query"
    );
    let none = world.get("/api/cloudinary/media?search=list%25").await.body;
    assert_eq!(
        none["pagination"]["total"], 0,
        "a wildcard is an ordinary character"
    );
    let all = world.get("/api/cloudinary/media?search=LIST_").await.body;
    assert_eq!(all["pagination"]["total"], 57);
    assert_eq!(all["sync_status"]["is_synced"], true);
    assert!(
        world.cloud.requests().await.as_object().unwrap().is_empty(),
        "browsing asks Cloudinary nothing"
    );
    world.stack.stop().await;
}

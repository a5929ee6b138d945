//! Cloudinary answers fewer assets than were asked for: what is not told of is not gone.

use end_to_end::{World, tags_changed};
use media_sync::queue::NotificationMessage;
use media_sync::sync::clients::SyncClients;
use media_sync::sync::ingest::{BatchVerdicts, Ingest};
use media_sync::time::Timestamp;
use reqwest::StatusCode;
use serde_json::{Value, json};

const ASSETS: u64 = 25;
const LIVE: &str = "select count(*) from public.media_assets where deleted_at is null";

async fn mirrored_world() -> World {
    let world = World::start().await;
    // What is told to the flow below, nobody else tells.
    world.cloud.chaos(json!({"drop": 1.0})).await;
    world.cloud.seed(ASSETS, &["image"], "short-").await;
    world.sync(json!({})).await;
    world
}

async fn messages_about_all(world: &World) -> Vec<NotificationMessage> {
    let rows = world.rows("select * from public.media_assets", &[]).await;
    let told = |row: &Value| tags_changed(row, Timestamp::now());
    rows.iter().map(told).collect()
}

async fn apply(world: &World) -> BatchVerdicts {
    let (cloudinary, store) = world.clients();
    let ingest = Ingest {
        clients: SyncClients { cloudinary, store },
        outbound: None,
    };
    ingest.apply_batch(messages_about_all(world).await).await
}

#[tokio::test]
async fn one_short_answer_deletes_nothing() {
    let world = mirrored_world().await;
    for kept in [0, 10, 24] {
        let short = json!({"operation": "by_asset_ids", "shorten_to": kept, "times": 1});
        world.cloud.fault(short).await;
        let verdicts = apply(&world).await;
        assert_eq!(world.count(LIVE).await, ASSETS, "{kept}: {verdicts:?}");
    }
    // Of a single missing one, the question for it alone tells that the answer was short: the message waits.
    assert!(apply(&world).await.iter().all(Result::is_ok));
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn answers_that_are_always_short_delete_nothing_on_any_path() {
    let world = mirrored_world().await;
    for kept in [0, 10] {
        let short = json!({"operation": "by_asset_ids", "shorten_to": kept});
        world.cloud.fault(short).await;
        let verdicts = apply(&world).await;
        assert!(verdicts.iter().any(Result::is_err), "{kept}: {verdicts:?}");
        the_listing_is_short_too(&world).await;
        assert_eq!(world.count(LIVE).await, ASSETS, "{kept}");
        world.cloud.clear_faults().await;
    }
    // The run that rested, and one that reads all anew.
    for _ in 0..2 {
        let answer = world.sync(json!({"mode": "full"})).await;
        answer.assert_status(StatusCode::OK);
    }
    world.assert_mirrored().await;
    world.stack.stop().await;
}

/// A full run finds suspects, and an incremental one looks at changes.
async fn the_listing_is_short_too(world: &World) {
    let short = json!({"operation": "resources_image", "shorten_to": 5});
    world.cloud.fault(short).await;
    for mode in ["full", "incremental"] {
        let wanted = json!({"mode": mode, "allow_mass_delete": true});
        world.sync(wanted).await;
    }
}

#[tokio::test]
async fn answers_in_pages_are_read_to_their_end() {
    let world = mirrored_world().await;
    let pages = json!({"by_asset_ids_in_pages": true});
    world.cloud.set(pages).await;
    let verdicts = apply(&world).await;
    assert!(verdicts.iter().all(Result::is_ok), "{verdicts:?}");
    assert_eq!(world.count(LIVE).await, ASSETS);
    world.stack.stop().await;
}

#[tokio::test]
async fn assets_that_are_gone_are_found_so_by_a_look() {
    let world = mirrored_world().await;
    let ids = "select cloudinary_asset_id as id from public.media_assets limit 3";
    for row in world.rows(ids, &[]).await {
        world
            .cloud
            .destroy_id(row["id"].as_str().expect("an id"))
            .await;
    }
    world.cloud.reset_requests().await;
    let verdicts = apply(&world).await;
    assert!(verdicts.iter().all(Result::is_ok), "{verdicts:?}");
    assert_eq!(world.count(LIVE).await, ASSETS - 3);
    let calls = json!({"by_asset_ids": 2, "resource_by_asset_id": 1});
    assert_eq!(
        world.cloud.requests().await,
        calls,
        "the look, its repeat, and one by itself"
    );
    world.assert_mirrored().await;
    world.stack.stop().await;
}

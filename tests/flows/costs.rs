//! The costs of a change: calls to Cloudinary, calls to the database, rows that are written.

use end_to_end::{World, tags_changed};
use media_sync::sync::clients::SyncClients;
use media_sync::sync::ingest::Ingest;
use media_sync::sync::store::NotificationVerdict;
use media_sync::time::Timestamp;
use reqwest::StatusCode;
use serde_json::{Value, json};

const ASSETS: u64 = 130;

async fn import(world: &World) {
    let answer = world.sync(json!({})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
}

/// Revisions of all rows, and entries of the trail.
async fn written(world: &World) -> (u64, u64) {
    let revisions = "select sum(revision) from public.media_assets";
    let entries = "select count(*) from public.media_sync_log";
    (world.count(revisions).await, world.count(entries).await)
}

async fn add_tag(world: &World, rows: &[Value], tag: &str) {
    for row in rows {
        let public_id = row["cloudinary_public_id"].as_str().expect("a name");
        world.cloud.add_tag(public_id, tag).await;
    }
}

#[tokio::test]
async fn what_changes_is_what_costs() {
    let world = World::start().await;
    // What is told to the flow below, nobody else tells.
    world.cloud.chaos(json!({"drop": 1.0})).await;
    world.cloud.seed(ASSETS, &["image"], "image-").await;
    import(&world).await;
    let rows = "select * from public.media_assets order by cloudinary_public_id";
    let rows = world.rows(rows, &[]).await;
    a_batch_looks_at_each_asset_once(&world, &rows).await;
    a_full_run_writes_what_has_changed(&world, &rows[10..14]).await;
    a_run_that_finds_nothing_looks_at_nothing(&world).await;
    world.stack.stop().await;
}

/// It names every asset twice, and three have changed.
async fn a_batch_looks_at_each_asset_once(world: &World, rows: &[Value]) {
    add_tag(world, &rows[..3], "sale").await;
    let messages = rows.iter().chain(rows);
    let messages = messages.map(|row| tags_changed(row, Timestamp::now()));
    let (cloudinary, store) = world.clients();
    let clients = SyncClients { cloudinary, store };
    world.cloud.reset_requests().await;
    world.stack.reset_gateway_counts();
    let verdicts = Ingest {
        clients,
        outbound: None,
    }
    .apply_batch(messages.collect())
    .await;
    let verdicts = verdicts
        .into_iter()
        .map(|verdict| verdict.expect("it is applied"));
    let verdicts: Vec<_> = verdicts.collect();
    let applied = verdicts
        .iter()
        .filter(|verdict| **verdict == NotificationVerdict::Applied);
    assert_eq!(applied.count(), 6);
    assert_eq!(verdicts.len() as u64, 2 * ASSETS);
    let looks = json!({"by_asset_ids": ASSETS.div_ceil(100)});
    assert_eq!(world.cloud.requests().await, looks);
    for function in ["media_sync_rows", "media_sync_apply"] {
        let request = format!("POST /rest/v1/rpc/{function}");
        let calls = world.stack.gateway_counts().of(&request);
        assert_eq!(calls, 1, "{function}");
    }
}

/// In the very seconds of the looks before, so that one look tells which was first.
async fn a_full_run_writes_what_has_changed(world: &World, four: &[Value]) {
    add_tag(world, four, "missed").await;
    let (revisions, entries) = written(world).await;
    world.cloud.reset_requests().await;
    import(world).await;
    assert_eq!(
        written(world).await,
        (revisions + 4, entries + 4 + 1),
        "four rows, their entries and the run's"
    );
    let requests = world.cloud.requests().await;
    assert_eq!(requests["by_asset_ids"], 1, "{requests}");
}

async fn a_run_that_finds_nothing_looks_at_nothing(world: &World) {
    world.cloud.reset_requests().await;
    import(world).await;
    let requests = world.cloud.requests().await;
    assert!(requests["by_asset_ids"].is_null(), "{requests}");
}

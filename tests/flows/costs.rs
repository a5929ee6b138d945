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

async fn count(world: &World, sql: &str) -> u64 {
    world.value(sql).await.as_u64().expect("a count")
}

#[tokio::test]
async fn what_changes_is_what_costs() {
    let world = World::start().await;
    // What is told to the flow below, nobody else tells.
    world.cloud.chaos(json!({"drop": 1.0})).await;
    world.cloud.seed(ASSETS, &["image"], "image-").await;
    import(&world).await;
    let rows = world
        .rows(
            "select * from public.media_assets order by cloudinary_public_id",
            &[],
        )
        .await;
    let public_id = |row: &Value| {
        row["cloudinary_public_id"]
            .as_str()
            .expect("a name")
            .to_owned()
    };

    // A batch that names every asset twice, of which three have changed.
    for row in &rows[..3] {
        world.cloud.add_tag(&public_id(row), "sale").await;
    }
    let messages = rows.iter().chain(&rows);
    let messages = messages
        .map(|row| tags_changed(row, Timestamp::now()))
        .collect();
    let (cloudinary, store) = world.clients();
    world.cloud.reset_requests().await;
    world.stack.reset_gateway_counts();
    let verdicts = Ingest {
        clients: SyncClients { cloudinary, store },
    }
    .apply_batch(messages)
    .await;
    let verdicts: Vec<_> = verdicts
        .into_iter()
        .map(|verdict| verdict.expect("it is applied"))
        .collect();
    let applied = verdicts
        .iter()
        .filter(|verdict| **verdict == NotificationVerdict::Applied)
        .count();
    assert_eq!((applied, verdicts.len() as u64), (6, 2 * ASSETS));
    let requests = world.cloud.requests().await;
    assert_eq!(
        requests,
        json!({"by_asset_ids": ASSETS.div_ceil(100)}),
        "each asset once"
    );
    for function in ["media_sync_rows", "media_sync_apply"] {
        let calls = world
            .stack
            .gateway_counts()
            .of(&format!("POST /rest/v1/rpc/{function}"));
        assert_eq!(calls, 1, "{function}");
    }

    // A full run that finds four more changes, in the very seconds of the looks above.
    for row in &rows[10..14] {
        world.cloud.add_tag(&public_id(row), "missed").await;
    }
    let revisions = "select sum(revision) from public.media_assets";
    let entries = "select count(*) from public.media_sync_log";
    let before = (count(&world, revisions).await, count(&world, entries).await);
    world.cloud.reset_requests().await;
    import(&world).await;
    let after = (count(&world, revisions).await, count(&world, entries).await);
    assert_eq!(
        after,
        (before.0 + 4, before.1 + 4 + 1),
        "four rows, their entries and the run's"
    );
    let requests = world.cloud.requests().await;
    assert_eq!(
        requests["by_asset_ids"], 1,
        "which was first, one look tells: {requests}"
    );
    world.cloud.reset_requests().await;
    import(&world).await;
    let requests = world.cloud.requests().await;
    assert!(
        requests["by_asset_ids"].is_null(),
        "nothing differs: {requests}"
    );
    world.stack.stop().await;
}

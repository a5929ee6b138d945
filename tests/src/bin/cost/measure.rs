//! Units, measured on a whole local stack.

use anyhow::{Context as _, Result, ensure};
use end_to_end::{World, eventually};
use serde_json::{Value, json};

/// Assets that are changed, and pages that are listed.
const SAMPLES: u64 = 200;

/// The measured use of one thing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Units {
    /// Disk for one asset after its import: row, indexes, audit entry.
    pub(crate) asset_bytes: f64,
    /// Disk for one change that Cloudinary told: notification, audit entry, new version of the row.
    pub(crate) change_bytes: f64,
    /// Answers of the Data API for one asset that a run finds unchanged.
    pub(crate) run_egress_bytes: f64,
    /// Calls of the Data API for one page of a run.
    pub(crate) run_database_calls: f64,
    /// Calls of the Admin API for one page of a run.
    pub(crate) run_admin_calls: f64,
    /// Answers of the Data API for one page of 50 assets.
    pub(crate) page_egress_bytes: f64,
    /// Log of one notification, of the webhook and of the worker.
    pub(crate) change_log_bytes: f64,
    /// Log of one request to the API.
    pub(crate) request_log_bytes: f64,
    /// Log of one invocation of the drain, which runs every minute.
    pub(crate) drain_log_bytes: f64,
}

const PAGE: f64 = 500.0;

pub(crate) async fn measure(assets: u64) -> Result<Units> {
    let world = World::start().await;
    world.cloud.set(json!({"rate_limit": 1_000_000})).await;
    let empty = database_bytes(&world).await;
    let tags = ["image", "video"];
    world.cloud.seed(assets, &tags, "products/item-").await;
    full_run(&world).await?;
    let imported = database_bytes(&world).await;

    // A second run finds everything as it is, as nearly every run does.
    world.stack.reset_gateway_counts();
    let sent = world.stack.gateway_sent_bytes();
    let run = full_run(&world).await?;
    let pages = (assets as f64 / PAGE).ceil();
    let run_egress = (world.stack.gateway_sent_bytes() - sent) as f64;
    let run_database_calls = world.stack.gateway_counts().total() as f64 / pages;
    let calls = run["cloudinary_calls"]
        .as_f64()
        .context("a count of calls")?;

    let (change_bytes, change_log_bytes) = changes(&world).await?;
    let (page_egress_bytes, request_log_bytes) = requests(&world).await?;
    let drain_log_bytes = drains(&world).await?;
    world.stack.stop().await;
    Ok(Units {
        asset_bytes: (imported - empty) / assets as f64,
        change_bytes,
        run_egress_bytes: run_egress / assets as f64,
        run_database_calls,
        run_admin_calls: calls / pages,
        page_egress_bytes,
        change_log_bytes,
        request_log_bytes,
        drain_log_bytes,
    })
}

/// The counters of a full run that has succeeded.
async fn full_run(world: &World) -> Result<Value> {
    let runs = "select count(*) from public.sync_runs where status = 'succeeded'";
    let before = world.value(runs).await;
    let invoked = world
        .stack
        .invoke("ReconcileFunctionName", &json!({"mode": "full"}))
        .await?;
    ensure!(invoked.error.is_none(), "the run failed: {invoked:?}");
    eventually("the run has ended", async || {
        world.value(runs).await != before
    })
    .await;
    let newest = "select counters from public.sync_runs order by started_at desc limit 1";
    Ok(world.value(newest).await)
}

/// Disk and log of one change, told by a notification.
async fn changes(world: &World) -> Result<(f64, f64)> {
    let (disk, log) = (
        database_bytes(world).await,
        log_bytes(world, &["Webhook", "NotificationWorker"]).await?,
    );
    for number in 0..SAMPLES {
        let public_id = format!("changed/item-{number}");
        world.cloud.upload(&public_id, (number % 250) as u8).await;
    }
    world.settle().await;
    let grown = database_bytes(world).await - disk;
    let logged = log_bytes(world, &["Webhook", "NotificationWorker"]).await? - log;
    Ok((grown / SAMPLES as f64, logged / SAMPLES as f64))
}

/// Egress and log of one page of 50 assets.
async fn requests(world: &World) -> Result<(f64, f64)> {
    let (sent, log) = (
        world.stack.gateway_sent_bytes(),
        log_bytes(world, &["MediaList"]).await?,
    );
    for _ in 0..SAMPLES {
        let answer = world.get("/api/cloudinary/media?limit=50").await;
        ensure!(
            answer.status.is_success(),
            "the list fails: {:?}",
            answer.body
        );
    }
    let sent = (world.stack.gateway_sent_bytes() - sent) as f64;
    let logged = log_bytes(world, &["MediaList"]).await? - log;
    Ok((sent / SAMPLES as f64, logged / SAMPLES as f64))
}

async fn drains(world: &World) -> Result<f64> {
    const TIMES: u32 = 10;
    let log = log_bytes(world, &["Maintenance"]).await?;
    for _ in 0..TIMES {
        let invoked = world
            .stack
            .invoke("MaintenanceFunctionName", &json!({"action": "drain"}))
            .await?;
        ensure!(invoked.error.is_none(), "the drain failed: {invoked:?}");
    }
    Ok((log_bytes(world, &["Maintenance"]).await? - log) / f64::from(TIMES))
}

/// All tables of ours with their indexes, without dead rows.
async fn database_bytes(world: &World) -> f64 {
    let client = end_to_end::connect(world.stack.database_url()).await;
    client
        .batch_execute("vacuum")
        .await
        .expect("it is vacuumed");
    let bytes = "select sum(pg_total_relation_size(oid))::float8 from pg_class \
                 where relkind = 'r' and relnamespace in ('public'::regnamespace, 'media_sync'::regnamespace)";
    world.value(bytes).await.as_f64().expect("a size")
}

async fn log_bytes(world: &World, functions: &[&str]) -> Result<f64> {
    let mut bytes = 0;
    for function in functions {
        bytes += world.stack.function_log(function).await?.len();
    }
    Ok(bytes as f64)
}

//! A run that does not end within one invocation: it stops in time and goes on from its checkpoint.

use std::time::{Duration, Instant};

use end_to_end::{World, connect};
use media_sync::sync::clients::SyncClients;
use media_sync::sync::reconcile::{Reconcile, SliceOutcome};
use media_sync::sync::store::{RunMode, RunRequest, RunRow, RunStatus, RunTrigger};
use serde_json::json;

const ASSETS: u64 = 250;
const PAGE: u64 = 20;

#[tokio::test]
async fn a_run_stops_before_its_time_is_up_and_goes_on_where_it_stopped() {
    let world = World::start().await;
    let cloud = &world.cloud;
    let (cloudinary, store) = world.clients();
    let flow = Reconcile {
        clients: SyncClients { cloudinary, store },
    };
    cloud.seed(ASSETS, &["image"], "image-").await;
    // Some pages fit into the time that a slice gets below, and not all of them.
    cloud
        .fault(json!({"operation": "resources_image", "delay_ms": 200}))
        .await;

    let mut slices = 1;
    let mut outcome = flow
        .start(&full_run(), soon())
        .await
        .expect("it works")
        .outcome;
    let run = loop {
        match outcome {
            SliceOutcome::Finished(run) => break run,
            SliceOutcome::Paused(run) => {
                // The last listings may be empty, so all assets may be listed by then.
                assert_eq!(run.status, RunStatus::Running, "a pause is not the end");
                slices += 1;
                outcome = flow.resume(run.id, soon()).await.expect("it goes on");
            }
            other => panic!("{other:?}"),
        }
    };
    assert!(slices > 1, "it was to be paused");
    assert_eq!(run.status, RunStatus::Succeeded, "{run:?}");
    assert_eq!(listed(&run), ASSETS);

    // What was read ahead of a pause is read again, and nothing else.
    let requests = cloud.requests().await;
    let pages = ASSETS.div_ceil(PAGE);
    let read = requests["resources_image"].as_u64().expect("a count");
    assert!(
        (pages..pages + slices).contains(&read),
        "{read} calls for {pages} pages in {slices} slices"
    );
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn a_run_that_an_earlier_version_began_goes_on_with_this_one() {
    let world = World::start().await;
    let (cloudinary, store) = world.clients();
    let flow = Reconcile {
        clients: SyncClients { cloudinary, store },
    };
    world.cloud.seed(3 * PAGE, &["image"], "image-").await;
    world
        .cloud
        .fault(json!({"operation": "resources_image", "delay_ms": 900}))
        .await;
    let begun = flow.start(&full_run(), soon()).await.expect("it works");
    let SliceOutcome::Paused(paused) = begun.outcome else {
        panic!("it was to be paused: {:?}", begun.outcome);
    };
    let listed_before = listed(&paused);
    assert!(listed_before > 0, "{paused:?}");

    // What the first versions wrote: no time worked, no reserve, no dry run.
    let client = connect(world.stack.database_url()).await;
    let changed = client
        .execute(
            "update sync_runs set options = options - 'dry_run' - 'quota_reserve', \
             counters = counters - 'worked_ms', predicted_end = null where id = $1::text::uuid",
            &[&paused.id.to_string()],
        )
        .await
        .expect("it is written");
    assert_eq!(changed, 1);
    world.cloud.clear_faults().await;

    let later = Instant::now() + Duration::from_secs(60);
    let resumed = flow.resume(paused.id, later).await.expect("it goes on");
    let SliceOutcome::Finished(run) = resumed else {
        panic!("it was to end: {resumed:?}");
    };
    assert_eq!(run.status, RunStatus::Succeeded, "{run:?}");
    assert_eq!(listed(&run), 3 * PAGE, "what was listed before counts on");
    world.assert_mirrored().await;
    world.stack.stop().await;
}

fn full_run() -> RunRequest {
    RunRequest {
        force: false,
        mode: RunMode::Full,
        trigger: RunTrigger::Invocation,
        requested_by: None,
        options: json!({"batch_size": PAGE}),
    }
}

/// A moment that leaves time for a second's steps.
fn soon() -> Instant {
    Instant::now() + Duration::from_secs(9)
}

fn listed(run: &RunRow) -> u64 {
    run.counters["listed"].as_u64().unwrap_or_default()
}

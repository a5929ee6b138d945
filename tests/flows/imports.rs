//! A library that existed before: the cost of its import, and nothing done twice.

use end_to_end::World;
use reqwest::StatusCode;
use serde_json::{Value, json};

const PAGE: u64 = 500;

async fn run(world: &World, body: Value) -> Value {
    let answer = world.sync(body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.body["success"], true, "{}", answer.body);
    answer.body
}

fn database_calls(world: &World, function: &str) -> u64 {
    world
        .stack
        .gateway_counts()
        .of(&format!("POST /rest/v1/rpc/{function}"))
}

const IMAGES: u64 = 1_100;

#[tokio::test]
async fn an_import_costs_a_call_a_page_and_is_not_done_twice() {
    let world = World::start().await;
    world.cloud.seed(IMAGES, &["image"], "image-").await;
    world.cloud.seed(3, &["video"], "video-").await;
    world.cloud.seed(2, &["raw"], "raw-").await;
    an_import_costs_a_call_a_page(&world).await;
    world.assert_mirrored().await;
    let audited = "select count(*) from public.media_sync_log where operation = 'created'";
    assert_eq!(world.value(audited).await, IMAGES + 5);
    a_second_run_writes_itself_only(&world).await;
    the_mirror_is_told_to_be_complete(&world).await;
    files_of_other_places_are_mirrored_under_their_addresses(&world).await;
    world.stack.stop().await;
}

/// Their names are longer than a public id may be, and hold what it may not.
async fn files_of_other_places_are_mirrored_under_their_addresses(world: &World) {
    let address = format!(
        "https://example.com/{}?width=50%25&crop=a+b#",
        "long/".repeat(120)
    );
    world.cloud.seed_fetched(3, &address).await;
    let answer = run(world, json!({})).await;
    assert_eq!(answer["synced_items"], 3);
    world.assert_mirrored().await;
    let fetched = "select count(*) from public.media_assets
        where delivery_type = 'fetch' and cloudinary_public_id like 'https://example.com/long/%'";
    assert_eq!(world.value(fetched).await, 3);
}

async fn an_import_costs_a_call_a_page(world: &World) {
    world.cloud.reset_requests().await;
    world.stack.reset_gateway_counts();
    let answer = run(world, json!({})).await;
    assert_eq!(answer["synced_items"], IMAGES + 5);
    let pages = IMAGES.div_ceil(PAGE);
    let listings = json!({"resources_image": pages, "resources_video": 1, "resources_raw": 1});
    assert_eq!(world.cloud.requests().await, listings);
    let pages = pages + 2;
    assert_eq!(database_calls(world, "media_sync_rows"), pages);
    // One more ends the stage of suspects.
    assert_eq!(database_calls(world, "media_sync_apply"), pages + 1);
}

async fn a_second_run_writes_itself_only(world: &World) {
    let revisions = "select sum(revision) from public.media_assets";
    let entries = "select count(*) from public.media_sync_log";
    let before = (world.count(revisions).await, world.count(entries).await);
    let answer = run(world, json!({"batch_size": 400})).await;
    assert_eq!(answer["unchanged_items"], IMAGES + 5);
    for counter in ["synced_items", "updated_items", "deleted_items"] {
        assert_eq!(answer[counter], 0, "{counter}");
    }
    assert_eq!(world.count(revisions).await, before.0);
    assert_eq!(world.count(entries).await, before.1 + 1);
}

async fn the_mirror_is_told_to_be_complete(world: &World) {
    let status = world.get("/api/cloudinary/sync").await.body;
    assert_eq!(status["is_synced"], true, "{status}");
    assert_eq!(status["stats"]["total_images"], IMAGES);
    let runs = status["recent_runs"].as_array().expect("a list");
    assert_eq!(runs.len(), 2);
}

#[tokio::test]
async fn a_run_goes_on_from_its_checkpoint_after_a_failure() {
    let world = World::start().await;
    world.cloud.seed(1_200, &["image"], "image-").await;
    // Two pages pass, then Cloudinary fails for longer than the client is patient.
    world
        .cloud
        .fault(json!({"operation": "resources_image", "status": 500, "after": 2}))
        .await;
    let answer = world.sync(json!({})).await;
    assert_eq!(
        answer.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "{}",
        answer.body
    );
    assert!(answer.headers.contains_key("retry-after"));
    let status = world.get("/api/cloudinary/sync").await.body;
    assert_eq!(status["current_run"]["counters"]["listed"], 2 * PAGE);
    assert!(
        status["last_error"].is_string(),
        "a resting run says why: {status}"
    );
    assert_eq!(status["is_synced"], false);

    world.cloud.clear_faults().await;
    world.cloud.reset_requests().await;
    // The schedule's own event, to the function itself.
    let invoked = world
        .stack
        .invoke("ReconcileFunctionName", &json!({"mode": "incremental"}))
        .await
        .unwrap();
    assert!(invoked.error.is_none(), "{invoked:?}");
    let runs = world
        .rows(
            "select mode, status, counters from public.sync_runs order by started_at",
            &[],
        )
        .await;
    assert_eq!(runs[0]["status"], "succeeded", "{runs:?}");
    assert_eq!(runs[0]["counters"]["listed"], 1_200);
    assert_eq!(
        world.cloud.requests().await["resources_image"],
        1,
        "only the page that was missing"
    );
    assert_eq!(runs[1]["mode"], "incremental", "then what was asked for");
    world.assert_mirrored().await;
    world.stack.stop().await;
}

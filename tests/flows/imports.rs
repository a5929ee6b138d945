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

#[tokio::test]
async fn an_import_costs_a_call_a_page_and_is_not_done_twice() {
    let world = World::start().await;
    let images = 1_100;
    world.cloud.seed(images, &["image"], "image-").await;
    world.cloud.seed(3, &["video"], "video-").await;
    world.cloud.seed(2, &["raw"], "raw-").await;
    world.cloud.reset_requests().await;
    world.stack.reset_gateway_counts();

    let answer = run(&world, json!({})).await;
    assert_eq!(answer["synced_items"], images + 5);
    let requests = world.cloud.requests().await;
    assert_eq!(requests["resources_image"], images.div_ceil(PAGE));
    assert_eq!(
        (&requests["resources_video"], &requests["resources_raw"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        requests.as_object().unwrap().len(),
        3,
        "nothing but listings: {requests}"
    );
    let pages = images.div_ceil(PAGE) + 2;
    assert_eq!(database_calls(&world, "media_sync_rows"), pages);
    // One more ends the stage of suspects.
    assert_eq!(database_calls(&world, "media_sync_apply"), pages + 1);
    world.assert_mirrored().await;
    let audited = "select count(*) from public.media_sync_log where operation = 'created'";
    assert_eq!(world.value(audited).await, images + 5);

    let before = world
        .value("select sum(revision) from public.media_assets")
        .await;
    let audit_before = world
        .value("select count(*) from public.media_sync_log")
        .await;
    let answer = run(&world, json!({"batch_size": 400})).await;
    assert_eq!(answer["unchanged_items"], images + 5);
    for counter in ["synced_items", "updated_items", "deleted_items"] {
        assert_eq!(answer[counter], 0, "{counter}");
    }
    assert_eq!(
        world
            .value("select sum(revision) from public.media_assets")
            .await,
        before
    );
    let audit_after = world
        .value("select count(*) from public.media_sync_log")
        .await;
    assert_eq!(
        audit_after.as_u64(),
        audit_before.as_u64().map(|count| count + 1),
        "only the run itself"
    );

    let status = world.get("/api/cloudinary/sync").await.body;
    assert_eq!(status["is_synced"], true, "{status}");
    assert_eq!(status["stats"]["total_images"], images);
    assert_eq!(status["recent_runs"].as_array().unwrap().len(), 2);
    world.stack.stop().await;
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

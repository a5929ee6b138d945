//! A dry run tells a run's work exactly and does none of it. Named assets are repaired, and no
//! others.

mod named;
mod told;

use end_to_end::{HttpAnswer, World};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// Everything that a dry run must leave as it is.
async fn assets_and_trail(world: &World) -> Vec<Value> {
    world
        .rows(
            "select m.cloudinary_asset_id, m.revision, m.clocks, m.deleted_at,
                (select count(*) from public.media_sync_log where asset_row_id is not null) as audited
             from public.media_assets m order by 1",
            &[],
        )
        .await
}

fn items(answer: &HttpAnswer) -> [Value; 3] {
    ["synced_items", "updated_items", "deleted_items"].map(|name| answer.body[name].clone())
}

#[tokio::test]
async fn a_dry_run_tells_what_a_run_would_do_and_changes_nothing() {
    let world = World::start().await;
    let drift = told::Drift::make(&world).await;
    let before = assets_and_trail(&world).await;
    let status = world.get("/api/cloudinary/sync").await.body;
    let dry = world.sync(json!({"dry_run": true, "batch_size": 10})).await;
    dry.assert_status(StatusCode::OK);
    assert_eq!(dry.body["dry_run"], true);
    drift.assert_told(&dry.body["drift"]);
    assert_eq!(items(&dry), [json!(1), json!(2), json!(1)]);
    let after = assets_and_trail(&world).await;
    assert_eq!(after, before, "nothing has changed");
    told::a_dry_run_is_in_the_history_and_no_good_run(&world, &dry.body, &status).await;
    told::the_run_does_what_was_told(&world, &dry).await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn a_dry_run_counts_nothing_twice_and_is_no_proof() {
    let world = World::start().await;
    world.cloud.seed(260, &["image"], "image-").await;
    // The second page's cursor has expired: the listing begins again.
    let expired = json!({"operation": "resources_image", "status": 400, "after": 1, "times": 1,
        "body": {"error": {"message": "Invalid value for parameter next_cursor"}}});
    world.cloud.fault(expired).await;
    let answer = world
        .sync(json!({"dry_run": true, "batch_size": 100}))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let missing = &answer.body["drift"]["missing_here"];
    assert_eq!(missing["count"], 260);
    assert_eq!(missing["examples"].as_array().unwrap().len(), 100);
    assert_eq!(missing["more"], true);
    assert_eq!(
        world
            .value("select count(*) from public.media_assets")
            .await,
        0
    );

    let status = world.get("/api/cloudinary/sync").await.body;
    assert_eq!(
        (&status["last_sync"], &status["is_synced"]),
        (&Value::Null, &json!(false))
    );
    // Since no full run has succeeded, the next one is full whatever was asked for.
    let answer = world.sync(json!({"mode": "incremental"})).await;
    assert_eq!(answer.body["mode"], "full", "{}", answer.body);
    assert_eq!(answer.body["synced_items"], 260);
    world.stack.stop().await;
}

#[tokio::test]
async fn named_assets_are_repaired_and_no_others() {
    let world = World::start().await;
    world.cloud.chaos(json!({"drop": 1.0})).await;
    let named = named::Named::make(&world).await;
    let last_sync = world.get("/api/cloudinary/sync").await.body["last_sync"].clone();
    let unseen = named.differ(&world).await;
    named::a_dry_run_repairs_nothing(&world, &unseen).await;
    let run = named::the_run_looks_at_named_assets_only(&world).await;
    named.assert_repaired(&world, &unseen).await;
    named::the_run_is_in_the_history(&world, &run).await;
    named::the_run_is_in_the_trail(&world, &run).await;
    let status = world.get("/api/cloudinary/sync").await.body;
    assert_eq!(status["last_sync"], last_sync, "the rest is not proven");
    world.stack.stop().await;
}

#[tokio::test]
async fn named_assets_need_no_lease_and_disturb_no_run() {
    let world = World::start().await;
    world.cloud.seed(40, &["image"], "image-").await;
    // A run rests in the middle: three pages are written, the fourth fails.
    world
        .cloud
        .fault(json!({"operation": "resources_image", "status": 500, "after": 3}))
        .await;
    let answer = world.sync(json!({"batch_size": 10})).await;
    assert_eq!(
        answer.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "{}",
        answer.body
    );
    world.cloud.clear_faults().await;
    world.cloud.chaos(json!({"drop": 1.0})).await;
    let unseen = world.cloud.upload("named/unseen", 1).await;
    let answer = world.sync(json!({"public_ids": ["named/unseen"]})).await;
    assert_eq!(
        items(&answer),
        [json!(1), json!(0), json!(0)],
        "{}",
        answer.body
    );
    assert!(world.row(&unseen).await.is_some());
    let running = "select count(*) from public.sync_runs where status = 'running'";
    assert_eq!(world.value(running).await, 1, "the run rests where it was");
    // A question what would be done does not do it either.
    let answer = world.sync(json!({"dry_run": true})).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    assert_eq!(
        answer.body["dry_run"], false,
        "what it tells of is the other run"
    );
    assert_eq!(world.value(running).await, 1);
    let answer = world.sync(json!({})).await;
    assert_eq!(answer.body["success"], true, "{}", answer.body);
    world.assert_mirrored().await;
    world.stack.stop().await;
}

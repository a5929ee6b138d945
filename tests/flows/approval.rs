//! A plan of deletes is approved by its hash, in both directions, and lets exactly its own deletes pass.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use end_to_end::{World, eventually};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const SYNC: &str = "/api/cloudinary/sync";
const LIVE: &str = "select count(*) from public.media_assets where deleted_at is null";

#[tokio::test]
async fn a_run_deletes_what_its_plan_says_and_nothing_else() {
    let world = World::start().await;
    world.cloud.seed(60, &["image"], "kept-").await;
    assert_eq!(world.sync(json!({})).await.body["synced_items"], 60);
    world.cloud.chaos(json!({"drop": 1.0})).await;
    lose(&world, 0, 25).await;

    let stopped = world.sync(json!({})).await.body;
    assert_eq!(stopped["errors"][0]["code"], "mass_delete", "{stopped}");
    let first = &stopped["plan"];
    assert_eq!(
        (&first["deletes"], &first["live"]),
        (&json!(25), &json!(60))
    );
    assert_eq!(first["examples"].as_array().map(Vec::len), Some(20));
    let told = told(&world, &stopped).await;
    assert_eq!(told["plan"], *first);
    let dry = world.sync(json!({"dry_run": true})).await.body;
    assert_eq!(dry["plan"]["hash"], first["hash"], "the same deletes");

    let unknown = apply(&world, "00000000-0000-0000-0000-000000000007").await;
    unknown.assert_status(StatusCode::CONFLICT);
    assert_eq!(unknown.body["code"], "plan_stale");

    // One more goes between the plan and its approval.
    lose(&world, 25, 1).await;
    let stale = apply(&world, first["hash"].as_str().unwrap()).await.body;
    assert_eq!(stale["status"], "stopped", "{stale}");
    assert_eq!(stale["errors"][0]["code"], "plan_stale");
    assert_eq!(world.value(LIVE).await, 60);

    let second = &stale["plan"];
    assert_eq!(second["deletes"], 26);
    let done = apply(&world, second["hash"].as_str().unwrap()).await.body;
    assert_eq!(
        (&done["status"], &done["deleted_items"]),
        (&json!("succeeded"), &json!(26))
    );
    assert_eq!(done["plan"], Value::Null, "nothing is left to approve");
    let again = apply(&world, second["hash"].as_str().unwrap()).await;
    again.assert_status(StatusCode::CONFLICT);
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn held_deletes_go_by_their_plan_alone() {
    let world = World::start().await;
    world.cloud.seed(60, &["image"], "kept-").await;
    assert_eq!(world.sync(json!({})).await.body["synced_items"], 60);
    let deleted = "update public.media_assets set deleted_at = now()
        where id in (select id from public.media_assets order by id limit 25) returning id";
    assert_eq!(world.rows(deleted, &[]).await.len(), 25);
    let held = "select count(*) from public.media_assets where sync_error_code = 'held'";
    eventually("all are held", async || {
        world.drain().await;
        world.count(held).await == 25
    })
    .await;

    let first = overview(&world, &world.admin).await["held_plan"].clone();
    assert_eq!(first["deletes"], 25, "{first}");
    let user = overview(&world, &world.user).await;
    assert_eq!(user["held_plan"], Value::Null, "administrators look");
    let back = "update public.media_assets set deleted_at = null
        where id = (select id from public.media_assets where deleted_at is not null order by id limit 1) returning id";
    assert_eq!(world.rows(back, &[]).await.len(), 1);
    let stale = apply(&world, first["hash"].as_str().unwrap()).await;
    stale.assert_status(StatusCode::CONFLICT);
    assert_eq!(world.count(held).await, 24);

    let second = overview(&world, &world.admin).await["held_plan"].clone();
    let done = apply(&world, second["hash"].as_str().unwrap()).await.body;
    assert_eq!(
        (&done["status"], &done["released_deletes"]),
        (&json!("succeeded"), &json!(24))
    );
    world.settle().await;
    assert_eq!(world.value(LIVE).await, 36);
    world.assert_mirrored().await;
    world.stack.stop().await;
}

/// Removes assets from Cloudinary whose notifications get lost.
async fn lose(world: &World, from: i64, count: i64) {
    let found = world
        .rows(
            "select cloudinary_asset_id as id from public.media_assets order by 1 offset $1 limit $2",
            &[&from, &count],
        )
        .await;
    for row in found {
        world.cloud.destroy_id(row["id"].as_str().unwrap()).await;
    }
}

async fn apply(world: &World, hash: &str) -> end_to_end::HttpAnswer {
    world.sync(json!({ "apply": hash })).await
}

async fn overview(world: &World, token: &str) -> Value {
    world.call(Method::GET, SYNC, Some(token), None).await.ok()
}

async fn told(world: &World, run: &Value) -> Value {
    let id = run["run_id"].as_str().unwrap();
    let path = format!("{SYNC}?run_id={id}");
    let token = Some(world.admin.as_str());
    world.call(Method::GET, &path, token, None).await.ok()["run"].clone()
}

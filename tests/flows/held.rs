//! A mass delete that was decided here is held: nobody loses a library by one statement.

use end_to_end::{World, eventually, id_of};
use media_sync::cloudinary::CloudinaryResource;
use reqwest::{Method, StatusCode};
use serde_json::json;

/// More than twenty, and all that there are.
const ASSETS: u8 = 25;

#[tokio::test]
async fn a_mass_delete_waits_until_an_administrator_allows_it() {
    let world = World::start().await;
    let mut assets = Vec::new();
    for number in 0..ASSETS {
        assets.push(world.mirrored(&format!("shop/{number}"), number).await);
    }
    everything_is_deleted_by_one_statement(&world).await;
    nothing_of_it_reaches_cloudinary(&world, &assets).await;
    a_restore_takes_its_asset_out(&world, &assets[0]).await;
    only_permission_lets_the_rest_go(&world, &assets).await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

async fn everything_is_deleted_by_one_statement(world: &World) {
    let deleted = "update public.media_assets set deleted_at = now() returning id";
    assert_eq!(world.rows(deleted, &[]).await.len(), usize::from(ASSETS));
    let listed = world.get("/api/cloudinary/media").await.ok();
    assert_eq!(listed["items"], json!([]));
}

async fn nothing_of_it_reaches_cloudinary(world: &World, assets: &[CloudinaryResource]) {
    let held = "select count(*) from public.media_assets where sync_error_code = 'held'";
    eventually("all are held", async || {
        world.drain().await;
        world.count(held).await == u64::from(ASSETS)
    })
    .await;
    for asset in assets {
        assert!(world.cloud.has(id_of(asset)).await);
        assert_eq!(world.row_of(asset).await["sync_status"], "pending");
    }
    let path = "/api/cloudinary/health";
    let health = world.call(Method::GET, path, Some(&world.admin), None);
    let health = health.await.ok();
    let reasons = health["reasons"].as_array().expect("reasons");
    let held = reasons
        .iter()
        .any(|reason| reason["code"] == "deletes_held");
    assert!(held, "{health}");
}

async fn a_restore_takes_its_asset_out(world: &World, asset: &CloudinaryResource) {
    let back = json!({"deleted_at": null});
    let restored = world.edit(asset, &world.admin, back).await;
    restored.assert_status(StatusCode::OK);
    world.drain().await;
    world
        .row_becomes("the restored one is synced", asset, |row| {
            row["sync_status"] == "synced"
        })
        .await;
    assert!(world.cloud.has(id_of(asset)).await);
}

async fn only_permission_lets_the_rest_go(world: &World, assets: &[CloudinaryResource]) {
    let others = u64::from(ASSETS) - 1;
    let run = world.sync(json!({"mode": "incremental"})).await.ok();
    assert_eq!(run["released_deletes"], 0);
    let run = world.sync(json!({"allow_mass_delete": true})).await.ok();
    assert_eq!(run["released_deletes"], others);
    for asset in &assets[1..] {
        world
            .row_becomes("Cloudinary has confirmed it", asset, |row| {
                row["sync_status"] == "synced"
            })
            .await;
        assert!(!world.cloud.has(id_of(asset)).await);
    }
    let allowed = "select count(*) from public.media_sync_log where operation = 'deletes_allowed'";
    assert_eq!(world.count(allowed).await, 1);
}

//! A forgotten asset leaves no value anywhere, and the rest of the mirror goes on.

use end_to_end::{DataApiCaller, HttpAnswer, World, database, eventually, id_of};
use local_stack::TokenClaims;
use media_sync::cloudinary::CloudinaryResource;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_postgres::error::SqlState;

/// Occurs in every value of the asset.
const SECRET: &str = "s3cr3t";

#[tokio::test]
async fn a_forgotten_asset_leaves_its_tombstone_and_none_of_its_values() {
    let world = World::start().await;
    let asset = told_everywhere(&world).await;
    let admin = DataApiCaller::user(&world.stack, &TokenClaims::admin("admin@example.com"));
    let user = DataApiCaller::user(&world.stack, &TokenClaims::user("user@example.com"));
    let forget = async |caller: &DataApiCaller| {
        let which = json!({"p_asset": id_of(&asset)});
        caller.rpc("media_sync_forget", &which).await
    };
    assert_eq!(
        forget(&admin).await.status,
        StatusCode::CONFLICT,
        "it lives"
    );
    delete(&world, &asset).await;
    assert_eq!(
        forget(&admin).await.status,
        StatusCode::CONFLICT,
        "late news"
    );
    world.settle().await;
    an_hour_passes(&world).await;
    assert_eq!(
        forget(&admin).await.status,
        StatusCode::CONFLICT,
        "a signature is good"
    );
    signatures_end(&world).await;
    assert!(!places(&world).await.is_empty());

    assert_eq!(forget(&user).await.status, StatusCode::FORBIDDEN);
    let forgotten = forget(&admin).await;
    forgotten.assert_status(StatusCode::OK);
    assert_told(&forgotten);
    assert_eq!(places(&world).await, Vec::<String>::new());
    let entries = "select count(*) from public.media_sync_log where operation = 'forgotten' and actor is not null";
    assert_eq!(world.count(entries).await, 1);
    nothing_brings_it_back(&world, &asset).await;
    forget(&admin).await.assert_status(StatusCode::OK);
    world.stack.stop().await;
}

/// An asset whose values stand in its row, in notifications, in the trail, in kept answers and in a run's account.
async fn told_everywhere(world: &World) -> CloudinaryResource {
    // Of its upload no notification tells, so that a dry run finds it.
    world.cloud.chaos(json!({"drop": 1.0})).await;
    let asset = world.cloud.upload(&format!("shop/{SECRET}"), 1).await;
    let run = world.sync(json!({"mode": "full", "dry_run": true})).await;
    assert_eq!(run.body["status"], "succeeded", "{}", run.body);
    let found = "select count(*) from public.sync_runs where strpos(drift::text, 's3cr3t') > 0";
    assert_eq!(world.count(found).await, 1);
    world.cloud.chaos(json!({"drop": 0.0})).await;
    world.sync(json!({"mode": "full"})).await.ok();
    // By its name alone: a signature that nobody uses, and a run.
    let name = format!("shop/{SECRET}");
    let params = json!({"public_id": name, "overwrite": "1"});
    let body = json!({ "paramsToSign": params });
    let path = "/api/cloudinary/upload";
    let signed = world.call(Method::POST, path, Some(&world.admin), Some(body));
    signed.await.assert_status(StatusCode::OK);
    world.sync(json!({"public_ids": [name]})).await.ok();
    world.give(&asset, &world.user_id).await;
    let item = json!({
        "asset_id": id_of(&asset), "display_name": SECRET, "tags": [SECRET], "context": {"caption": SECRET},
        "description": SECRET, "alt_text": SECRET,
    });
    let edit = json!({"p_items": [item], "p_idempotency_key": "once"});
    let edited = world
        .request("media_request_edit", &world.user, edit)
        .await
        .ok();
    assert_eq!(edited["failed"], json!([]), "{edited}");
    let kept =
        "select count(*) from media_sync.idempotency_keys where strpos(answer::text, 's3cr3t') > 0";
    assert_eq!(world.count(kept).await, 1);
    world.drain().await;
    world
        .row_becomes("the edit is confirmed", &asset, |row| {
            row["sync_status"] == "synced"
        })
        .await;
    asset
}

async fn delete(world: &World, asset: &CloudinaryResource) {
    let body = json!({"asset_ids": [id_of(asset)]});
    let path = "/api/cloudinary/media";
    let deleted = world.call(Method::DELETE, path, Some(&world.user), Some(body));
    deleted.await.assert_status(StatusCode::OK);
    eventually("the delete is confirmed", async || {
        world.drain().await;
        let row = world.row_of(asset).await;
        !row["deleted_at"].is_null() && row["sync_status"] == "synced"
    })
    .await;
}

async fn an_hour_passes(world: &World) {
    let client = database::connect(world.stack.database_url()).await;
    let passes = "begin; set local media_sync.observing = 'on';
        update public.media_assets set deleted_at = now() - interval '2 hours' where deleted_at is not null; commit";
    client
        .batch_execute(passes)
        .await
        .expect("the row is there");
}

async fn signatures_end(world: &World) {
    let end =
        "update public.media_uploads set open_until = now() - interval '1 second' returning id";
    assert_eq!(world.rows(end, &[]).await.len(), 1);
}

fn assert_told(forgotten: &HttpAnswer) {
    for part in ["audit_entries", "notifications", "answers", "runs"] {
        assert!(
            forgotten.body["forgotten"][part].as_i64() > Some(0),
            "{part}: {}",
            forgotten.body
        );
    }
    let remains = forgotten.body["remains"].as_array().expect("a list");
    assert!(
        remains
            .iter()
            .any(|text| text.to_string().contains("backups"))
    );
}

/// The tables that hold a value of the asset.
async fn places(world: &World) -> Vec<String> {
    let tables = "select format('%I.%I', n.nspname, c.relname) as name from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ('public', 'media_sync') and c.relkind = 'r'";
    let mut places = Vec::new();
    for table in world.rows(tables, &[]).await {
        let name = table["name"].as_str().expect("a name").to_owned();
        let found = format!("select count(*) from {name} t where strpos(t::text, '{SECRET}') > 0");
        if world.count(&found).await > 0 {
            places.push(name);
        }
    }
    places
}

/// A full run neither sees nor needs it.
async fn nothing_brings_it_back(world: &World, asset: &CloudinaryResource) {
    let restore = format!("/api/cloudinary/media/{}/restore", id_of(asset));
    let restored = world.call(Method::POST, &restore, Some(&world.admin), None);
    restored.await.assert_status(StatusCode::FORBIDDEN);
    let client = database::connect(world.stack.database_url()).await;
    let revive = "update public.media_assets set deleted_at = null where cloudinary_public_id ^@ 'forgotten/'";
    let refused = client.batch_execute(revive).await.expect_err("forgotten");
    assert_eq!(refused.code().map(SqlState::code), Some("42501"));
    let run = world.sync(json!({"mode": "full"})).await;
    assert_eq!(run.body["status"], "succeeded", "{}", run.body);
    let row = world.row_of(asset).await;
    assert_ne!(row["deleted_at"], Value::Null);
    assert_eq!(places(world).await, Vec::<String>::new());
}

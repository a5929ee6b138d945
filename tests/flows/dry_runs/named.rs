//! Runs of named assets.

use end_to_end::World;
use media_sync::cloudinary::CloudinaryResource;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{assets_and_trail, items};

/// Assets that are named, and one that is not.
pub(super) struct Named {
    gone: CloudinaryResource,
    tagged: CloudinaryResource,
    other: CloudinaryResource,
}

const NAMES: [&str; 4] = [
    "named/gone",
    "named/tagged",
    "named/unseen",
    "named/never-was",
];

impl Named {
    pub(super) async fn make(world: &World) -> Self {
        let named = Self {
            gone: world.cloud.upload("named/gone", 1).await,
            tagged: world.cloud.upload("named/tagged", 2).await,
            other: world.cloud.upload("named/other", 3).await,
        };
        world.sync(json!({})).await;
        named
    }

    /// Gives the asset that has no row yet.
    pub(super) async fn differ(&self, world: &World) -> CloudinaryResource {
        world.cloud.destroy(&self.gone).await;
        world.cloud.add_tag("named/tagged", "new").await;
        world.cloud.add_tag("named/other", "new").await;
        world.cloud.upload("named/unseen", 4).await
    }

    pub(super) async fn assert_repaired(&self, world: &World, unseen: &CloudinaryResource) {
        assert!(!world.row_of(&self.gone).await["deleted_at"].is_null());
        assert_eq!(world.row_of(&self.tagged).await["tags"], json!(["new"]));
        assert!(world.row(unseen).await.is_some());
        assert_eq!(world.row_of(&self.other).await["tags"], json!([]));
    }
}

pub(super) async fn a_dry_run_repairs_nothing(world: &World, unseen: &CloudinaryResource) {
    let before = assets_and_trail(world).await;
    let dry = json!({"public_ids": NAMES, "dry_run": true});
    let dry = world.sync(dry).await;
    dry.assert_status(StatusCode::OK);
    assert_eq!(items(&dry), [1, 1, 1].map(Value::from));
    let missing = &dry.body["drift"]["missing_there"]["examples"][0];
    assert_eq!(missing["public_id"], "named/gone");
    assert_eq!(assets_and_trail(world).await, before);
    assert!(world.row(unseen).await.is_none());
}

/// Gives the answer.
pub(super) async fn the_run_looks_at_named_assets_only(world: &World) -> Value {
    world.cloud.reset_requests().await;
    let answer = world.sync(json!({"public_ids": NAMES})).await;
    answer.assert_status(StatusCode::OK);
    assert_eq!(items(&answer), [1, 1, 1].map(Value::from));
    assert_eq!(answer.body["success"], true);
    let requests = world.cloud.requests().await;
    let listings = &requests["resources_image"];
    assert_eq!(listings, 3, "one for each delivery type: {requests}");
    assert_eq!(
        requests["by_asset_ids"], 2,
        "what was not shown, by its id, and what was imported but a moment before it changed"
    );
    answer.body
}

pub(super) async fn the_run_is_in_the_history(world: &World, run: &Value) {
    let history = "select id, status, is_good, options, requested_by from public.sync_runs where mode = 'named' order by started_at";
    let history = world.rows(history, &[]).await;
    assert_eq!(history.len(), 2);
    assert_eq!(history[1]["id"], run["run_id"]);
    assert_eq!(
        (&history[1]["status"], &history[1]["is_good"]),
        (&json!("succeeded"), &json!(false))
    );
    assert!(history[1]["requested_by"].is_string(), "{history:?}");
}

pub(super) async fn the_run_is_in_the_trail(world: &World, run: &Value) {
    let audited =
        "select operation from public.media_sync_log where run_id::text = $1 order by operation";
    let audited = world.rows(audited, &[&run["run_id"].as_str()]).await;
    let audited = audited.iter().map(|entry| &entry["operation"]);
    let audited: Vec<_> = audited.collect();
    assert_eq!(audited, ["created", "deleted", "reconcile", "updated"]);
}

//! A difference of every kind, and the dry run that tells it.

use end_to_end::{DataApiCaller, HttpAnswer, World, id_of};
use media_sync::cloudinary::CloudinaryResource;
use reqwest::Method;
use serde_json::{Value, json};

use super::items;

/// Assets that differ, of which nothing is told.
pub(super) struct Drift {
    created: CloudinaryResource,
    deleted: CloudinaryResource,
    tagged: CloudinaryResource,
    renamed: CloudinaryResource,
}

impl Drift {
    pub(super) async fn make(world: &World) -> Self {
        world.cloud.seed(30, &["image"], "old-").await;
        world.sync(json!({})).await;
        world.cloud.chaos(json!({"drop": 1.0})).await;
        let deleted = world.cloud.upload("dry/deleted", 1).await;
        let tagged = world.cloud.upload("dry/tagged", 2).await;
        let renamed = world.cloud.upload("dry/renamed", 3).await;
        world.sync(json!({})).await;
        world.cloud.destroy(&deleted).await;
        world.cloud.add_tag("dry/tagged", "new").await;
        world.cloud.rename("dry/renamed", "dry/elsewhere").await;
        Self {
            created: world.cloud.upload("dry/renamed", 4).await,
            deleted,
            tagged,
            renamed,
        }
    }

    pub(super) fn assert_told(&self, drift: &Value) {
        for (kind, asset) in [
            ("missing_here", &self.created),
            ("missing_there", &self.deleted),
        ] {
            assert_eq!(drift[kind]["count"], 1, "{drift}");
            assert_eq!(drift[kind]["examples"][0]["asset_id"], json!(id_of(asset)));
            assert_eq!(drift[kind]["more"], false);
        }
        assert_eq!(drift["different"]["count"], 2, "{drift}");
        let name = ["cloudinary_public_id", "secure_url"];
        assert_eq!(different_fields(drift, &self.tagged), &json!(["tags"]));
        assert_eq!(different_fields(drift, &self.renamed), &json!(name));
    }
}

fn different_fields<'a>(drift: &'a Value, asset: &CloudinaryResource) -> &'a Value {
    let mut differences = drift["different"]["examples"]
        .as_array()
        .expect("a list")
        .iter();
    let found = differences.find(|one| one["asset_id"] == json!(id_of(asset)));
    let found = found.unwrap_or_else(|| panic!("{drift}"));
    assert_eq!(found["newer"], "cloudinary");
    &found["fields"]
}

pub(super) async fn a_dry_run_is_in_the_history_and_no_good_run(
    world: &World,
    dry: &Value,
    status: &Value,
) {
    let after = world.get("/api/cloudinary/sync").await.body;
    assert_eq!(after["last_sync"], status["last_sync"]);
    assert_eq!(after["recent_runs"][0]["dry_run"], true);
    let run = async |token: &str, id: &str| {
        let path = format!("/api/cloudinary/sync?run_id={id}");
        world.call(Method::GET, &path, Some(token), None).await.body
    };
    let id = dry["run_id"].as_str().expect("an id");
    let told = run(&world.admin, id).await;
    assert_eq!(told["run"]["drift"], dry["drift"]);
    let unknown = run(&world.admin, "00000000-0000-4000-8000-000000000000").await;
    assert_eq!(unknown["code"], "not_found", "{unknown}");

    // It names deleted assets, too, which not everybody may see.
    let told = run(&world.user, id).await;
    assert_eq!(told["run"]["run_id"], *id, "{told}");
    assert_eq!(told["run"].get("drift"), None, "{told}");
    let row = format!("/sync_runs?id=eq.{id}");
    for (token, count) in [(&world.user, 0), (&world.admin, 1)] {
        let caller = DataApiCaller::with_token(&world.stack, token.clone());
        let rows = caller.call(Method::GET, &row, &[], None).await;
        assert_eq!(
            rows.body.as_array().map(Vec::len),
            Some(count),
            "{}",
            rows.body
        );
    }
}

pub(super) async fn the_run_does_what_was_told(world: &World, dry: &HttpAnswer) {
    let real = world.sync(json!({})).await;
    assert_eq!(items(&real), items(dry));
    let same = world.sync(json!({"dry_run": true})).await;
    assert_eq!(items(&same), [0, 0, 0].map(Value::from), "{}", same.body);
}

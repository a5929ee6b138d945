//! A dry run tells a run's work exactly and does none of it. Named assets are repaired, and no
//! others.

use end_to_end::{HttpAnswer, World, id_of};
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
    let created = world.cloud.upload("dry/renamed", 4).await;

    let before = assets_and_trail(&world).await;
    let status = world.get("/api/cloudinary/sync").await.body;
    let answer = world.sync(json!({"dry_run": true, "batch_size": 10})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.body["dry_run"], true);
    let drift = &answer.body["drift"];
    let only = |kind: &str, asset: &media_sync::cloudinary::CloudinaryResource| {
        assert_eq!(drift[kind]["count"], 1, "{drift}");
        assert_eq!(drift[kind]["examples"][0]["asset_id"], json!(id_of(asset)));
        assert_eq!(drift[kind]["more"], false);
    };
    only("missing_here", &created);
    only("missing_there", &deleted);
    assert_eq!(drift["different"]["count"], 2, "{drift}");
    let fields_of = |asset| {
        let differences = drift["different"]["examples"].as_array().unwrap();
        let found = differences
            .iter()
            .find(|one| one["asset_id"] == json!(id_of(asset)));
        let found = found.unwrap_or_else(|| panic!("{drift}"));
        assert_eq!(found["newer"], "cloudinary");
        found["fields"].clone()
    };
    assert_eq!(fields_of(&tagged), json!(["tags"]));
    assert_eq!(
        fields_of(&renamed),
        json!(["cloudinary_public_id", "secure_url"])
    );
    assert_eq!(items(&answer), [json!(1), json!(2), json!(1)]);

    assert_eq!(
        assets_and_trail(&world).await,
        before,
        "nothing has changed"
    );
    let after = world.get("/api/cloudinary/sync").await.body;
    assert_eq!(after["last_sync"], status["last_sync"], "it is no good run");
    assert_eq!(
        after["recent_runs"][0]["dry_run"], true,
        "but one of the history"
    );
    let path = format!(
        "/api/cloudinary/sync?run_id={}",
        answer.body["run_id"].as_str().unwrap()
    );
    assert_eq!(&world.get(&path).await.body["run"]["drift"], drift);
    let unknown = "/api/cloudinary/sync?run_id=00000000-0000-4000-8000-000000000000";
    let unknown = world.get(unknown).await;
    assert_eq!(unknown.body["code"], "not_found", "{}", unknown.body);

    let real = world.sync(json!({})).await;
    assert_eq!(items(&real), items(&answer), "the run does what was told");
    let same = world.sync(json!({"dry_run": true})).await;
    assert_eq!(
        items(&same),
        [json!(0), json!(0), json!(0)],
        "{}",
        same.body
    );
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
    let gone = world.cloud.upload("named/gone", 1).await;
    let tagged = world.cloud.upload("named/tagged", 2).await;
    let other = world.cloud.upload("named/other", 3).await;
    world.sync(json!({})).await;
    let last_sync = world.get("/api/cloudinary/sync").await.body["last_sync"].clone();
    world.cloud.destroy(&gone).await;
    world.cloud.add_tag("named/tagged", "new").await;
    world.cloud.add_tag("named/other", "new").await;
    let unseen = world.cloud.upload("named/unseen", 4).await;

    let names = json!([
        "named/gone",
        "named/tagged",
        "named/unseen",
        "named/never-was"
    ]);
    let dry = world
        .sync(json!({"public_ids": names, "dry_run": true}))
        .await;
    assert_eq!(dry.status, StatusCode::OK, "{}", dry.body);
    assert_eq!(items(&dry), [json!(1), json!(1), json!(1)]);
    assert_eq!(
        dry.body["drift"]["missing_there"]["examples"][0]["public_id"],
        "named/gone"
    );
    assert!(world.row(&unseen).await.is_none(), "it was a dry run");

    world.cloud.reset_requests().await;
    let answer = world.sync(json!({"public_ids": names})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(items(&answer), [json!(1), json!(1), json!(1)]);
    assert_eq!(answer.body["success"], true);
    let requests = world.cloud.requests().await;
    assert_eq!(
        requests["resources_image"], 3,
        "one for each delivery type: {requests}"
    );
    assert_eq!(
        requests["by_asset_ids"], 2,
        "what was not shown, by its id, and what was imported but a moment before it changed"
    );
    assert!(!world.row(&gone).await.unwrap()["deleted_at"].is_null());
    assert_eq!(world.row(&tagged).await.unwrap()["tags"], json!(["new"]));
    assert!(world.row(&unseen).await.is_some());
    assert_eq!(
        world.row(&other).await.unwrap()["tags"],
        json!([]),
        "nobody named it"
    );

    let history = world
        .rows("select id, status, is_good, options, requested_by from public.sync_runs where mode = 'named' order by started_at", &[])
        .await;
    assert_eq!(history.len(), 2);
    assert_eq!(history[1]["id"], answer.body["run_id"]);
    assert_eq!(
        (&history[1]["status"], &history[1]["is_good"]),
        (&json!("succeeded"), &json!(false))
    );
    assert!(history[1]["requested_by"].is_string(), "{history:?}");
    let audited = world
        .rows(
            "select operation from public.media_sync_log where run_id::text = $1 order by operation",
            &[&answer.body["run_id"].as_str().unwrap()],
        )
        .await;
    let audited: Vec<_> = audited
        .iter()
        .map(|entry| entry["operation"].as_str().unwrap())
        .collect();
    assert_eq!(audited, ["created", "deleted", "reconcile", "updated"]);
    let status = world.get("/api/cloudinary/sync").await.body;
    assert_eq!(
        status["last_sync"], last_sync,
        "it proves nothing of the rest"
    );
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

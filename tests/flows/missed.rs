//! Changes that nobody listened to are found and repaired.

use end_to_end::{World, tags_changed};
use media_sync::sync::clients::SyncClients;
use media_sync::sync::ingest::Ingest;
use media_sync::time::Timestamp;
use reqwest::StatusCode;
use serde_json::json;

#[tokio::test]
async fn reconciliation_repairs_what_notifications_missed() {
    let world = World::start().await;
    world.cloud.seed(40, &["image"], "old-").await;
    let answer = world.sync(json!({})).await;
    assert_eq!(answer.body["synced_items"], 40, "{}", answer.body);

    world.cloud.chaos(json!({"drop": 1.0})).await;
    let deleted = world.cloud.upload("missed/deleted", 1).await;
    let answer = world.sync(json!({})).await;
    assert_eq!(answer.body["synced_items"], 1, "{}", answer.body);
    world.cloud.upload("missed/created", 2).await;
    let renamed = world.cloud.upload("missed/swap-a", 3).await;
    world.cloud.rename("missed/swap-a", "missed/swap-b").await;
    world.cloud.upload("missed/swap-a", 4).await;
    let seeded = world
        .rows("select cloudinary_public_id as name from public.media_assets where starts_with(cloudinary_public_id, 'old-') order by 1", &[])
        .await;
    let seeded = |number: usize| seeded[number]["name"].as_str().unwrap();
    world.cloud.add_tag(seeded(0), "changed").await;
    world.cloud.destroy(&deleted).await;
    assert!(world.row(&renamed).await.is_none(), "nobody has told us");

    let answer = world.sync(json!({})).await;
    assert_eq!(answer.status, StatusCode::OK);
    let counted =
        ["synced_items", "updated_items", "deleted_items"].map(|name| answer.body[name].clone());
    assert_eq!(counted, [json!(3), json!(1), json!(1)], "{}", answer.body);
    world.assert_mirrored().await;
    let row = world.row(&deleted).await.expect("a tombstone stays");
    assert!(!row["deleted_at"].is_null());

    // Names change hands between two looks: no row may keep a name that is another's.
    world.cloud.rename("missed/swap-a", "missed/swap-c").await;
    world.cloud.rename("missed/swap-b", "missed/swap-a").await;
    world.cloud.rename("missed/swap-c", "missed/swap-b").await;
    let answer = world.sync(json!({})).await;
    assert_eq!(answer.body["updated_items"], 2, "{}", answer.body);
    world.assert_mirrored().await;

    // What changed a moment ago is found without a full listing.
    world.cloud.add_tag(seeded(1), "changed").await;
    world.cloud.upload("missed/late", 5).await;
    world.cloud.reset_requests().await;
    let answer = world.sync(json!({"mode": "incremental"})).await;
    assert_eq!(answer.body["mode"], "incremental");
    assert_eq!(answer.body["synced_items"], 1, "{}", answer.body);
    assert!(world.cloud.requests().await["resources_image"].is_null());
    world.assert_mirrored().await;
    world.stack.stop().await;
}

/// A notification is dated to the microsecond, and a page only to the second in which it was asked
/// for. So an event between the two looks older than the row's knowledge.
#[tokio::test]
async fn a_run_finds_what_was_missed_a_moment_ago() {
    let world = World::start().await;
    world.cloud.chaos(json!({"drop": 1.0})).await;
    let asset = world.cloud.upload("seen/just-now", 1).await;
    world.sync(json!({})).await;
    let row = world.row(&asset).await.expect("it was found");
    let (cloudinary, store) = world.clients();
    let told = tags_changed(&row, Timestamp::now().offset(900_000));
    let verdicts = Ingest {
        clients: SyncClients { cloudinary, store },
        outbound: None,
    }
    .apply_batch(vec![told])
    .await;
    assert!(matches!(verdicts[..], [Ok(_)]), "{verdicts:?}");

    world.cloud.add_tag("seen/just-now", "missed").await;
    world.cloud.reset_requests().await;
    let answer = world.sync(json!({})).await;
    assert_eq!(answer.body["updated_items"], 1, "{}", answer.body);
    world.assert_mirrored().await;
    assert_eq!(world.cloud.requests().await["by_asset_ids"], 1);

    // Once that is settled, a run costs no more than any other.
    world.cloud.reset_requests().await;
    let answer = world.sync(json!({})).await;
    assert_eq!(answer.body["updated_items"], 0, "{}", answer.body);
    assert!(world.cloud.requests().await["by_asset_ids"].is_null());
    world.stack.stop().await;
}

#[tokio::test]
async fn an_empty_or_half_empty_library_deletes_nothing() {
    let world = World::start().await;
    world.cloud.seed(100, &["image"], "kept-").await;
    assert_eq!(world.sync(json!({})).await.body["synced_items"], 100);

    // A listing that answers, and says that there is nothing.
    let empty = json!({"operation": "resources_*", "status": 200, "body": {"resources": []}});
    world.cloud.fault(empty).await;
    let answer = world.sync(json!({})).await;
    assert_eq!(answer.body["success"], false, "{}", answer.body);
    assert_eq!(answer.body["errors"][0]["code"], "empty_listing");
    world.cloud.clear_faults().await;

    world.cloud.chaos(json!({"drop": 1.0})).await;
    for number in 0..30 {
        let found = world.rows(
            "select cloudinary_asset_id from public.media_assets where deleted_at is null order by 1 offset $1 limit 1",
            &[&i64::from(number)],
        ).await;
        world
            .cloud
            .destroy_id(found[0]["cloudinary_asset_id"].as_str().unwrap())
            .await;
    }
    let answer = world.sync(json!({})).await;
    assert_eq!(
        answer.body["errors"][0]["code"], "mass_delete",
        "{}",
        answer.body
    );
    assert_eq!(answer.body["deleted_items"], 0);
    let live = "select count(*) from public.media_assets where deleted_at is null";
    assert_eq!(world.value(live).await, 100);

    // Neither by name, nor in a dry run, which tells of it.
    let gone = world
        .rows("select cloudinary_public_id as name from public.media_assets order by cloudinary_asset_id limit 30", &[])
        .await;
    let names: Vec<_> = gone.iter().map(|row| row["name"].clone()).collect();
    let answer = world.sync(json!({"public_ids": names})).await;
    assert_eq!(answer.body["status"], "stopped", "{}", answer.body);
    assert_eq!(answer.body["errors"][0]["code"], "mass_delete");
    assert_eq!(world.value(live).await, 100);
    let answer = world.sync(json!({"dry_run": true})).await;
    assert_eq!(answer.body["success"], true, "{}", answer.body);
    assert_eq!(answer.body["drift"]["would_stop"], "mass_delete");
    assert_eq!(answer.body["drift"]["missing_there"]["count"], 30);

    let answer = world.sync(json!({"allow_mass_delete": true})).await;
    assert_eq!(answer.body["deleted_items"], 30, "{}", answer.body);
    world.assert_mirrored().await;
    world.stack.stop().await;
}

//! News that is out of date by the time it is written.

use end_to_end::{World, eventually, id_of, tags_changed};
use media_sync::cloudinary::CloudinaryResource;
use media_sync::queue::{NotificationMessage, RawBody};
use media_sync::sync::clients::SyncClients;
use media_sync::sync::ingest::Ingest;
use media_sync::time::Timestamp;
use serde_json::json;

/// A look that follows a notification is stamped after it. Another worker's later look may be
/// stamped before. Then stamps alone would bring the old values back.
#[tokio::test]
async fn a_look_is_made_again_when_its_row_has_learnt_more() {
    let world = World::start().await;
    world.cloud.chaos(json!({"drop": 1.0})).await;
    let asset = world.cloud.upload("looked/at", 1).await;
    world.sync(json!({})).await;
    let row = world.row(&asset).await.expect("it was found");
    let (cloudinary, store) = world.clients();
    let ingest = Ingest {
        clients: SyncClients { cloudinary, store },
        outbound: None,
    };
    let looks = async || world.cloud.requests().await["by_asset_ids"].clone();

    world.cloud.reset_requests().await;
    let held_back = json!({"operation": "by_asset_ids", "times": 1, "hold_answer": true});
    world.cloud.fault(held_back).await;
    let told = tags_changed(&row, Timestamp::now().offset(20_000_000));
    let slow = ingest.clone();
    let slow = tokio::spawn(async move { slow.apply_batch(vec![told]).await });
    eventually("the slow one has looked", async || looks().await == 1).await;

    world.cloud.add_tag("looked/at", "later").await;
    let told = tags_changed(&row, Timestamp::now());
    let quick = ingest.apply_batch(vec![told]).await;
    assert!(matches!(quick[..], [Ok(_)]), "{quick:?}");
    world.assert_mirrored().await;

    world.cloud.clear_faults().await;
    let slow = slow.await.expect("it ends");
    assert!(matches!(slow[..], [Ok(_)]), "{slow:?}");
    world.assert_mirrored().await;
    assert_eq!(looks().await, 3, "the slow one has looked again");
    world.stack.stop().await;
}

/// A batch has both; what needs no look is written before anything is looked at.
#[tokio::test]
async fn news_that_needs_no_look_waits_for_none_that_hangs() {
    let world = World::start().await;
    world.cloud.chaos(json!({"drop": 1.0})).await;
    let pot = world.cloud.upload("first/pot", 1).await;
    let cup = world.cloud.upload("first/cup", 2).await;
    world.sync(json!({})).await.ok();
    let hint = tags_changed(&world.row_of(&pot).await, Timestamp::now());
    world.cloud.destroy(&cup).await;
    let gone = deleted(&cup);
    let held_back = json!({"operation": "by_asset_ids", "times": 1, "hold_answer": true});
    world.cloud.fault(held_back).await;
    world.cloud.reset_requests().await;
    let (cloudinary, store) = world.clients();
    let ingest = Ingest {
        clients: SyncClients { cloudinary, store },
        outbound: None,
    };
    let batch = tokio::spawn(async move { ingest.apply_batch(vec![hint, gone]).await });
    eventually("the look hangs", async || {
        world.cloud.requests().await["by_asset_ids"] == 1
    })
    .await;
    let row = world.row_of(&cup).await;
    assert!(!row["deleted_at"].is_null(), "{row}");
    world.cloud.clear_faults().await;
    let verdicts = batch.await.expect("it ends");
    assert!(matches!(verdicts[..], [Ok(_), Ok(_)]), "{verdicts:?}");
    world.assert_mirrored().await;
    world.stack.stop().await;
}

/// The notification that the asset was deleted.
fn deleted(asset: &CloudinaryResource) -> NotificationMessage {
    let body = json!({
        "notification_type": "delete",
        "resources": [{
            "asset_id": id_of(asset), "public_id": asset.public_id, "resource_type": "image", "type": "upload",
        }],
        "notification_context": {"triggered_at": Timestamp::now()},
    });
    NotificationMessage {
        received_at: Timestamp::now(),
        signature_timestamp: Timestamp::now(),
        replayed: false,
        algorithm: None,
        body: RawBody::new(body.to_string().into_bytes()),
    }
}

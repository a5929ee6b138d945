//! Texts that are no Unicode, in two of many assets. Cloudinary answers them as it got them.

use end_to_end::{World, eventually, id_of};
use media_sync::cloudinary::CloudinaryResource;
use media_sync::cloudinary::upload::UploadOptions;
use serde_json::{Value, json};

#[tokio::test]
async fn an_unreadable_text_keeps_no_other_asset_from_the_mirror() {
    let world = World::start().await;
    let known = world.mirrored("known", 1).await;
    world.cloud.chaos(json!({"drop": 1.0})).await;
    world
        .cloud
        .merge_context("known", &[("alt", "A mug @half@")])
        .await;
    let unknown = captioned(&world, "unknown", "A mug @bell@").await;
    let raw = json!({"raw_texts": {"@half@": "\\ud83d", "@bell@": "\u{7}"}});
    world.cloud.set(raw).await;
    let mut colour = 10;
    for mode in ["full", "incremental"] {
        colour += 1;
        let fine = world.cloud.upload(&format!("fine-{mode}"), colour).await;
        let run = world.sync(json!({"mode": mode})).await;
        assert_named(&run.body, &[&known, &unknown]);
        assert_eq!(world.row_of(&fine).await["sync_status"], "synced", "{mode}");
    }
    a_run_over_names_tells_it(&world, &unknown).await;
    assert!(world.row(&unknown).await.is_none());
    assert_eq!(world.row_of(&known).await["deleted_at"], Value::Null);
    its_notifications_wait_for_a_person(&world, &known).await;

    world.cloud.set(json!({"raw_texts": {}})).await;
    let run = world.sync(json!({"mode": "full"})).await;
    assert_eq!(run.body["status"], "succeeded", "{}", run.body);
    world.assert_mirrored().await;
    world.stack.stop().await;
}

async fn captioned(world: &World, public_id: &str, alt: &str) -> CloudinaryResource {
    let options = UploadOptions {
        context: [("alt".to_owned(), alt.to_owned())].into(),
        ..UploadOptions::default()
    };
    world.cloud.upload_with(public_id, 2, options).await
}

/// The run has ended, and names the assets that it has left out.
fn assert_named(run: &Value, left_out: &[&CloudinaryResource]) {
    assert_eq!(run["status"], "failed", "{run}");
    let told = run["errors"].to_string();
    assert!(told.contains("half of an emoji"), "{run}");
    assert!(
        left_out
            .iter()
            .all(|asset| told.contains(id_of(asset).as_str())),
        "{run}"
    );
}

async fn a_run_over_names_tells_it(world: &World, unknown: &CloudinaryResource) {
    let fine = world.cloud.upload("fine-named", 20).await;
    let run = world
        .sync(json!({"public_ids": ["unknown", "fine-named"]}))
        .await;
    assert_named(&run.body, &[unknown]);
    assert_eq!(run.body["not_found"], json!([]), "{}", run.body);
    assert_eq!(world.row_of(&fine).await["sync_status"], "synced");
}

/// One hints at the asset, and one holds the text itself.
async fn its_notifications_wait_for_a_person(world: &World, known: &CloudinaryResource) {
    world.cloud.quiet().await;
    world.cloud.chaos(json!({})).await;
    world.cloud.add_tag("known", "sale").await;
    captioned(world, "third", "Half @half@").await;
    let parked = "select reason from public.media_notifications where verdict = 'parked'";
    eventually("both are parked", async || {
        let parked = world.rows(parked, &[]).await;
        let is_told = |row: &Value| row["reason"].to_string().contains("half of an emoji");
        parked.len() == 2 && parked.iter().all(is_told)
    })
    .await;
    assert_eq!(world.row_of(known).await["deleted_at"], Value::Null);
}

//! Two stacks in one AWS account and region: nothing of the template may be there only once.

use end_to_end::{World, eventually};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn two_stacks_in_one_account_mirror_each_its_own_library() {
    let one = World::start().await;
    let other = one.start_beside().await;
    let rose = one.cloud.upload("rose", 1).await;
    let tulip = other.cloud.upload("tulip", 2).await;
    one.row_becomes("the rose is known", &rose, |row| {
        row["sync_status"] == "synced"
    })
    .await;
    other
        .row_becomes("the tulip is known", &tulip, |row| {
            row["sync_status"] == "synced"
        })
        .await;

    // Both ways, and through every function that a queue or a schedule starts.
    let edited = one.edit(&rose, &one.admin, json!({"tags": ["red"]})).await;
    assert_eq!(
        edited.body.as_array().map(Vec::len),
        Some(1),
        "{}",
        edited.body
    );
    one.drain().await;
    eventually("the rose is tagged", async || {
        let id = end_to_end::id_of(&rose);
        let found = one.cloud.fetch(id).await;
        found.is_some_and(|asset| asset.tags.is_some_and(|tags| tags == ["red"]))
    })
    .await;
    let run = other.sync(json!({"mode": "full"})).await;
    assert!(run.status.is_success(), "{}", run.body);

    for world in [&one, &other] {
        world.assert_mirrored().await;
        let assets = world
            .value("select count(*) from public.media_assets")
            .await;
        assert_eq!(assets, json!(1));
    }
}

//! Cloudinary's own writing of a value that was sent to it is its answer.

use end_to_end::{World, id_of};
use media_sync::cloudinary::CloudinaryResource;
use serde_json::{Value, json};

#[tokio::test]
async fn a_value_that_cloudinary_writes_in_its_own_way_is_taken_and_told() {
    let world = World::start().await;
    world.cloud.define_field("stock", "integer").await;
    let mug = world.mirrored("mug", 1).await;
    // The notification of the change would otherwise tell the value before the worker looks.
    world.cloud.chaos(json!({"drop": 1.0})).await;
    edit(&world, &mug, json!("0012"), &json!(12)).await;
    world.cloud.reset_requests().await;
    edit(&world, &mug, json!("012"), &json!(12)).await;
    let calls = world.cloud.requests().await;
    assert_eq!(
        calls["metadata"], 1,
        "sending it again would change nothing"
    );
    it_is_told(&world, &mug).await;
    // What is wished next is no news of before.
    edit(&world, &mug, json!(13), &json!(13)).await;
    assert_eq!(state(&world, &mug).await, "synced");
    world.assert_mirrored().await;
    world.stack.stop().await;
}

/// Edits the stock, and waits until both sides agree on what it has become.
async fn edit(world: &World, mug: &CloudinaryResource, wish: Value, shown: &Value) {
    let edit = json!({"metadata": {"stock": wish}});
    let answer = world.edit(mug, &world.admin, edit).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    world.drain().await;
    let agrees = |row: &Value| row["sync_status"] == "synced" && row["metadata"]["stock"] == *shown;
    world.row_becomes("both sides agree", mug, agrees).await;
}

async fn it_is_told(world: &World, mug: &CloudinaryResource) {
    let told =
        "select details from public.media_sync_log where operation = 'value_kept' order by id";
    let told = world.rows(told, &[]).await;
    let kept = |ours: &str| {
        json!({"details": {"collisions": [
            {"field": "metadata", "key": "stock", "ours": ours, "theirs": 12, "winner": "cloudinary"},
        ]}})
    };
    assert_eq!(told, [kept("0012"), kept("012")]);
    assert_eq!(state(world, mug).await, "value_kept");
}

async fn state(world: &World, mug: &CloudinaryResource) -> Value {
    let path = format!("/api/cloudinary/media/{}", id_of(mug));
    let answer = world.get(&path).await;
    answer.body["explanation"]["state"].clone()
}

//! Parts of the stack fail, die and come back; nothing is lost.

use end_to_end::{World, eventually};
use local_stack::StackPart;
use media_sync::cloudinary::CloudinaryResource;
use reqwest::{Method, StatusCode};
use serde_json::json;

#[tokio::test]
async fn killing_parts_in_the_middle_loses_nothing() {
    let world = World::start().await;
    world.cloud.seed(30, &["image"], "seed-").await;
    assert_eq!(world.sync(json!({})).await.body["synced_items"], 30);
    let first = an_upload_arrives_after_postgrest_is_back(&world).await;
    an_upload_survives_two_workers(&world).await;
    a_delete_is_carried_out_after_cloudinary_is_back(&world, &first).await;
    world.assert_mirrored().await;
    let answer = world.sync(json!({})).await;
    assert_eq!(answer.body["success"], true, "{}", answer.body);
    world.assert_mirrored().await;
    world.stack.stop().await;
}

async fn kill(world: &World, part: StackPart) {
    let killed = world.stack.kill(part).await;
    killed.expect("the part runs");
}

async fn start_again(world: &World, part: StackPart) {
    let started = world.stack.start_again(part).await;
    started.expect("the part starts");
}

async fn an_upload_arrives_after_postgrest_is_back(world: &World) -> CloudinaryResource {
    kill(world, StackPart::PostgREST).await;
    let first = world.cloud.upload("outage/first", 1).await;
    let answer = world.get("/api/cloudinary/media").await;
    answer.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert!(answer.headers.contains_key("retry-after"));
    start_again(world, StackPart::PostgREST).await;
    world.arrives(&first).await;
    first
}

async fn an_upload_survives_two_workers(world: &World) {
    kill(world, StackPart::AwsWorker).await;
    let second = world.cloud.upload("outage/second", 2).await;
    kill(world, StackPart::AwsWorker).await;
    world.arrives(&second).await;
}

/// It is asked for while Cloudinary is dead.
async fn a_delete_is_carried_out_after_cloudinary_is_back(
    world: &World,
    first: &CloudinaryResource,
) {
    kill(world, StackPart::Cloudinary).await;
    let path = "/api/cloudinary/media?public_ids=outage/first";
    let admin = Some(world.admin.as_str());
    let answer = world.call(Method::DELETE, path, admin, None).await.body;
    assert_eq!(answer["deleted"], json!(["outage/first"]), "{answer}");
    let answer = world.sync(json!({})).await;
    answer.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    start_again(world, StackPart::Cloudinary).await;
    world
        .row_becomes("the delete is carried out", first, |row| {
            row["sync_status"] == "synced" && !row["deleted_at"].is_null()
        })
        .await;
}

#[tokio::test]
async fn a_message_that_sqs_forgot_is_sent_again_from_its_row() {
    let world = World::start().await;
    let mug = world.cloud.upload("lost/mug", 1).await;
    world
        .row_becomes("the upload arrives", &mug, |row| {
            row["sync_status"] == "synced"
        })
        .await;

    // The delete's message dies with the emulator, and with it uploads that nobody could take.
    world
        .cloud
        .fault(json!({"operation": "*", "status": 503}))
        .await;
    let path = "/api/cloudinary/media?public_ids=lost/mug";
    world
        .call(Method::DELETE, path, Some(&world.admin), None)
        .await;
    world.stack.kill(StackPart::Aws).await.unwrap();
    world.cloud.clear_faults().await;
    let unseen = world.cloud.upload("lost/unseen", 2).await;
    world.stack.start_again(StackPart::Aws).await.unwrap();

    // As after the minutes that a stranded intent waits.
    world.rows(
        "update public.media_assets set sync_next_attempt_at = now() where intent is not null returning id",
        &[],
    ).await;
    let answer = world.sync(json!({})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    world
        .row_becomes("the delete is carried out", &mug, |row| {
            row["sync_status"] == "synced" && !row["deleted_at"].is_null()
        })
        .await;
    eventually("the upload is known", async || {
        world.row(&unseen).await.is_some()
    })
    .await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

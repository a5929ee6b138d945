//! Parts of the stack fail, die and come back; nothing is lost.

use end_to_end::{World, eventually};
use local_stack::Part;
use reqwest::{Method, StatusCode};
use serde_json::json;

#[tokio::test]
async fn killing_parts_in_the_middle_loses_nothing() {
    let world = World::start().await;
    world.cloud.seed(30, &["image"], "seed-").await;
    assert_eq!(world.sync(json!({})).await.body["synced_items"], 30);

    world.stack.kill(Part::PostgREST).await.unwrap();
    let first = world.cloud.upload("outage/first", 1).await;
    let answer = world.get("/api/cloudinary/media").await;
    assert_eq!(
        answer.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "{}",
        answer.body
    );
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert!(answer.headers.contains_key("retry-after"));
    world.stack.start_again(Part::PostgREST).await.unwrap();
    world
        .row_becomes(
            "the upload arrives after PostgREST is back",
            &first,
            |row| row["sync_status"] == "synced",
        )
        .await;

    world.stack.kill(Part::AwsWorker).await.unwrap();
    let second = world.cloud.upload("outage/second", 2).await;
    world.stack.kill(Part::AwsWorker).await.unwrap();
    world
        .row_becomes("a new worker takes it up", &second, |row| {
            row["sync_status"] == "synced"
        })
        .await;

    // The delete is asked for while Cloudinary is dead, and carried out when it is back.
    world.stack.kill(Part::Cloudinary).await.unwrap();
    let path = "/api/cloudinary/media?public_ids=outage/first";
    let answer = world
        .call(Method::DELETE, path, Some(&world.admin), None)
        .await;
    assert_eq!(
        answer.body["deleted"],
        json!(["outage/first"]),
        "{}",
        answer.body
    );
    let answer = world.sync(json!({})).await;
    assert_eq!(
        answer.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "{}",
        answer.body
    );
    world.stack.start_again(Part::Cloudinary).await.unwrap();
    world
        .row_becomes("the delete is carried out", &first, |row| {
            row["sync_status"] == "synced" && !row["deleted_at"].is_null()
        })
        .await;
    world.assert_mirrored().await;
    let answer = world.sync(json!({})).await;
    assert_eq!(answer.body["success"], true, "{}", answer.body);
    world.assert_mirrored().await;
    world.stack.stop().await;
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
    world.stack.kill(Part::Aws).await.unwrap();
    world.cloud.clear_faults().await;
    let unseen = world.cloud.upload("lost/unseen", 2).await;
    world.stack.start_again(Part::Aws).await.unwrap();

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

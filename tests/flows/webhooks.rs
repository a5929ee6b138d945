//! Changes in Cloudinary arrive in the row, although notifications are lost or late.

use end_to_end::{World, eventually, id_of, now};
use media_sync::cloudinary::CloudinaryResource;
use media_sync::cloudinary::upload::UploadOptions;
use reqwest::StatusCode;
use serde_json::json;

#[tokio::test]
async fn every_change_in_cloudinary_arrives_in_the_row() {
    let world = World::start().await;
    let mug = an_upload_arrives(&world).await;
    a_tag_and_a_name_arrive(&world, &mug).await;
    an_overwrite_clears_tags_and_context(&world, &mug).await;
    world.cloud.destroy(&mug).await;
    world
        .row_becomes("the delete arrives", &mug, |row| {
            !row["deleted_at"].is_null()
        })
        .await;
    world.assert_mirrored().await;
    the_trail_tells_the_story(&world).await;
    world.stack.stop().await;
}

async fn an_upload_arrives(world: &World) -> CloudinaryResource {
    let options = UploadOptions {
        tags: vec!["new".to_owned()],
        context: [("alt".to_owned(), "A mug".to_owned())].into(),
        ..UploadOptions::default()
    };
    let mug = world.cloud.upload_with("shop/mug", 1, options).await;
    world
        .row_becomes("the upload arrives", &mug, |row| {
            row["tags"] == json!(["new"])
                && row["context"]["alt"] == "A mug"
                && row["sync_status"] == "synced"
        })
        .await;
    mug
}

async fn a_tag_and_a_name_arrive(world: &World, mug: &CloudinaryResource) {
    world.cloud.add_tag("shop/mug", "sale").await;
    world
        .row_becomes("the tag arrives", mug, |row| {
            row["tags"] == json!(["new", "sale"])
        })
        .await;
    world.cloud.rename("shop/mug", "shop/cup").await;
    let names_cup = |url: &str| url.contains("cup");
    world
        .row_becomes("the new name arrives", mug, |row| {
            row["cloudinary_public_id"] == "shop/cup"
                && row["secure_url"].as_str().is_some_and(names_cup)
        })
        .await;
}

/// Its notification does not say so.
async fn an_overwrite_clears_tags_and_context(world: &World, mug: &CloudinaryResource) {
    let again = world.cloud.upload("shop/cup", 2).await;
    assert_eq!(id_of(&again), id_of(mug));
    world
        .row_becomes("the new content arrives", mug, |row| {
            row["cloudinary_etag"] == json!(again.etag)
                && row["context"] == json!({})
                && row["tags"] == json!([])
        })
        .await;
}

async fn the_trail_tells_the_story(world: &World) {
    let story = "select operation from public.media_sync_log where source = 'webhook' order by id";
    let story = world.rows(story, &[]).await;
    let story: Vec<_> = story.iter().map(|row| &row["operation"]).collect();
    assert_eq!(
        story,
        ["created", "updated", "renamed", "updated", "deleted"]
    );
}

#[tokio::test]
async fn late_repeated_and_disordered_notifications_end_in_the_right_rows() {
    let world = World::start().await;
    world
        .cloud
        .chaos(json!({"duplicate": 0.5, "delay_ms": 400, "reorder": 0.5, "seed": 7}))
        .await;
    let mut gone = Vec::new();
    for number in 0..12_u8 {
        let name = format!("story/{number}");
        let asset = world.cloud.upload(&name, number).await;
        world.cloud.add_tag(&name, "first").await;
        match number % 3 {
            0 => {
                world
                    .cloud
                    .rename(&name, &format!("renamed/{number}"))
                    .await
            }
            1 => drop(world.cloud.upload(&name, number + 100).await),
            _ => {
                world.cloud.destroy(&asset).await;
                gone.push(asset);
            }
        }
    }
    world.assert_mirrored().await;
    for asset in &gone {
        let row = world.row(asset).await.expect("a tombstone stays");
        assert!(!row["deleted_at"].is_null(), "{row}");
    }
    let told = world.cloud.notifications().await;
    let recorded = world
        .value("select count(*) from public.media_notifications")
        .await;
    assert!(
        told["delivered"].as_u64() >= recorded.as_u64(),
        "{told} {recorded}"
    );
    let parked = world
        .value("select count(*) from public.media_notifications where verdict = 'parked'")
        .await;
    assert_eq!(parked, 0);
    world.stack.stop().await;
}

#[tokio::test]
async fn what_cannot_be_understood_is_kept_and_harms_nothing() {
    let world = World::start().await;
    for (body, reason) in [
        ("{not json at all", "not JSON"),
        (r#"{"hello":"world"}"#, "no notification_type"),
        (r#"{"notification_type":"sparkle"}"#, "sparkle"),
    ] {
        let answer = world.notify(body, &world.sign(body, now())).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.body);
        assert_eq!(answer.body["success"], true);
        let sql = "select verdict, reason from public.media_notifications where body = $1";
        eventually("the body is parked", async || {
            let rows = world.rows(sql, &[&body]).await;
            rows.iter().any(|row| {
                row["verdict"] == "parked" && row["reason"].as_str().unwrap().contains(reason)
            })
        })
        .await;
    }
    // Uploads are signed in the same way, and their texts begin with a parameter's name.
    for body in ["public_id=mug&timestamp=", "[1,2]", " {}", ""] {
        let answer = world.notify(body, &world.sign(body, now())).await;
        answer.assert_refused(StatusCode::UNAUTHORIZED, "signature_wrong");
    }
    world.assert_mirrored().await;
    world.stack.stop().await;
}

//! Assets as large as Cloudinary lets them be stop neither runs nor lists.

use end_to_end::{World, eventually, id_of};
use media_sync::cloudinary::CloudinaryResource;
use media_sync::cloudinary::upload::UploadOptions;
use reqwest::{Method, StatusCode};
use serde_json::json;

const MEDIA: &str = "/api/cloudinary/media";

/// Bytes that Lambda lets a function answer.
const MOST: usize = 6 * 1024 * 1024;

#[tokio::test]
async fn runs_lists_and_pages_get_through_assets_of_a_megabyte() {
    let world = World::start().await;
    // Their notifications are larger than the webhook takes.
    world.cloud.chaos(json!({"drop": 1.0})).await;
    let mut assets = Vec::new();
    // More than one read of a worker holds.
    for number in 0..10 {
        assets.push(upload_fat(&world, number).await);
    }
    for mode in ["full", "full", "incremental"] {
        eventually("the run succeeds", async || {
            let answer = world
                .sync(json!({"mode": mode, "batch_size": 10}))
                .await
                .body;
            assert_eq!(answer["success"], true, "{answer}");
            answer["status"] == "succeeded"
        })
        .await;
    }
    world.assert_mirrored().await;
    one_is_edited_among_them(&world, &assets[0]).await;
    for path in [
        format!("{MEDIA}?limit=50"),
        format!("{MEDIA}?limit=50&page=1"),
        format!("{MEDIA}/{}", id_of(&assets[0])),
    ] {
        let answer = world
            .call(Method::GET, &path, Some(&world.user), None)
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(answer.body.to_string().len() < MOST, "{path}");
    }
    world.stack.stop().await;
}

async fn upload_fat(world: &World, number: u8) -> CloudinaryResource {
    let tags = (0..1_000).map(|tag| format!("{}{tag}", "\u{1F600}".repeat(250)));
    let fat = UploadOptions {
        tags: tags.collect(),
        ..UploadOptions::default()
    };
    world
        .cloud
        .upload_with(&format!("fat/{number}"), number, fat)
        .await
}

/// An edit needs no more room than the asset takes.
async fn one_is_edited_among_them(world: &World, asset: &CloudinaryResource) {
    world
        .edit(asset, &world.admin, json!({"display_name": "Fat"}))
        .await;
    world.drain().await;
    world
        .row_becomes("the edit is carried out", asset, |row| {
            row["sync_status"] == "synced" && row["display_name"] == "Fat"
        })
        .await;
}

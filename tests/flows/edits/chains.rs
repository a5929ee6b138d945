//! Renames of one statement that need each other's names.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use end_to_end::World;
use media_sync::cloudinary::upload::UploadOptions;
use serde_json::json;

/// Moves each name of a folder on by one.
const SHIFT: &str = "update public.media_assets
    set cloudinary_public_id = folder || '/' || (right(cloudinary_public_id, 1)::integer + 1)
    where folder = $1";

#[tokio::test]
async fn a_chain_of_renames_is_refused_whatever_row_comes_first() {
    let world = World::start().await;
    for (folder, order) in [("up", [1, 2, 3]), ("down", [3, 2, 1])] {
        for number in order {
            let options = UploadOptions {
                asset_folder: Some(folder.to_owned()),
                ..UploadOptions::default()
            };
            let name = format!("{folder}/{number}");
            let asset = world.cloud.upload_with(&name, number, options).await;
            world.arrives(&asset).await;
        }
        let client = end_to_end::connect(world.stack.database_url()).await;
        let refused = client.execute(SHIFT, &[&folder]).await.unwrap_err();
        assert_eq!(
            refused.code().map(|code| code.code()),
            Some("PT409"),
            "{refused:?}"
        );
    }
    a_chain_that_begins_in_one_statement_ends_in_no_other(&world).await;
    // One after the other they are no chain.
    rename(&world, "up/3", "up/4").await;
    rename(&world, "up/2", "up/3").await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

/// The first statement takes a name that its holder leaves with the second.
async fn a_chain_that_begins_in_one_statement_ends_in_no_other(world: &World) {
    let mut client = end_to_end::connect(world.stack.database_url()).await;
    let both = client.transaction().await.unwrap();
    let rename = "update public.media_assets set cloudinary_public_id = $2 where cloudinary_public_id = $1 and intent is null";
    both.execute(rename, &[&"up/1", &"up/2"]).await.unwrap();
    let refused = both.execute(rename, &[&"up/2", &"up/9"]).await.unwrap_err();
    assert_eq!(
        refused.code().map(|code| code.code()),
        Some("PT409"),
        "{refused:?}"
    );
}

async fn rename(world: &World, from: &str, to: &str) {
    let renamed = "update public.media_assets set cloudinary_public_id = $2 where cloudinary_public_id = $1 returning id";
    assert_eq!(world.rows(renamed, &[&from, &to]).await.len(), 1);
    world.drain().await;
    end_to_end::eventually("the rename is carried out", async || {
        let state = "select sync_status from public.media_assets where cloudinary_public_id = $1";
        world.rows(state, &[&to]).await == [json!({"sync_status": "synced"})]
    })
    .await;
}

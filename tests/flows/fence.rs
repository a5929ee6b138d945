//! A library that belongs to another deployment is read, and never written to.

use end_to_end::{World, eventually, id_of};
use media_sync::cloudinary::CloudinaryResource;
use media_sync::sync::clients::SyncClients;
use media_sync::sync::fence::LibraryFence;
use media_sync::sync::marker::{FenceStanding, LibraryPlace, MARKER_NAME, marker_upload};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

const OTHER: &str = "https://other.supabase.co";

/// The marker's row, if it is live.
const MARKER: &str = "select context ->> 'media_sync_address' as owner from public.media_assets
    where cloudinary_public_id = 'media-sync/owner' and deleted_at is null";

/// Another deployment marks the library as its own, whatever was there.
async fn stranger_takes(world: &World) {
    let place = LibraryPlace::new(&OTHER.parse().expect("an address"), "demo");
    let (source, options) = marker_upload(Uuid::from_u128(7), &place, true);
    let taken = world.cloud.api().upload(source, &options).await;
    taken.expect("the marker is taken");
}

async fn owner_becomes(world: &World, words: &str, expected: Option<&str>) {
    eventually(words, async || {
        let rows = world.rows(MARKER, &[]).await;
        let owner = rows.first().and_then(|row| row["owner"].as_str());
        owner == expected
    })
    .await;
}

fn clients(world: &World) -> SyncClients {
    let (cloudinary, store) = world.clients();
    SyncClients { cloudinary, store }
}

async fn standing(world: &World, place: Value) -> Value {
    let place = place.to_string();
    let row = world
        .rows(
            "select media_sync.fence($1::text::jsonb) as fence",
            &[&place],
        )
        .await;
    row[0]["fence"]["standing"].clone()
}

async fn sign(world: &World) -> end_to_end::HttpAnswer {
    let body = json!({"paramsToSign": {"timestamp": 1}});
    let path = "/api/cloudinary/upload";
    world
        .call(Method::POST, path, Some(&world.user), Some(body))
        .await
}

#[tokio::test]
async fn library_of_another_is_read_and_not_written_to_until_it_is_taken_over() {
    let world = World::start().await;
    let kept = world.mirrored("shop/kept", 1).await;
    let gone = world.mirrored("shop/gone", 2).await;
    sign(&world).await.ok();
    stranger_takes(&world).await;
    owner_becomes(&world, "the stranger's marker is mirrored", Some(OTHER)).await;
    decisions_rest(&world, &kept, &gone).await;
    uploads_are_refused_and_the_marker_is_kept(&world).await;
    news_still_arrive_and_health_says_why(&world).await;
    everything_goes_on_once_the_library_is_taken_over(&world, &kept, &gone).await;
    marker_that_was_deleted_is_placed_again(&world).await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

async fn decisions_rest(world: &World, kept: &CloudinaryResource, gone: &CloudinaryResource) {
    let edited = json!({"tags": ["wanted"]});
    let edited = world.edit(kept, &world.admin, edited).await;
    edited.assert_status(StatusCode::OK);
    let deleted = json!({"deleted_at": "2026-01-01T00:00:00Z"});
    let deleted = world.edit(gone, &world.admin, deleted).await;
    deleted.assert_status(StatusCode::OK);
    let fenced = "select count(*) from public.media_assets where sync_error_code = 'fenced' and sync_status = 'pending'";
    eventually("both rest behind the fence", async || {
        world.drain().await;
        world.count(fenced).await == 2
    })
    .await;
    assert!(world.cloud.has(id_of(gone)).await);
    let there = world.cloud.fetch(id_of(kept)).await.expect("it is there");
    assert_eq!(there.tags.unwrap_or_default(), Vec::<String>::new());
}

async fn uploads_are_refused_and_the_marker_is_kept(world: &World) {
    let refused = sign(world).await;
    refused.assert_refused(StatusCode::CONFLICT, "library_fenced");
    assert!(refused.body.to_string().contains(OTHER), "{}", refused.body);
    let which = "cloudinary_public_id=eq.media-sync/owner";
    for change in [
        json!({"tags": ["mine"]}),
        json!({"deleted_at": "2026-01-01T00:00:00Z"}),
        json!({"cloudinary_public_id": "elsewhere"}),
    ] {
        let refused = world.write(which, &world.admin, change).await;
        refused.assert_status(StatusCode::CONFLICT);
    }
    let imposter = json!({"cloudinary_public_id": MARKER_NAME});
    let which = "cloudinary_public_id=eq.shop/kept";
    let refused = world.write(which, &world.admin, imposter).await;
    refused.assert_status(StatusCode::CONFLICT);
}

async fn news_still_arrive_and_health_says_why(world: &World) {
    world.mirrored("shop/news", 3).await;
    let path = "/api/cloudinary/health";
    let health = world.call(Method::GET, path, Some(&world.admin), None);
    let health = health.await.ok();
    let reasons = health["reasons"].as_array().expect("reasons");
    let said = reasons
        .iter()
        .find(|reason| reason["code"] == "library_fenced");
    assert!(
        said.is_some_and(|said| said.to_string().contains(OTHER)),
        "{health}"
    );
}

async fn everything_goes_on_once_the_library_is_taken_over(
    world: &World,
    kept: &CloudinaryResource,
    gone: &CloudinaryResource,
) {
    let clients = clients(world);
    let fence = LibraryFence { clients: &clients };
    let state = fence.mark(false).await.expect("both sides answer");
    assert_eq!(
        state.standing,
        FenceStanding::Strangers,
        "it stays by itself"
    );
    let state = fence.mark(true).await.expect("both sides answer");
    assert_eq!(state.standing, FenceStanding::Ours);
    world.drain().await;
    for asset in [kept, gone] {
        world
            .row_becomes("Cloudinary has confirmed it", asset, |row| {
                row["sync_status"] == "synced" && row["sync_error_code"].is_null()
            })
            .await;
    }
    assert!(!world.cloud.has(id_of(gone)).await);
    let taken = "select count(*) from public.media_sync_log
        where operation = 'library_marked' and details #>> '{former_owner,address}' = 'https://other.supabase.co'";
    assert_eq!(world.count(taken).await, 1);
}

async fn marker_that_was_deleted_is_placed_again(world: &World) {
    let marker = "select cloudinary_asset_id as id from public.media_assets
        where cloudinary_public_id = 'media-sync/owner' and deleted_at is null";
    let rows = world.rows(marker, &[]).await;
    let id = rows[0]["id"].as_str().expect("a marker");
    world.cloud.destroy_id(id).await;
    owner_becomes(world, "the marker's end is mirrored", None).await;
    world.drain().await;
    let own = world.stack.supabase_url();
    owner_becomes(world, "the marker is back", Some(own.trim_end_matches('/'))).await;
}

#[tokio::test]
async fn first_write_from_a_new_place_looks_whose_the_library_is() {
    let world = World::start().await;
    world.cloud.chaos(json!({"drop": 1.0})).await;
    stranger_takes(&world).await;
    sign(&world)
        .await
        .assert_refused(StatusCode::CONFLICT, "library_fenced");
    owner_becomes(&world, "it was seen by that", Some(OTHER)).await;
    world.cloud.reset_requests().await;
    sign(&world)
        .await
        .assert_refused(StatusCode::CONFLICT, "library_fenced");
    assert_eq!(world.cloud.requests().await, json!({}), "no second look");
    world.stack.stop().await;
}

#[tokio::test]
async fn cloned_database_is_a_stranger_and_a_rebuilt_stack_is_none() {
    let world = World::start().await;
    let clients = clients(&world);
    let fence = LibraryFence { clients: &clients };
    let state = fence.mark(false).await.expect("both sides answer");
    assert_eq!(state.standing, FenceStanding::Ours);
    let again = fence.mark(false).await.expect("both sides answer");
    assert_eq!(again.asset_id, state.asset_id, "it is placed once");
    // Whoever has this very database at another address has cloned it.
    let clone = json!({"address": "https://clone.supabase.co", "library": "demo"});
    assert_eq!(standing(&world, clone).await, "strangers");
    // A new stack of the same project and library is no stranger.
    let place = serde_json::to_value(fence.place().await).expect("a place");
    assert_eq!(standing(&world, place).await, "ours");
    world.assert_mirrored().await;
    world.stack.stop().await;
}

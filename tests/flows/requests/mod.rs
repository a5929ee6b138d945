//! Edits, deletes and restores over HTTP, item by item, until Cloudinary has followed.

mod deletes;
mod edits;
mod ids;
mod large;
mod one;

use end_to_end::{World, id_of};
use local_stack::StackOptions;
use media_sync::cloudinary::CloudinaryResource;
use reqwest::Method;
use serde_json::{Value, json};

const MEDIA: &str = "/api/cloudinary/media";
const RESTORE: &str = "/api/cloudinary/media/restore";

#[tokio::test]
async fn edits_over_http_reach_cloudinary_item_by_item() {
    // Where a user may ask for a name that another asset has.
    let anywhere = ("UPLOAD_RULES".to_owned(), json!({"prefix": ""}));
    let options = StackOptions {
        settings: [anywhere].into(),
        ..StackOptions::default()
    };
    let world = World::start_with(options).await;
    let shop = edits::Shop::open(&world).await;
    shop.one_edit_changes_everything().await;
    shop.of_several_edits_the_possible_ones_are_done().await;
    shop.what_only_this_side_knows_waits_for_nobody().await;
    shop.a_wrong_request_changes_nothing().await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn deletes_are_guarded_by_references_and_undone_over_http() {
    let world = World::start().await;
    let shelf = deletes::Shelf::open(&world).await;
    shelf.a_delete_is_undone_before_it_gets_out().await;
    shelf.a_forced_delete_is_undone_by_who_may().await;
    shelf.what_is_live_is_not_restored().await;
    shelf.named_in_two_ways_it_is_deleted_once().await;
    shelf.a_name_that_is_taken_is_not_restored().await;
    shelf.every_request_is_in_the_trail().await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn requests_about_one_asset_answer_with_the_status_of_its_outcome() {
    let world = World::start().await;
    let desk = one::Desk::open(&world).await;
    desk.an_edit_answers_the_row().await;
    desk.what_has_changed_since_is_left_alone().await;
    desk.a_refusal_has_a_status_of_its_own().await;
    desk.a_delete_and_its_undoing_answer_so_too().await;
    desk.what_has_no_route_is_told_the_routes().await;
    ids::both_kinds_name_an_asset_everywhere(&world).await;
    world.settle().await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn two_hundred_items_of_a_large_library_fit_into_one_request() {
    let library = large::Library::start().await;
    library
        .as_many_as_one_request_takes_are_done_at_once()
        .await;
    library.more_are_refused().await;
    library.misspelt_items_are_told().await;
    library.stack.stop().await;
}

async fn ask(world: &World, method: Method, path: &str, token: &str, body: Value) -> Value {
    let answer = world.call(method, path, Some(token), Some(body)).await;
    answer.ok()
}

/// The failed items as public id, or else the id that named them, and code, in their order.
fn failures(answer: &Value) -> Vec<(&str, &str)> {
    let failed = answer["failed"].as_array().expect("a list").iter();
    failed
        .map(|item| {
            assert!(item["error"].is_string(), "{item}");
            let text = |name: &str| item[name].as_str().unwrap_or_default();
            let name = item["public_id"].as_str().unwrap_or(text("named"));
            (name, text("code"))
        })
        .collect()
}

async fn settled(world: &World, what: &str, asset: &CloudinaryResource, live: bool) {
    world
        .row_becomes(what, asset, |row| {
            row["sync_status"] == "synced"
                && row["intent"].is_null()
                && row["deleted_at"].is_null() == live
        })
        .await;
    assert_eq!(world.cloud.has(id_of(asset)).await, live, "{what}");
}

/// The audit trail of people's requests: operation, source, and whether a user is named.
async fn asked_for(world: &World, asset: &CloudinaryResource) -> Vec<Value> {
    let sql = "select operation, source, actor::text from public.media_sync_log
        where cloudinary_asset_id = $1 and (operation like '%\\_requested' or operation = 'described') order by id";
    world.rows(sql, &[&id_of(asset).as_str()]).await
}

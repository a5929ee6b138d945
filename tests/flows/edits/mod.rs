//! Edits and restores that are decided here, through the Data API and by request.

mod chains;
mod kept;
mod merge;
mod restore;
mod row;
mod tags;
mod under_way;

use end_to_end::{World, id_of};
use media_sync::cloudinary::CloudinaryResource;
use media_sync::cloudinary::upload::UploadOptions;
use reqwest::StatusCode;
use serde_json::{Value, json};

async fn shop_mug(world: &World) -> CloudinaryResource {
    let options = UploadOptions {
        tags: vec!["old".to_owned(), "kept".to_owned()],
        context: [("alt", "A mug"), ("caption", "Mug")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        metadata: [("sku".to_owned(), json!("M-1"))].into_iter().collect(),
        asset_folder: Some("shop".to_owned()),
        display_name: Some("Mug".to_owned()),
        ..UploadOptions::default()
    };
    let mug = world.cloud.upload_with("shop/mug", 1, options).await;
    world.arrives(&mug).await;
    mug
}

fn is_settled(row: &Value) -> bool {
    row["sync_status"] == "synced" && row["intent"].is_null() && row["observed"].is_null()
}

/// Asks for a delete or a restore in the administrator's name.
async fn request(world: &World, function: &str, asset: &CloudinaryResource) {
    let items = json!({"p_items": [{"asset_id": id_of(asset)}]});
    let answer = world.request(function, &world.admin, items).await;
    assert_eq!(answer.body["failed"], json!([]), "{}", answer.body);
}

/// The asset as Cloudinary has it.
async fn there(world: &World, asset: &CloudinaryResource) -> CloudinaryResource {
    let there = world.cloud.fetch(id_of(asset)).await;
    there.expect("the asset is there")
}

fn sorted(tags: Option<Vec<String>>) -> Vec<String> {
    let mut tags = tags.expect("tags");
    tags.sort();
    tags
}

#[tokio::test]
async fn everything_that_is_edited_in_the_row_reaches_cloudinary() {
    let world = World::start().await;
    let mug = shop_mug(&world).await;
    row::bad_and_foreign_edits_are_refused(&world, &mug).await;
    row::an_edit_is_pending_and_keeps_its_base(&world, &mug).await;
    row::cloudinary_follows(&world, &mug).await;
    world.assert_mirrored().await;
    row::the_trail_names_who_edited(&world).await;
    world.stack.stop().await;
}

#[tokio::test]
async fn edits_on_both_sides_are_merged_and_the_later_of_two_wins() {
    let world = World::start().await;
    let mug = shop_mug(&world).await;
    merge::both_sides_are_edited(&world, &mug).await;
    merge::both_are_merged(&world, &mug).await;
    world.assert_mirrored().await;
    merge::cloudinary_has_both(&world, &mug).await;
    merge::the_conflict_is_told(&world).await;
    world.stack.stop().await;
}

#[tokio::test]
async fn tags_that_are_added_and_removed_one_by_one_outlast_all_others() {
    let world = World::start().await;
    let mug = shop_mug(&world).await;
    tags::many_people_add_tags_at_once_and_none_is_lost(&world, &mug).await;
    tags::what_is_asked_for_holds_though_its_news_had_not_come(&world, &mug).await;
    tags::contradictions_are_refused(&world, &mug).await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn a_delete_is_undone_before_and_after_it_was_carried_out() {
    let world = World::start().await;
    let mug = shop_mug(&world).await;
    let row_id = world.row_of(&mug).await["id"].clone();
    restore::a_delete_is_undone_before_it_gets_out(&world, &mug).await;
    restore::a_delete_is_carried_out(&world, &mug).await;
    restore::others_do_not_know_of_it(&world, &mug).await;
    restore::the_asset_comes_back_from_its_backup(&world, &mug).await;
    assert_eq!(world.row_of(&mug).await["id"], row_id);
    world.assert_mirrored().await;
    restore::without_a_backup_it_stays_deleted(&world).await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn a_full_run_leaves_decisions_that_are_under_way_alone() {
    let world = World::start().await;
    let shop = under_way::Shop::open(&world).await;
    shop.three_decisions_do_not_get_out().await;
    shop.a_full_run_counts_them().await;
    shop.all_stay_as_they_are_wanted().await;
    shop.cloudinary_follows().await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn a_refused_edit_says_why_and_is_tried_again_on_request_only() {
    let world = World::start().await;
    let mug = shop_mug(&world).await;
    let edit = json!({"metadata": {"maker": "Acme"}, "tags": ["kept"]});
    assert_eq!(
        world.edit(&mug, &world.admin, edit).await.status,
        StatusCode::OK
    );
    world.drain().await;
    world
        .row_becomes("it is refused", &mug, |row| row["sync_status"] == "error")
        .await;
    let row = world.row(&mug).await.unwrap();
    assert_eq!(row["sync_error_code"], "cloudinary_bad_request");
    assert!(
        row["sync_error_message"]
            .as_str()
            .unwrap()
            .contains("parameter kind"),
        "{row}"
    );
    assert!(
        row["sync_next_attempt_at"].is_null(),
        "a refusal is not tried again by itself"
    );
    assert_eq!(row["metadata"]["maker"], "Acme", "what is wanted stays");
    let there = there(&world, &mug).await;
    assert_eq!(
        there.tags,
        Some(vec!["kept".to_owned()]),
        "what could be done is done"
    );

    let defined = world.stack.define_text_field("maker").await;
    defined.expect("the stand-in takes the field");
    let answer = world
        .request("media_request_retry", &world.user, json!({}))
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    world
        .request("media_request_retry", &world.admin, json!({}))
        .await;
    world.drain().await;
    world
        .row_becomes("Cloudinary has followed", &mug, is_settled)
        .await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn who_names_an_asset_has_its_refused_edit_tried_again() {
    let world = World::start().await;
    let mug = shop_mug(&world).await;
    let refusal =
        json!({"operation": "rename", "status": 400, "body": {"error": {"message": "not now"}}});
    world.cloud.fault(refusal).await;
    let edit = json!({"cloudinary_public_id": "shop/cup"});
    assert_eq!(
        world.edit(&mug, &world.admin, edit).await.status,
        StatusCode::OK
    );
    world.drain().await;
    let is_refused = |row: &Value| row["sync_status"] == "error";
    world.row_becomes("it is refused", &mug, is_refused).await;
    world.cloud.clear_faults().await;

    // By the name that Cloudinary has; the row shows the wanted one.
    let dry = world
        .sync(json!({"public_ids": ["shop/mug"], "dry_run": true}))
        .await;
    assert_eq!(dry.body["retried_items"], 0, "{}", dry.body);
    assert!(is_refused(&world.row(&mug).await.unwrap()));
    let other = world.sync(json!({"public_ids": ["shop/other"]})).await;
    assert_eq!(other.body["retried_items"], 0, "{}", other.body);
    assert_eq!(other.body["not_found"], json!(["shop/other"]));
    let answer = world.sync(json!({"public_ids": ["shop/mug"]})).await;
    assert_eq!(answer.body["retried_items"], 1, "{}", answer.body);
    assert_eq!(answer.body["not_found"], json!([]));
    world
        .row_becomes("Cloudinary has followed", &mug, is_settled)
        .await;
    let there = there(&world, &mug).await;
    assert_eq!(there.public_id.as_deref(), Some("shop/cup"));
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn an_edit_that_follows_other_news_at_once_is_seen_to_be_done() {
    let world = World::start().await;
    let mug = shop_mug(&world).await;
    // As within the second in which something was told: whatever is looked at now is stamped as just newer
    // than the row, before the calls and after them.
    let ahead = "update public.media_assets set clocks = (
            select jsonb_object_agg(key, case when key = 'changed' then value else to_jsonb(value::bigint + 5000000) end)
            from jsonb_each(clocks)
        ) returning id";
    assert_eq!(world.rows(ahead, &[]).await.len(), 1);
    // Of two values at the same moment the greater one would stay: here the old ones.
    let edit = json!({"context": {"alt": "1", "caption": "1"}, "display_name": "1"});
    let edited = world.edit(&mug, &world.admin, edit).await;
    assert_eq!(edited.status, StatusCode::OK, "{}", edited.body);
    world.drain().await;
    world
        .row_becomes("the edit is confirmed", &mug, is_settled)
        .await;
    let failed = "select count(*) from public.media_sync_log where status = 'failed' or operation = 'conflict'";
    assert_eq!(world.value(failed).await, 0);
    world.stack.stop().await;
}

//! The API explains an asset, the audit trail and the whole mirror.

mod health;
mod life;
mod trail;

use end_to_end::World;

const MEDIA: &str = "/api/cloudinary/media";
const AUDIT: &str = "/api/cloudinary/audit";
const HEALTH: &str = "/api/cloudinary/health";

#[tokio::test]
async fn an_asset_tells_its_life_to_whom_it_concerns() {
    let world = World::start().await;
    let mug = life::Life::begin(&world).await;
    mug.its_addresses_are_keys_that_fit().await;
    mug.everybody_sees_that_a_notification_came().await;
    mug.its_owner_may_know_who_did_what().await;
    let refused_for = mug.a_refused_rename_leaves_the_addresses_good().await;
    mug.the_rename_is_carried_out().await;
    mug.deleted_in_cloudinary_it_concerns_its_owner_only().await;
    life::no_id_is_told_by_the_parameter(&world).await;
    life::an_asset_is_deleted_here(&world).await;
    life::an_upload_without_an_asset_id_is_told(&world).await;
    trail::every_entry_has_its_time(&world, refused_for).await;
    trail::only_administrators_read(&world).await;
    trail::pages_show_every_entry_once(&world).await;
    trail::a_cursor_is_of_one_query(&world).await;
    trail::filters_find_their_entries(&world).await;
    trail::sums_tell_errors_and_people(&world).await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn health_is_one_word_for_strangers_and_all_of_it_for_administrators() {
    let world = World::start().await;
    health::strangers_hear_one_word(&world).await;
    health::a_new_mirror_has_never_reconciled(&world).await;
    health::a_reconciled_mirror_is_well(&world).await;
    health::break_everything(&world).await;
    health::every_reason_is_told(&world).await;
    health::the_drain_tells_cloudwatch(&world).await;
    health::without_a_database_it_is_down(&world).await;
    world.stack.stop().await;
}

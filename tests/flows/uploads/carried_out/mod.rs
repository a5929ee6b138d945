//! From a form or an address: mirrored at once, and in the end one row or none.

mod failing;
mod names;
mod sources;
mod unseen;

use serde_json::json;

use super::Uploads;

#[tokio::test]
async fn what_a_function_uploads_is_mirrored_at_once_and_ends_as_one_row_or_none() {
    let stage = Uploads::start().await;
    let mug = sources::a_form_is_answered_with_its_row(&stage).await;
    sources::an_address_is_copied(&stage, &mug).await;
    sources::bad_addresses_are_refused(&stage, &mug).await;
    sources::bad_files_are_refused(&stage).await;
    sources::a_table_is_kept_as_it_is(&stage).await;
    stage.world.assert_mirrored().await;

    // From here on Cloudinary tells nothing by itself.
    stage.silence_cloudinary().await;
    unseen::an_answer_lost_after_the_effect_is_found(&stage).await;
    unseen::an_answer_lost_before_the_effect_leaves_no_row(&stage).await;
    unseen::a_lost_name_with_a_comma_is_found(&stage).await;
    names::an_unknown_assets_name_is_taken(&stage).await;
    let phoenix = names::an_asset_that_comes_back_keeps_its_row(&stage).await;
    names::a_waiting_name_is_lost_to_another_asset(&stage, &phoenix).await;
    stage.world.assert_mirrored().await;
    stage.assert_nothing_waits().await;
    stage.world.stack.stop().await;
}

#[tokio::test]
async fn a_notification_that_overtakes_the_answer_finds_the_row_that_waits() {
    let stage = Uploads::start().await;
    unseen::a_notification_overtakes_the_answer(&stage).await;
    unseen::a_run_lets_a_waiting_row_wait(&stage).await;
    failing::however_a_call_fails_there_is_one_row_or_none(&stage).await;
    stage.world.assert_mirrored().await;
    stage.world.stack.stop().await;
}

impl Uploads {
    async fn silence_cloudinary(&self) {
        let silence = json!({"seed": 1, "drop": 1.0});
        self.world.cloud.chaos(silence).await;
    }

    async fn assert_nothing_waits(&self) {
        let sql = "select count(*) from public.media_assets where cloudinary_asset_id is null";
        assert_eq!(self.world.value(sql).await, json!(0));
    }
}

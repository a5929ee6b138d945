//! A signed upload's owner is proven: a name that anybody can guess makes nobody an owner.

use end_to_end::picture;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::Uploads;

#[tokio::test]
async fn a_signature_that_nobody_used_makes_no_owner() {
    let stage = Uploads::start().await;
    an_editors_asset_under_a_signed_name_stays_nobodys(&stage).await;
    a_deleted_asset_that_comes_back_keeps_its_owner(&stage).await;
    an_asset_proves_its_upload_and_the_proof_goes(&stage).await;
    stage.world.assert_mirrored().await;
    stage.world.stack.stop().await;
}

async fn an_editors_asset_under_a_signed_name_stays_nobodys(stage: &Uploads) {
    let world = &stage.world;
    stage.signed(json!({"public_id": "shop/free"})).await;
    let console = world.cloud.upload("shop/free", 1).await;
    world
        .row_becomes("the console's asset is there", &console, |row| {
            row["sync_status"] == "synced"
        })
        .await;
    assert!(world.row_of(&console).await["uploaded_by"].is_null());
}

async fn a_deleted_asset_that_comes_back_keeps_its_owner(stage: &Uploads) {
    let world = &stage.world;
    stage
        .upload_as("shop/vase", 2)
        .await
        .body_with(StatusCode::CREATED);
    stage.assert_proven("shop/vase").await;
    let vase = stage.rows("shop/vase").await.remove(0);
    let asset_id = vase["cloudinary_asset_id"].as_str().expect("an asset id");
    world.cloud.destroy_id(asset_id).await;
    end_to_end::eventually("the vase is gone", async || {
        !stage.rows("shop/vase").await[0]["deleted_at"].is_null()
    })
    .await;
    let foreign = json!({"paramsToSign": {"public_id": "shop/vase"}});
    stage.post(&stage.other, foreign).await.ok();
    let back = world.cloud.upload("shop/vase", 3).await;
    let same = "the stand-in revives the old id";
    assert_eq!(json!(back.asset_id), vase["cloudinary_asset_id"], "{same}");
    world
        .row_becomes("the vase is back", &back, |row| row["deleted_at"].is_null())
        .await;
    let owner = &world.row_of(&back).await["uploaded_by"];
    assert_eq!(owner, &json!(world.user_id));
}

/// The proof is never shown, and leaves Cloudinary too. The caller's own pairs stay.
async fn an_asset_proves_its_upload_and_the_proof_goes(stage: &Uploads) {
    let world = &stage.world;
    let wanted = json!({"public_id": "shop/bowl", "context": {"alt": "A bowl"}});
    let signed = stage.signed(wanted).await;
    let context = signed["context"].as_str().expect("a context");
    assert!(context.ends_with("|alt=A bowl"), "{context}");
    stage.send(&signed, picture(4), "bowl.gif").await.ok();
    end_to_end::eventually("the bowl has its owner", async || {
        let rows = stage.rows("shop/bowl").await;
        rows.iter()
            .any(|row| row["uploaded_by"] == json!(world.user_id))
    })
    .await;
    let alone = json!({"alt": "A bowl"});
    assert_eq!(stage.rows("shop/bowl").await[0]["context"], alone);
    stage.assert_proven("shop/bowl").await;
    let row = stage.rows("shop/bowl").await.remove(0);
    assert_eq!((&row["context"], &row["observed"]), (&alone, &Value::Null));
}

#[tokio::test]
async fn a_proof_is_taken_away_at_once_and_needs_no_drain() {
    let stage = Uploads::start().await;
    let no_drain = "create or replace function public.media_sync_waiting_intents(p_idle_seconds integer, p_limit integer)
        returns jsonb language sql as $$ select '[]'::jsonb $$";
    let client = end_to_end::connect(stage.world.stack.database_url()).await;
    client.batch_execute(no_drain).await.expect("a function");
    let signed = stage.signed(json!({"public_id": "shop/signed"})).await;
    stage.send(&signed, picture(1), "mug.gif").await.ok();
    stage.assert_proven("shop/signed").await;
    let answer = stage.upload_as("shop/file", 2).await;
    answer.assert_status(StatusCode::CREATED);
    stage.assert_proven("shop/file").await;
    stage.world.assert_mirrored().await;
    stage.world.stack.stop().await;
}

#[tokio::test]
async fn reservations_are_few_and_none_is_in_an_administrators_way() {
    let stage = Uploads::start().await;
    let jar = stage.signed(json!({"public_id": "shop/jar"})).await;
    names_that_are_given_are_counted_and_chosen_ones_are_not(&stage).await;
    an_administrator_takes_a_reserved_name(&stage).await;
    a_used_signature_keeps_its_name_from_others(&stage, &jar).await;
    a_restore_waits_for_the_signature_of_its_name(&stage).await;
    stage.world.stack.stop().await;
}

async fn names_that_are_given_are_counted_and_chosen_ones_are_not(stage: &Uploads) {
    let named = |number: usize| json!({"public_id": format!("shop/name-{number}")});
    // The jar is the first of twenty.
    for number in 1..20 {
        stage.signed(named(number)).await;
    }
    let refused = stage.sign(named(20)).await;
    refused.assert_refused(StatusCode::TOO_MANY_REQUESTS, "too_many_uploads");
    let chosen = stage.signed(json!({"folder": "shop"})).await;
    assert!(!chosen.contains_key("context"), "{chosen:?}");
}

async fn an_administrator_takes_a_reserved_name(stage: &Uploads) {
    let wanted = json!({"paramsToSign": {"public_id": "shop/name-1"}});
    let other = stage.post(&stage.other, wanted.clone()).await;
    other.assert_refused(StatusCode::CONFLICT, "public_id_reserved");
    stage.post(&stage.world.admin, wanted).await.ok();
}

async fn a_used_signature_keeps_its_name_from_others(
    stage: &Uploads,
    jar: &serde_json::Map<String, Value>,
) {
    stage.send(jar, picture(5), "jar.gif").await.ok();
    end_to_end::eventually("the jar is stored", async || {
        stage.outcome(&jar["upload"]["id"]).await == "stored"
    })
    .await;
    let row = stage.rows("shop/jar").await.remove(0);
    let asset_id = row["cloudinary_asset_id"].as_str().expect("an asset id");
    stage.world.cloud.destroy_id(asset_id).await;
    end_to_end::eventually("the jar is gone", async || {
        !stage.rows("shop/jar").await[0]["deleted_at"].is_null()
    })
    .await;
    let wanted = json!({"paramsToSign": {"public_id": "shop/jar"}});
    let other = stage.post(&stage.other, wanted).await;
    other.assert_refused(StatusCode::CONFLICT, "public_id_reserved");
}

/// Somebody who asks for a deleted asset back does not get between a signature and its name.
async fn a_restore_waits_for_the_signature_of_its_name(stage: &Uploads) {
    let world = &stage.world;
    let plate = world.mirrored("shop/plate", 6).await;
    world.give(&plate, &stage.other_id).await;
    world.cloud.destroy(&plate).await;
    world
        .row_becomes("the plate is gone", &plate, |row| {
            !row["deleted_at"].is_null()
        })
        .await;
    stage
        .signed(json!({"folder": "shop", "public_id": "shop/plate"}))
        .await;
    let which = "cloudinary_public_id=eq.shop/plate";
    let back = json!({"deleted_at": null});
    let refused = world.write(which, &stage.other, back.clone()).await;
    refused.assert_status(StatusCode::CONFLICT);
    let admin = world.write(which, &world.admin, back).await;
    admin.assert_status(StatusCode::OK);
}

//! A row that the project's own trigger or constraint refuses is left out, and keeps a page from nothing else.

use end_to_end::{World, id_of};
use media_sync::cloudinary::CloudinaryResource;
use serde_json::{Value, json};

#[tokio::test]
async fn a_row_that_a_trigger_or_a_constraint_refuses_keeps_a_run_from_nothing_else() {
    let world = World::start().await;
    world.cloud.chaos(json!({"drop": 1.0})).await;
    let pot = world.cloud.upload("shop/pot", 1).await;
    for (number, code) in ["P0001", "23503", "SHOP1", "09000"].iter().enumerate() {
        refuse_pots(&world, code).await;
        let prefix = format!("good-{number}-");
        world.cloud.seed(12, &["image", "raw"], &prefix).await;
        run_leaves_out(&world, &pot, "no pots here").await;
        let there = format!(
            "select count(*) from public.media_assets where starts_with(cloudinary_public_id, '{prefix}')"
        );
        assert_eq!(world.count(&there).await, 12, "{code}");
    }
    let lift = "drop trigger no_pots on public.media_assets";
    let client = end_to_end::connect(world.stack.database_url()).await;
    client.batch_execute(lift).await.expect("dropped");
    world.sync(json!({})).await.ok();
    one_number_for_two_is_refused(&world, &pot).await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

/// The rule comes after the decision: for what it refuses nobody can write anything down.
#[tokio::test]
async fn a_row_that_a_rule_refuses_holds_up_nobody_elses_decisions() {
    let world = World::start().await;
    let pot = world.mirrored("shop/pot", 1).await;
    let pan = world.mirrored("shop/pan", 2).await;
    let client = end_to_end::connect(world.stack.database_url()).await;
    let decided = format!(
        "begin; update public.media_assets set tags = '{{sale}}'; {}; commit",
        no_pots("P0001")
    );
    client.batch_execute(&decided).await.expect("a rule");
    let drain = json!({"action": "drain"});
    world.invoke("MaintenanceFunctionName", drain.clone()).await;
    world
        .row_becomes("the pan is on sale", &pan, |row| {
            row["sync_status"] == "synced" && row["tags"] == json!(["sale"])
        })
        .await;
    assert_eq!(world.row_of(&pot).await["sync_status"], "pending");
    only_the_pan_is_claimed(&world, &pan).await;
    let lift = "drop trigger no_pots on public.media_assets";
    client.batch_execute(lift).await.expect("dropped");
    world.drain().await;
    world.settle().await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

async fn only_the_pan_is_claimed(world: &World, pan: &CloudinaryResource) {
    let refused = "begin; alter table public.media_assets disable trigger no_pots;
        update public.media_assets set tags = '{sale, new}'; set local media_sync.observing = 'on';
        update public.media_assets
        set sync_status = 'error', sync_error_code = 'refused', sync_error_message = 'no pots here';
        alter table public.media_assets enable trigger no_pots; commit";
    let client = end_to_end::connect(world.stack.database_url()).await;
    client.batch_execute(refused).await.expect("written");
    let retried = world
        .request("media_request_retry", &world.admin, json!({}))
        .await;
    let row_id = world.row_of(pan).await["id"].clone();
    assert_eq!(retried.ok()["done"][0]["asset_row_id"], row_id);
    let claim = "select public.media_sync_claim_intents(
        array(select id from public.media_assets), gen_random_uuid(), 1,
        (select looked_as from media_sync.library)) as answer";
    let answer = &world.rows(claim, &[]).await[0]["answer"];
    assert_eq!(answer["rows"].as_array().map(Vec::len), Some(1), "{answer}");
    assert_eq!(answer["rows"][0]["id"], row_id);
    assert_eq!((&answer["busy"], &answer["left"]), (&json!([]), &json!([])));
}

async fn refuse_pots(world: &World, code: &str) {
    let client = end_to_end::connect(world.stack.database_url()).await;
    client.batch_execute(&no_pots(code)).await.expect("a rule");
}

/// A rule of a company's, which raises this SQLSTATE.
fn no_pots(code: &str) -> String {
    format!(
        "create or replace function public.no_pots() returns trigger language plpgsql as $$
        begin
            if new.cloudinary_public_id = 'shop/pot' then
                raise exception 'no pots here' using errcode = '{code}';
            end if;
            return new;
        end $$;
        create or replace trigger no_pots before insert or update on public.media_assets
            for each row execute function public.no_pots()"
    )
}

/// Of two assets with one number, one is left out. The database's unique index is the company's.
async fn one_number_for_two_is_refused(world: &World, pot: &CloudinaryResource) {
    let index = "create unique index numbers on public.media_assets ((context ->> 'number'))";
    let client = end_to_end::connect(world.stack.database_url()).await;
    client.batch_execute(index).await.expect("an index");
    world.cloud.upload("shop/pan", 2).await;
    world.cloud.upload("shop/cup", 3).await;
    world
        .cloud
        .merge_context("shop/pan", &[("number", "7")])
        .await;
    world.sync(json!({})).await.ok();
    world
        .cloud
        .merge_context("shop/pot", &[("number", "7")])
        .await;
    world.cloud.add_tag("shop/cup", "late").await;
    run_leaves_out(world, pot, "numbers").await;
    let late = "select count(*) from public.media_assets where tags @> '{late}'";
    assert_eq!(world.count(late).await, 1);
    let lift = "drop index public.numbers";
    client.batch_execute(lift).await.expect("dropped");
    world.sync(json!({})).await.ok();
}

/// The run fails, and names the asset and the reason.
async fn run_leaves_out(world: &World, asset: &CloudinaryResource, reason: &str) {
    let answer = world.sync(json!({"mode": "full"})).await;
    let error: &Value = &answer.body["errors"][0];
    assert_eq!(error["code"], "values_refused", "{}", answer.body);
    let message = error["message"].as_str().unwrap_or_default();
    assert!(message.contains(id_of(asset).as_str()), "{message}");
    assert!(message.contains(reason), "{message}");
}

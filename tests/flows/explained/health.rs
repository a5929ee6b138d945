//! The health of the mirror, from good to down.

use end_to_end::{HttpAnswer, World, now};
use local_stack::StackPart;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::HEALTH;

async fn ask(world: &World, token: Option<&str>, query: &str) -> HttpAnswer {
    let path = format!("{HEALTH}{query}");
    world.call(Method::GET, &path, token, None).await
}

/// The administrator's answer.
async fn tell(world: &World, query: &str) -> Value {
    ask(world, Some(&world.admin), query).await.ok()
}

fn codes(body: &Value) -> Vec<&str> {
    let reasons = body["reasons"].as_array().expect("a list").iter();
    let codes = reasons.map(|reason| reason["code"].as_str().expect("a code"));
    codes.collect()
}

pub(super) async fn strangers_hear_one_word(world: &World) {
    world.stack.reset_gateway_counts();
    let alive = ask(world, None, "").await.ok();
    assert_eq!(alive["status"], "ok");
    // Status, version, build, and the schema that the functions expect.
    assert_eq!(alive.as_object().expect("an object").len(), 4, "{alive}");
    for (token, query, status) in [
        (None, "?probe=cloudinary", StatusCode::UNAUTHORIZED),
        (Some("a.b.c"), "", StatusCode::UNAUTHORIZED),
        (
            Some(&*world.user),
            "?probe=cloudinary",
            StatusCode::FORBIDDEN,
        ),
    ] {
        ask(world, token, query).await.assert_status(status);
    }
    let user = ask(world, Some(&*world.user), "").await.ok();
    assert_eq!(user, alive, "ordinary users hear no more");
    let counts = world.stack.gateway_counts();
    assert_eq!(counts.of("POST /rest/v1/rpc/media_sync_health"), 0);
}

pub(super) async fn a_new_mirror_has_never_reconciled(world: &World) {
    let first = tell(world, "").await;
    assert_eq!(first["status"], "degraded");
    assert_eq!(codes(&first), ["never_reconciled"], "{first}");
    assert_eq!(first["queues"].as_object().expect("an object").len(), 6);
}

/// Its quota is shared, so only a probe costs a call.
pub(super) async fn a_reconciled_mirror_is_well(world: &World) {
    world.sync(json!({})).await;
    world.cloud.reset_requests().await;
    let well = tell(world, "").await;
    assert_eq!(well["status"], "ok", "{well}");
    assert_eq!(well["database"]["reachable"], true);
    let schema = &well["schema"];
    assert_eq!(schema["version"], schema["expected"], "{well}");
    let quota = &well["cloudinary"]["quota"];
    assert!(quota["remaining"].is_u64(), "{well}");
    assert_eq!(world.cloud.requests().await, json!({}));
    let probed = tell(world, "?probe=cloudinary").await;
    assert_eq!(probed["cloudinary"]["reachable"], true, "{probed}");
    assert_eq!(world.cloud.requests().await, json!({"ping": 1}));
}

pub(super) async fn break_everything(world: &World) {
    for sql in [
        // A full run that was stopped, for which no incremental one makes up.
        "insert into public.sync_runs (mode, trigger, status, error_code, finished_at)
        values ('full', 'schedule', 'stopped', 'mass_delete', now()),
            ('incremental', 'schedule', 'succeeded', null, now() + interval '1 minute') returning id",
        // A decision that nobody carries out.
        "insert into public.media_assets
        (cloudinary_asset_id, cloudinary_public_id, resource_type, sync_status, intent, sync_next_attempt_at)
        values (md5('x'), 'x', 'image', 'pending', jsonb_build_object('at', 1, 'folder',
            jsonb_build_object('to', 'a', 'base', '', 'at', 1)), now() + interval '1 day') returning id",
        // A newer release's migration, as if the functions were still to follow.
        "insert into media_sync.schema_versions (version, name) values ('29990101000000', 'newer') returning version",
    ] {
        world.rows(sql, &[]).await;
    }
    let killed = world.stack.kill(StackPart::Cloudinary).await;
    killed.expect("the stand-in runs");
}

pub(super) async fn every_reason_is_told(world: &World) {
    let ill = tell(world, "?probe=cloudinary").await;
    assert_eq!(
        codes(&ill),
        ["cloudinary", "schema_ahead", "last_run", "pending_for_long"]
    );
    let age = ill["intents"]["oldest_pending_seconds"].as_i64();
    let is_told = age.is_some_and(|age| (age - now()).abs() < 60);
    assert!(is_told, "{ill}");
}

pub(super) async fn the_drain_tells_cloudwatch(world: &World) {
    world.drain().await;
    let log = world.stack.function_log("Maintenance").await;
    let log = log.expect("the emulator answers");
    let metrics = log
        .lines()
        .rev()
        .find(|line| line.contains("reconciliation_lateness"));
    let metrics = metrics.expect("the drain has told its metrics");
    assert!(metrics.contains("\"last_run_failed\":1.0"), "{metrics}");
}

/// It lives all the same.
pub(super) async fn without_a_database_it_is_down(world: &World) {
    let killed = world.stack.kill(StackPart::PostgREST).await;
    killed.expect("PostgREST runs");
    let down = ask(world, Some(&world.admin), "").await;
    let down = down.body_with(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(down["status"], "down");
    ask(world, None, "").await.assert_status(StatusCode::OK);
}

//! The database, or what stands in front of it, fails in ways that pass by themselves: runs rest and go on,
//! messages wait together, and the API asks callers to come again.

use end_to_end::{World, eventually, tags_changed};
use local_stack::{FaultAnswer, GatewayFault};
use media_sync::queue::NotificationMessage;
use media_sync::sync::clients::SyncClients;
use media_sync::sync::ingest::Ingest;
use media_sync::time::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const ASSETS: u64 = 60;
const PAGE: u64 = 20;
const APPLY: &str = "rpc/media_sync_apply";
const LIST: &str = "/api/cloudinary/media";

const PAGE_OF_HTML: &str = "<!DOCTYPE html><html><title>Web server is down</title></html>";

/// Answers of the network in front, of the gateway, of PostgREST and of PostgreSQL.
const PASSING: [(u16, &str); 30] = [
    (400, PAGE_OF_HTML),
    (403, PAGE_OF_HTML),
    (404, PAGE_OF_HTML),
    (500, PAGE_OF_HTML),
    (502, ""),
    (504, r#"{"message":"The upstream server is timing out"}"#),
    (520, PAGE_OF_HTML),
    (521, PAGE_OF_HTML),
    (522, PAGE_OF_HTML),
    (523, PAGE_OF_HTML),
    (524, PAGE_OF_HTML),
    (525, PAGE_OF_HTML),
    (526, PAGE_OF_HTML),
    (527, PAGE_OF_HTML),
    (530, PAGE_OF_HTML),
    (540, r#"{"message":"Project paused"}"#),
    (544, r#"{"code":544,"message":"pool timeout"}"#),
    (200, PAGE_OF_HTML),
    (503, r#"{"code":"PGRST002","message":"no schema cache"}"#),
    (404, r#"{"code":"PGRST202","message":"no function"}"#),
    (400, r#"{"code":"PGRST204","message":"no column"}"#),
    (404, r#"{"code":"PGRST205","message":"no table"}"#),
    (404, r#"{"code":"42883","message":"no function"}"#),
    (405, r#"{"code":"25006","message":"read only"}"#),
    (500, r#"{"code":"25P03","message":"idle in transaction"}"#),
    (503, r#"{"code":"53100","message":"disk full"}"#),
    (503, r#"{"code":"53200","message":"out of memory"}"#),
    (500, r#"{"code":"57P01","message":"terminating"}"#),
    (500, r#"{"code":"57P05","message":"idle session"}"#),
    (503, r#"{"code":"08006","message":"connection failure"}"#),
];

/// Refusals of the service's own key.
const KEY: [(u16, &str); 3] = [
    (401, r#"{"message":"Invalid API key"}"#),
    (
        401,
        r#"{"code":"PGRST301","message":"JWSInvalidSignature"}"#,
    ),
    (401, r#"{"code":"PGRST303","message":"JWT expired"}"#),
];

#[tokio::test]
async fn what_passes_by_itself_ends_no_run_and_is_told_as_such() {
    let world = World::start().await;
    world.cloud.seed(ASSETS, &["image"], "passing-").await;
    for (status, body) in PASSING.into_iter().chain(KEY) {
        a_run_rests_and_goes_on(&world, status, body).await;
    }
    for (status, body) in PASSING {
        the_api_asks_to_come_again(&world, status, body).await;
    }
    nobody_hears_of_the_services_key(&world).await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

/// Of requests whose paths end so, one is answered after this many.
fn answer_once(world: &World, path: &str, after: u32, status: u16, body: &str) {
    let fault = FaultAnswer {
        status,
        body: body.to_owned(),
        path: path.to_owned(),
        after,
        times: 1,
    };
    world
        .stack
        .set_gateway_fault(Some(GatewayFault::Answer(fault)));
}

async fn a_run_rests_and_goes_on(world: &World, status: u16, body: &str) {
    let wanted = json!({"mode": "full", "batch_size": PAGE});
    answer_once(world, APPLY, 1, status, body);
    let answer = world.sync(wanted.clone()).await;
    assert_comes_again(&answer, status, body);
    let resting = world
        .value("select id from public.sync_runs where status = 'running'")
        .await;
    let answer = world.sync(wanted).await;
    assert_eq!(answer.body["status"], "succeeded", "{}", answer.body);
    let sql = "select status, (counters ->> 'listed')::int as listed from public.sync_runs
        where id::text = $1";
    let id = resting.as_str().unwrap_or_default();
    let run = world.rows(sql, &[&id]).await;
    assert_eq!(
        run,
        [json!({"status": "succeeded", "listed": ASSETS})],
        "{status} {body}"
    );
}

async fn the_api_asks_to_come_again(world: &World, status: u16, body: &str) {
    answer_once(world, "", 0, status, body);
    assert_comes_again(&world.get(LIST).await, status, body);
    world.get(LIST).await.ok();
}

fn assert_comes_again(answer: &end_to_end::HttpAnswer, status: u16, body: &str) {
    assert_eq!(
        answer.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "{status} {body}: {}",
        answer.body
    );
    assert!(
        answer.headers.contains_key("retry-after"),
        "{status} {body}"
    );
}

/// The user's own token that is refused is another matter.
async fn nobody_hears_of_the_services_key(world: &World) {
    let (status, body) = KEY[1];
    answer_once(world, "rpc/media_sync_lead_run", 0, status, body);
    let answer = world.sync(json!({})).await;
    answer.assert_refused(StatusCode::SERVICE_UNAVAILABLE, "database_unavailable");
    answer_once(world, "", 0, status, body);
    let answer = world.get(LIST).await;
    answer.assert_refused(StatusCode::UNAUTHORIZED, "token_refused");
}

#[tokio::test]
async fn a_batch_waits_whole_for_what_passes_by_itself() {
    let world = World::start().await;
    world.cloud.seed(ASSETS, &["image"], "passing-").await;
    world.sync(json!({})).await;
    let messages = messages_about_all(&world).await;
    let (cloudinary, store) = world.clients();
    let ingest = Ingest {
        clients: SyncClients { cloudinary, store },
        outbound: None,
    };
    let apply = format!("POST /rest/v1/{APPLY}");
    for (status, body) in PASSING.into_iter().chain(KEY) {
        answer_once(&world, APPLY, 0, status, body);
        world.stack.reset_gateway_counts();
        let verdicts = ingest.apply_batch(messages.clone()).await;
        let waits = verdicts.iter().filter(|verdict| verdict.is_err()).count();
        assert_eq!(waits, messages.len(), "{status} {body}");
        let calls = world.stack.gateway_counts().of(&apply);
        assert_eq!(
            calls, 1,
            "no part is tried alone: {status} {body}: {verdicts:?}"
        );
    }
    // Too much at once, for the gateway and for the time: the halves are not.
    for (status, body) in [
        (413, PAGE_OF_HTML),
        (500, r#"{"code":"57014","message":"canceling statement"}"#),
    ] {
        answer_once(&world, APPLY, 0, status, body);
        world.stack.reset_gateway_counts();
        let verdicts = ingest.apply_batch(messages.clone()).await;
        assert!(verdicts.iter().all(Result::is_ok), "{status}: {verdicts:?}");
        assert_eq!(world.stack.gateway_counts().of(&apply), 3, "{status}");
    }
    world.stack.stop().await;
}

async fn messages_about_all(world: &World) -> Vec<NotificationMessage> {
    let sql = "select cloudinary_asset_id, cloudinary_public_id, resource_type from public.media_assets limit 20";
    let rows = world.rows(sql, &[]).await;
    assert_eq!(rows.len(), 20);
    rows.iter()
        .map(|row| tags_changed(row, Timestamp::now()))
        .collect()
}

#[tokio::test]
async fn a_page_that_takes_too_long_shrinks_and_the_run_remembers_it() {
    let world = World::start().await;
    world.cloud.seed(ASSETS, &["image"], "slow-").await;
    answer_once(
        &world,
        APPLY,
        1,
        500,
        r#"{"code":"57014","message":"canceling statement due to statement timeout"}"#,
    );
    let wanted = json!({"mode": "full", "batch_size": PAGE});
    let answer = world.sync(wanted).await;
    answer.assert_status(StatusCode::OK);
    let run: Vec<Value> = world
        .rows(
            "select status, options -> 'batch_size' as asked, counters -> 'pages' as pages, counters -> 'listed' as listed from public.sync_runs",
            &[],
        )
        .await;
    // One of 20, four of 10, and the empty ones of the other two types.
    assert_eq!(
        run,
        [json!({"status": "succeeded", "asked": PAGE, "pages": 7, "listed": ASSETS})]
    );
    world.assert_mirrored().await;
    world.stack.stop().await;
}

const OUT_OF_MEMORY: &str = r#"{"code":"53200","message":"out of memory"}"#;

#[tokio::test]
async fn a_run_that_never_gets_further_is_told_and_given_up_by_force() {
    let world = World::start().await;
    world.cloud.seed(ASSETS, &["image"], "stuck-").await;
    for _ in 0..3 {
        answer_once(&world, APPLY, 0, 503, OUT_OF_MEMORY);
        let answer = world.sync(json!({"mode": "full"})).await;
        answer.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    }
    let (path, admin) = ("/api/cloudinary/health", Some(world.admin.as_str()));
    let health = world.call(Method::GET, path, admin, None).await.body;
    let reasons = health["reasons"].as_array().cloned().unwrap_or_default();
    let is_stuck = |reason: &Value| reason["code"] == "run_stuck";
    assert!(reasons.iter().any(is_stuck), "{health}");
    let forced = world.sync(json!({"force": true})).await;
    assert_eq!(forced.body["status"], "succeeded", "{}", forced.body);
    let runs = "select status, error_code from public.sync_runs order by started_at";
    let given_up = json!({"status": "failed", "error_code": "database"});
    let succeeded = json!({"status": "succeeded", "error_code": null});
    assert_eq!(world.rows(runs, &[]).await, [given_up, succeeded]);
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn a_service_key_that_is_refused_rings() {
    const ALARM: &str = "ServiceKeyAlarm";
    let world = World::start().await;
    let drain = json!({"action": "drain"});
    assert!(!world.is_breached(ALARM).await);
    let (status, body) = KEY[1];
    let fault = FaultAnswer {
        status,
        body: body.to_owned(),
        path: "media_sync_health".to_owned(),
        after: 0,
        times: u32::MAX,
    };
    world
        .stack
        .set_gateway_fault(Some(GatewayFault::Answer(fault)));
    eventually("it rings", async || {
        let drained = world.stack.invoke("Maintenance", &drain).await;
        drained.expect("the emulator answers");
        world.is_breached(ALARM).await
    })
    .await;
    world.stack.set_gateway_fault(None);
    world.stack.stop().await;
}

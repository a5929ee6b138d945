//! The Admin API's quota is people's first: runs leave a reserve, and wait where it begins.

use end_to_end::{World, eventually, post};
use local_stack::{LocalStack, QueueDepth, StackOptions};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// As after the rest that the database remembers.
async fn let_the_rest_end(world: &World) {
    let ended =
        "update public.sync_runs set resume_at = now() where status = 'running' returning id";
    assert_eq!(world.rows(ended, &[]).await.len(), 1);
}

async fn calls(world: &World) -> u64 {
    let requests = world.cloud.requests().await;
    let counts = requests.as_object().expect("counts by name").values();
    counts.map(|count| count.as_u64().expect("a count")).sum()
}

#[tokio::test]
async fn a_run_leaves_the_reserve_to_people_and_goes_on_after_the_reset() {
    let world = World::start().await;
    set_the_clock_to_half_past(&world).await;
    world.cloud.seed(60, &["image"], "image-").await;
    let answer = world.sync(json!({})).await;
    assert_eq!(answer.body["synced_items"], 60, "{}", answer.body);
    let run = a_run_waits_where_the_reserve_begins(&world).await;
    the_waiting_run_is_told(&world).await;
    nobody_makes_it_go_on_before_its_time(&world, &run).await;
    an_early_message_is_replaced_by_a_later_one(&world, &run).await;
    people_use_the_reserve(&world).await;
    the_run_goes_on_from_its_checkpoint(&world).await;
    only_the_held_messages_are_left(&world).await;
    world.stack.stop().await;
}

/// On Cloudinary's clock: its hour does not end in the middle of the story.
async fn set_the_clock_to_half_past(world: &World) {
    let past_half = (end_to_end::now() - 1_800).rem_euclid(3_600);
    let skew = json!({"clock_skew_ms": -1_000 * past_half});
    world.cloud.set(skew).await;
}

/// Gives the run's id.
async fn a_run_waits_where_the_reserve_begins(world: &World) -> Value {
    // 120 calls an hour: 50 are kept. Of the 55 that are left, a run may use five.
    let rate = json!({"rate_limit": 120, "rate_remaining": 55});
    world.cloud.set(rate).await;
    world.cloud.reset_requests().await;
    let answer = world.sync(json!({"batch_size": 10})).await;
    let run = answer.body_with(StatusCode::ACCEPTED);
    assert_eq!(run["status"], "running");
    assert_eq!(run["errors"][0]["code"], "quota_reserve");
    assert!(run["resume_at"].is_string(), "{run}");
    assert_eq!(calls(world).await, 5, "not one that is kept for people");
    run["run_id"].clone()
}

async fn the_waiting_run_is_told(world: &World) {
    let status = world.get("/api/cloudinary/sync").await.body;
    let run = &status["current_run"];
    let listed = &run["counters"]["listed"];
    assert_eq!(listed, 50, "all five pages are written: {run}");
    assert_eq!(run["quota_remaining"], 50);
    assert!(run["resume_at"].is_string(), "{run}");
    assert!(run["predicted_end"].is_string(), "{run}");
    assert_eq!(status["quota"]["remaining"], 50, "{status}");
}

/// Neither a schedule nor a person.
async fn nobody_makes_it_go_on_before_its_time(world: &World, run: &Value) {
    for mode in ["incremental", "full"] {
        let answer = world.reconcile(json!({"mode": mode})).await;
        assert_eq!(answer["status"], "resting", "{answer}");
    }
    let again = world.sync(json!({})).await;
    assert_eq!(&again.body["run_id"], run, "{}", again.body);
    assert_eq!(calls(world).await, 5);
}

async fn held(world: &World) -> QueueDepth {
    let depths = world.stack.queue_depths().await;
    depths.expect("the emulator answers")["ReconcileQueue"]
}

async fn an_early_message_is_replaced_by_a_later_one(world: &World, run: &Value) {
    // One message waits in the queue, held back; those who came too early have sent none.
    let before = held(world).await;
    let counts = (before.delayed, before.visible, before.in_flight);
    assert_eq!(counts, (1, 0, 0));
    let body = json!({"v": 1, "kind": "continue_reconcile", "run_id": run}).to_string();
    let message = json!({"messageId": "early", "body": body});
    world.reconcile(json!({"Records": [message]})).await;
    assert_eq!(calls(world).await, 5);
    assert_eq!(held(world).await.delayed, 2);
}

/// And what that leaves is told to all functions.
async fn people_use_the_reserve(world: &World) {
    let name = "select cloudinary_public_id from public.media_assets order by 1 limit 1";
    let name = world.value(name).await;
    let name = name.as_str().expect("a name");
    let path = format!("/api/cloudinary/media?public_ids={name}");
    let admin = Some(world.admin.as_str());
    let deleted = world.call(Method::DELETE, &path, admin, None).await.body;
    assert_eq!(deleted["deleted"], json!([name]), "{deleted}");
    world.settle().await;
    eventually("the worker has told what is left", async || {
        let left = "select remaining from public.cloudinary_quota";
        world.value(left).await.as_u64() < Some(50)
    })
    .await;
}

async fn let_the_hour_end(world: &World) {
    let rate = json!({"rate_limit": 120, "rate_remaining": 120});
    world.cloud.set(rate).await;
    let reset = "update public.cloudinary_quota set reset_at = now() - interval '2 hours' returning remaining";
    world.rows(reset, &[]).await;
    let_the_rest_end(world).await;
}

async fn the_run_goes_on_from_its_checkpoint(world: &World) {
    let_the_hour_end(world).await;
    let answer = world.reconcile(json!({"mode": "incremental"})).await;
    assert_eq!(answer["status"], "finished", "{answer}");
    let runs = "select status, counters, resume_at from public.sync_runs order by started_at";
    let runs = world.rows(runs, &[]).await;
    assert_eq!(runs[1]["status"], "succeeded", "{runs:?}");
    assert_eq!(runs[1]["counters"]["listed"], 59, "not anew");
    assert_eq!(runs[1]["resume_at"], Value::Null);
}

async fn only_the_held_messages_are_left(world: &World) {
    world.settle().await;
    let compared = local_stack::compare::differences(&world.stack).await;
    let compared = compared.expect("both sides answer");
    let expected = ["ReconcileQueue holds 2 messages"];
    assert_eq!(compared.differences, expected, "those that are held back");
    assert_eq!(compared.cloudinary, compared.database);
}

#[tokio::test]
async fn a_refusal_for_the_quota_waits_and_one_for_an_add_on_fails() {
    let world = World::start().await;
    world.cloud.seed(3, &["image"], "image-").await;
    let refusal = |message: &str| json!({"operation": "resources_image", "status": 420, "body": {"error": {"message": message}}});
    let reset = media_sync::time::Timestamp::from_secs(end_to_end::now() + 1_800);
    let moment = &reset.to_string()[..19].replace('T', " ");
    let quota = format!(
        "Rate Limit Exceeded. Limit of 500 api operations reached. Try again on {moment} UTC"
    );
    world.cloud.fault(refusal(&quota)).await;
    let answer = world.sync(json!({})).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    assert_eq!(answer.body["errors"][0]["code"], "cloudinary_quota");
    let minutes = "extract(epoch from (select resume_at from public.sync_runs) - now()) / 60";
    let minutes = world.value(minutes).await.as_f64().unwrap();
    assert!((28.0..31.0).contains(&minutes), "{minutes}");
    world.cloud.clear_faults().await;
    let_the_rest_end(&world).await;
    let answer = world.sync(json!({})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);

    world
        .cloud
        .fault(refusal(
            "You don't have an active subscription for Google AI Video",
        ))
        .await;
    let answer = world.sync(json!({})).await;
    assert!(
        answer.status.is_server_error(),
        "{} {}",
        answer.status,
        answer.body
    );
    let last = world
        .rows("select status, error_code, resume_at from public.sync_runs order by started_at desc limit 1", &[])
        .await;
    assert_eq!(last[0]["status"], "failed", "{last:?}");
    assert_eq!(last[0]["error_code"], "cloudinary_add_on");
    assert_eq!(last[0]["resume_at"], Value::Null);
    world.stack.stop().await;
}

#[tokio::test]
async fn of_two_readings_the_newer_one_stays() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let note = format!("{}/rest/v1/rpc/media_sync_note_quota", stack.supabase_url());
    let lead = format!("{}/rest/v1/rpc/media_sync_lead_run", stack.supabase_url());
    let told = |second: u32, remaining: u32| {
        json!({"p_quota": {"limit": 500, "remaining": remaining,
            "reset": "2026-01-01T01:00:00Z", "seen_at": format!("2026-01-01T00:00:{second:02}Z")}})
    };
    for (second, remaining) in [(10, 400), (20, 300), (15, 350), (20, 310), (20, 290)] {
        let answer = post(&note, stack.secret_key(), &told(second, remaining)).await;
        assert!(answer.status.is_success(), "{}", answer.body);
    }
    let answer = post(&lead, stack.secret_key(), &json!({"p_mode": "full"})).await;
    assert_eq!(
        answer.body["quota"]["remaining"], 290,
        "a leader is told: {}",
        answer.body
    );
    assert_eq!(answer.body["quota"]["seen_at"], "2026-01-01T00:00:20+00:00");
    let answer = post(&note, stack.publishable_key(), &told(30, 1)).await;
    assert_eq!(answer.status, 401, "only workers tell: {}", answer.body);
    stack.stop().await;
}

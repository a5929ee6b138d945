//! The Admin API's quota is people's first: runs leave a reserve, and wait where it begins.

use end_to_end::{World, eventually, post};
use local_stack::{Options, Stack};
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
    // Half past on Cloudinary's clock: its hour does not end in the middle of the story.
    let past_half = (end_to_end::now() - 1_800).rem_euclid(3_600);
    world
        .cloud
        .set(json!({"clock_skew_ms": -1_000 * past_half}))
        .await;
    world.cloud.seed(60, &["image"], "image-").await;
    let answer = world.sync(json!({})).await;
    assert_eq!(answer.body["synced_items"], 60, "{}", answer.body);
    // 120 calls an hour: 50 are kept. Of the 55 that are left, a run may use five.
    world
        .cloud
        .set(json!({"rate_limit": 120, "rate_remaining": 55}))
        .await;
    world.cloud.reset_requests().await;

    let answer = world.sync(json!({"batch_size": 10})).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    assert_eq!(answer.body["status"], "running");
    assert_eq!(answer.body["errors"][0]["code"], "quota_reserve");
    assert!(answer.body["resume_at"].is_string(), "{}", answer.body);
    assert_eq!(calls(&world).await, 5, "not one that is kept for people");

    let status = world.get("/api/cloudinary/sync").await.body;
    let run = &status["current_run"];
    assert_eq!(
        run["counters"]["listed"], 50,
        "all five pages are written: {run}"
    );
    assert_eq!(run["quota_remaining"], 50);
    assert!(
        run["resume_at"].is_string() && run["predicted_end"].is_string(),
        "{run}"
    );
    assert_eq!(status["quota"]["remaining"], 50, "{status}");

    // Neither a schedule nor a person makes it go on before its time.
    for mode in ["incremental", "full"] {
        let event = json!({"mode": mode});
        let invoked = world
            .stack
            .invoke("ReconcileFunctionName", &event)
            .await
            .unwrap();
        assert_eq!(invoked.payload["status"], "resting", "{invoked:?}");
    }
    let again = world.sync(json!({})).await;
    assert_eq!(
        again.body["run_id"], answer.body["run_id"],
        "{}",
        again.body
    );
    assert_eq!(calls(&world).await, 5);
    // One message waits in the queue, held back; those who came too early have sent none.
    let held = async || {
        world
            .stack
            .queue_depths()
            .await
            .expect("the emulator answers")["ReconcileQueue"]
    };
    let before = held().await;
    assert_eq!(
        (before.delayed, before.visible, before.in_flight),
        (1, 0, 0)
    );
    // A message that comes too early is replaced by one that comes later.
    let run_id = &answer.body["run_id"];
    let body = json!({"v": 1, "kind": "continue_reconcile", "run_id": run_id}).to_string();
    let event = json!({"Records": [{"messageId": "early", "body": body}]});
    let invoked = world
        .stack
        .invoke("ReconcileFunctionName", &event)
        .await
        .unwrap();
    assert!(invoked.error.is_none(), "{invoked:?}");
    assert_eq!(calls(&world).await, 5);
    assert_eq!(held().await.delayed, 2);

    // People use what was kept for them, and what that leaves is told to all functions.
    let gone = world
        .rows(
            "select cloudinary_public_id as name from public.media_assets order by 1 limit 1",
            &[],
        )
        .await;
    let name = gone[0]["name"].as_str().unwrap();
    let path = format!("/api/cloudinary/media?public_ids={name}");
    let deleted = world
        .call(Method::DELETE, &path, Some(&world.admin), None)
        .await;
    assert_eq!(deleted.body["deleted"], json!([name]), "{}", deleted.body);
    world.settle().await;
    eventually("the worker has told what is left", async || {
        world
            .value("select remaining from public.cloudinary_quota")
            .await
            .as_u64()
            < Some(50)
    })
    .await;

    // The hour is over.
    world
        .cloud
        .set(json!({"rate_limit": 120, "rate_remaining": 120}))
        .await;
    world
        .rows("update public.cloudinary_quota set reset_at = now() - interval '2 hours' returning remaining", &[])
        .await;
    let_the_rest_end(&world).await;
    let event = json!({"mode": "incremental"});
    let invoked = world
        .stack
        .invoke("ReconcileFunctionName", &event)
        .await
        .unwrap();
    assert_eq!(invoked.payload["status"], "finished", "{invoked:?}");
    let runs = world
        .rows(
            "select status, counters, resume_at from public.sync_runs order by started_at",
            &[],
        )
        .await;
    assert_eq!(runs[1]["status"], "succeeded", "{runs:?}");
    assert_eq!(
        runs[1]["counters"]["listed"], 59,
        "from its checkpoint, not anew"
    );
    assert_eq!(runs[1]["resume_at"], Value::Null);
    world.settle().await;
    let compared = local_stack::compare::differences(&world.stack)
        .await
        .unwrap();
    let expected = ["ReconcileQueue holds 2 messages"];
    assert_eq!(compared.differences, expected, "those that are held back");
    assert_eq!(compared.cloudinary, compared.database);
    world.stack.stop().await;
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
    let stack = Stack::start(Options::database_only()).await.unwrap();
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

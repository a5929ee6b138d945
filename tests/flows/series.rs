//! The mirror's work is told by the hour, exactly and to administrators alone.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use end_to_end::{DataApiCaller, RunningFunction};
use local_stack::{LocalStack, StackOptions, TokenClaims};
use reqwest::StatusCode;
use serde_json::{Value, json};

const PATH: &str = "/api/cloudinary/audit/series";

/// Work of two hours: one that ended three hours ago, and the one before it. The second has more entries than are counted.
const WORK: &str = "
    insert into public.media_sync_log (occurred_at, operation, status, source, error_code)
    select hour + n * interval '1 second', operation, status, 'webhook', case when status = 'failed' then 'x' end
    from (values
        (3, 'created', 'success', 4), (3, 'edit', 'failed', 3), (3, 'conflict', 'success', 1)
    ) work (ago, operation, status, times),
    lateral (select date_trunc('hour', now(), 'UTC') - ago * interval '1 hour' as hour) hours,
    lateral generate_series(1, times) n;
    insert into public.media_sync_log (occurred_at, operation, source, cloudinary_asset_id)
    select date_trunc('hour', now(), 'UTC') - interval '3 hours' + n * interval '1 second', operation, 'api', asset
    from (values
        ('edit_requested', 'one', 0), ('edit_requested', 'one', 10), ('edit_requested', 'two', 10),
        ('edit_confirmed', 'one', 12), ('delete_confirmed', 'two', 14), ('edit_requested', 'two', 60),
        ('restore_confirmed', 'found', 20)
    ) work (operation, asset, n);
    insert into public.media_sync_log (occurred_at, operation, source)
    select date_trunc('hour', now(), 'UTC') - interval '4 hours', 'updated', 'reconcile' from generate_series(1, 10005);
    insert into public.media_notifications (
        digest, signature_timestamp, triggered_at, received_at, processed_at, verdict, replays, body
    )
    select n::text, hour, hour, hour, hour + n * interval '1 second', verdict, replays, '{}'
    from (select date_trunc('hour', now(), 'UTC') - interval '3 hours' as hour) hours,
    (values (1, 'applied', 0), (2, 'applied', 0), (3, 'applied', 0), (600, 'applied', 1), (700, 'parked', 0))
        notifications (n, verdict, replays);
    insert into public.sync_runs (mode, trigger, status, started_at, finished_at, quota_remaining, dry_run)
    select mode, 'schedule', status, hour + minute * interval '1 minute', hour + (minute + 5) * interval '1 minute', quota, dry
    from (select date_trunc('hour', now(), 'UTC') - interval '3 hours' as hour) hours,
    (values
        ('full', 'succeeded', 0, 400, false), ('incremental', 'failed', 10, 390, false),
        ('incremental', 'succeeded', 20, 395, false), ('full', 'succeeded', 30, 100, true)
    ) runs (mode, status, minute, quota, dry);
    analyze public.media_sync_log, public.media_notifications, public.sync_runs";

#[tokio::test]
async fn the_mirrors_work_is_told_by_the_hour() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let admin = TokenClaims::admin("admin@example.com");
    let program = RunningFunction::built("audit");
    let mut function = RunningFunction::start(&program, &stack).await;
    let token = stack.token(&admin);

    let idle = function.get(PATH, "hours=2", &token).await;
    assert_eq!(idle.status, 200, "{}", idle.body);
    let hours = idle.body["hours"].as_array().unwrap();
    assert_eq!(hours.len(), 2);
    assert_eq!(
        (&hours[1]["applied"], &hours[1]["full_run_age_seconds"]),
        (&json!(0), &Value::Null)
    );

    let client = end_to_end::connect(stack.database_url()).await;
    client.batch_execute(WORK).await.unwrap();
    let week = function.get(PATH, "hours=168", &token).await;
    assert_eq!(week.status, 200, "{}", week.body);
    assert_work_is_told(&week.body, &stack).await;
    assert!(week.body.to_string().len() < 100_000, "an answer is small");

    let long = function.get(PATH, "hours=169", &token).await;
    assert_eq!(long.status, 400, "{}", long.body);
    let user = TokenClaims::user("user@example.com");
    let refused = function.get(PATH, "", &stack.token(&user)).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    let user = DataApiCaller::user(&stack, &user);
    let refused = user.rpc("media_audit_series", &json!({})).await;
    refused.assert_status(StatusCode::FORBIDDEN);
    stack.stop().await;
}

async fn assert_work_is_told(told: &Value, stack: &LocalStack) {
    let hours = told["hours"].as_array().unwrap();
    assert_eq!(hours.len(), 168);
    let moments: Vec<&str> = hours
        .iter()
        .map(|hour| hour["hour"].as_str().unwrap())
        .collect();
    assert!(moments.is_sorted(), "the oldest is first");
    let first = "select to_jsonb(min(started_at)) from public.sync_runs";
    let first = end_to_end::value(stack.database_url(), first).await;
    let place = hours
        .iter()
        .position(|hour| hour["hour"] == first)
        .unwrap_or_else(|| panic!("{first} is among {moments:?}"));
    let expected = json!({
        "hour": first, "applied": 7, "failed": 3, "conflicts": 1, "is_exact": true,
        "runs": {"running": 0, "succeeded": 2, "failed": 1, "stopped": 0}, "quota_remaining": 390,
        "full_run_age_seconds": 55 * 60,
        "delay": {"samples": 3, "p50_seconds": 2.0, "p95_seconds": 2.9},
        "outbound_delay": {"samples": 2, "p50_seconds": 3.0, "p95_seconds": 3.9},
    });
    assert_eq!(hours[place], expected);
    let before = &hours[place - 1];
    assert_eq!(
        (&before["applied"], &before["is_exact"]),
        (&json!(10_000), &json!(false))
    );
    let after = &hours[place + 1];
    assert_eq!(
        (&after["applied"], &after["delay"]),
        (&json!(0), &Value::Null)
    );
    assert_eq!(after["full_run_age_seconds"], 115 * 60);
}

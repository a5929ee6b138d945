//! A leader that falls silent, and the one that takes over.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Database, finish, row, step};

pub(super) async fn a_lease_that_holds_is_not_taken(database: &Database, first: &Value) {
    let busy = database.lead(json!({"p_run_id": first["id"]})).await;
    assert_eq!(busy["outcome"], "busy");
}

pub(super) async fn a_step_renews_the_lease_and_is_written_once(
    database: &Database,
    first: &Value,
) {
    let soon = "update media_sync.run_progress set lease_until = now() + interval '1 second'";
    database.sql(soon).await;
    let answer = database.apply(step(first, &[], &[])).await;
    assert!(answer.status.is_success(), "{}", answer.body);
    let renewed =
        "select lease_until > now() + interval '100 seconds' from media_sync.run_progress";
    assert_eq!(database.value(renewed).await, true);
    let twice = database.apply(step(first, &[], &[])).await.body;
    assert_eq!(twice["code"], "PT410", "{twice}");
}

/// Gives the run as its new leader has it.
pub(super) async fn another_takes_over_from_a_silent_leader(
    database: &Database,
    first: &Value,
) -> Value {
    let over = "update media_sync.run_progress set lease_until = now() - interval '1 second'";
    database.sql(over).await;
    let taken = database.lead(json!({"p_mode": "incremental"})).await;
    assert_eq!(taken["outcome"], "resumed");
    let second = taken["run"].clone();
    assert_eq!(second["id"], first["id"]);
    assert_ne!(second["lease"], first["lease"]);
    second
}

fn mug() -> Value {
    row(1, json!({"alive": 1}), Value::Null)
}

pub(super) async fn the_late_leader_writes_nothing(
    database: &Database,
    first: &Value,
    second: &Value,
) {
    let mut late = first.clone();
    late["step"] = second["step"].clone();
    let refused = database.apply(step(&late, &[mug()], &[1])).await;
    refused.assert_refused(StatusCode::GONE, "PT410");
    let written = "select count(*) from public.media_assets";
    assert_eq!(database.value(written).await, 0);
    let release = json!({"p_run_id": late["id"], "p_lease": late["lease"]});
    for (function, arguments) in [
        ("media_sync_finish_run", finish(&late)),
        ("media_sync_release_run", release),
    ] {
        let refused = database.rpc(function, arguments).await.body;
        assert_eq!(refused["code"], "PT410", "{function}: {refused}");
    }
}

pub(super) async fn the_new_leader_writes_and_ends(database: &Database, second: &Value) {
    let written = database.apply(step(second, &[mug()], &[1])).await;
    assert!(written.status.is_success(), "{}", written.body);
    let ended = database.finish(second).await;
    assert_eq!(ended["status"], "succeeded", "{ended}");
    let over = database.lead(json!({"p_run_id": second["id"]})).await;
    assert_eq!(over["outcome"], "over");
}

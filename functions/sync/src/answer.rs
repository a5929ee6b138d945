//! The answer to a request for a run (pure, but for the time that has passed).

use std::time::Instant;

use media_sync::sync::reconcile::{NamedOutcome, RunCounters};
use media_sync::sync::store::{RunMode, RunRow, RunStatus};
use serde::Deserialize;
use serde_json::{Value, json};

/// Describes a run of pages; nothing where nobody knows it.
pub(crate) fn describe(run: Option<&RunRow>, begun: Instant) -> Value {
    let counters = run
        .and_then(|run| RunCounters::deserialize(&run.counters).ok())
        .unwrap_or_default();
    let status = run.map_or(RunStatus::Running, |run| run.status);
    let errors: Vec<Value> = run
        .and_then(|run| {
            Some(json!({"code": run.error_code, "message": run.error_message.as_ref()?}))
        })
        .into_iter()
        .collect();
    let mut answer = counted(&counters, begun);
    answer["success"] = matches!(status, RunStatus::Succeeded | RunStatus::Running).into();
    answer["run_id"] = json!(run.map(|run| run.id));
    answer["status"] = json!(status);
    answer["mode"] = json!(run.map(|run| run.mode));
    answer["errors"] = json!(errors);
    answer["dry_run"] = run.is_some_and(|run| run.dry_run).into();
    if let Some(run) = run.filter(|run| run.dry_run && run.status != RunStatus::Running) {
        answer["drift"] = json!(run.drift);
    }
    if let Some(plan) = run.and_then(|run| run.plan.as_ref()) {
        answer["plan"] = plan.clone();
    }
    if let Some(resume_at) = run.and_then(|run| run.resume_at) {
        answer["resume_at"] = json!(resume_at);
    }
    answer
}

/// Describes the release of held deletes, which needs no run.
pub(crate) fn describe_released(released: u64, begun: Instant) -> Value {
    let mut answer = describe(None, begun);
    answer["status"] = json!(RunStatus::Succeeded);
    answer["released_deletes"] = released.into();
    answer
}

/// Describes a run over named assets.
pub(crate) fn describe_named(outcome: &NamedOutcome, begun: Instant) -> Value {
    let errors: Vec<Value> = outcome
        .error
        .iter()
        .map(|(code, message)| json!({"code": code, "message": message}))
        .collect();
    let mut answer = counted(&outcome.counters, begun);
    answer["success"] = (outcome.status == RunStatus::Succeeded).into();
    answer["run_id"] = json!(outcome.run_id);
    answer["status"] = json!(outcome.status);
    answer["mode"] = json!(RunMode::Named);
    answer["errors"] = json!(errors);
    answer["dry_run"] = outcome.drift.is_some().into();
    answer["not_found"] = json!(outcome.unknown);
    if let Some(drift) = &outcome.drift {
        answer["drift"] = json!(drift);
    }
    answer
}

fn counted(counters: &RunCounters, begun: Instant) -> Value {
    json!({
        "synced_items": counters.tally.created,
        "created_items": counters.tally.created,
        "updated_items": counters.tally.updated,
        "deleted_items": counters.tally.deleted,
        "unchanged_items": counters.tally.unchanged,
        "duration_ms": u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

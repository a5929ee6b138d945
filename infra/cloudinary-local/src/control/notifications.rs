//! The fate of notifications, and waiting until none is under way.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::app::App;
use crate::error::ApiError;
use crate::params::Params;

pub(super) fn overview(app: &App) -> Value {
    let in_flight = app.deliverer.in_flight();
    app.store.read(|state| {
        let pending: Vec<Value> = state
            .pending
            .values()
            .take(1000)
            .map(|n| {
                json!({
                    "id": n.id,
                    "event_type": n.event_type,
                    "uri": n.uri,
                    "attempts": n.attempts,
                    "next_attempt_at": n.next_attempt_at.iso_micros(),
                })
            })
            .collect();
        json!({
            "created": state.counts.created,
            "delivered": state.counts.delivered,
            "dropped": state.counts.dropped,
            "failed": state.counts.failed,
            "pending": state.pending.len(),
            "in_flight": in_flight,
            "waiting": pending,
            "log": state.log,
        })
    })
}

const WAIT_AT_MOST_MS: i64 = 600_000;

/// Answers as soon as nothing is pending, or when the time is up: `quiet` tells which.
pub(super) async fn quiet(app: &App, query: &Params) -> Result<Value, ApiError> {
    let timeout = query
        .number("timeout_ms")?
        .unwrap_or(30_000)
        .clamp(0, WAIT_AT_MOST_MS);
    let deadline = Instant::now() + Duration::from_millis(timeout.unsigned_abs());
    let mut changed = app.store.subscribe();
    loop {
        changed.mark_unchanged();
        let pending = app.store.read(|state| state.pending.len());
        let in_flight = app.deliverer.in_flight();
        if pending == 0 && in_flight == 0 {
            return Ok(json!({"quiet": true, "pending": 0}));
        }
        if tokio::time::timeout_at(deadline, changed.changed())
            .await
            .is_err()
        {
            return Ok(json!({"quiet": false, "pending": pending}));
        }
    }
}

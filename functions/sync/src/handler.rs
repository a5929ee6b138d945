//! `POST /api/cloudinary/sync` works on a reconciliation for as long as a request may take, and
//! leaves the rest to the background; `GET` tells how the mirror stands.

use std::time::{Duration, Instant};

use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use media_sync::http::auth::{authenticate, require_admin};
use media_sync::http::{ParameterError, Problem, body, reply, respond};
use media_sync::queue::{ContinueReconcile, Queue};
use media_sync::supabase::Supabase;
use media_sync::supabase::jwt::{Caller, TokenVerifier};
use media_sync::sync::drain::send_waiting_intents;
use media_sync::sync::reconcile::{
    Counters, MAX_PAGE, Reconcile, ReconcileError, RunOptions, SliceOutcome,
};
use media_sync::sync::store::{Mode, RunRequest, RunRow, RunStatus};
use media_sync::telemetry;
use media_sync::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// API Gateway gives up after 30 s; what is not done by then goes on in the background.
const TIME_BUDGET: Duration = Duration::from_secs(22);

/// What the handler works with.
#[derive(Debug)]
pub(crate) struct Sync {
    pub(crate) verifier: TokenVerifier,
    pub(crate) database: Supabase,
    pub(crate) reconcile: Reconcile,
    pub(crate) outbound: Queue,
    pub(crate) continuation: Queue,
}

/// The body of a request for a run. A full run is what people who press the button mean.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SyncRequest {
    force: bool,
    batch_size: Option<i64>,
    mode: Option<Mode>,
    allow_mass_delete: bool,
}

impl Sync {
    pub(crate) async fn handle(&self, request: Request) -> Response<Body> {
        respond(request, async |request| {
            let caller = authenticate(&self.verifier, request.headers(), Timestamp::now()).await?;
            match *request.method() {
                Method::GET => self.tell(&caller).await,
                Method::POST => self.run(request, &caller).await,
                _ => Err(Problem::method_not_allowed("GET, POST")),
            }
        })
        .await
    }

    async fn tell(&self, caller: &Caller) -> Result<Response<Body>, Problem> {
        let database = self.database.as_caller(caller);
        let overview: Value = database.rpc("media_sync_overview", &json!({})).await?;
        Ok(reply::json(StatusCode::OK, &overview))
    }

    async fn run(&self, request: &Request, caller: &Caller) -> Result<Response<Body>, Problem> {
        require_admin(caller)?;
        let begun = Instant::now();
        let run = plan_run(&parse_request(request)?, caller)?;
        let outcome = self.reconcile.start(&run, begun + TIME_BUDGET).await;
        let (status, answer) = match outcome.map_err(problem)? {
            SliceOutcome::Finished(run) => (StatusCode::OK, describe(Some(&run), begun)),
            SliceOutcome::Paused(run) => {
                // A schedule would take the run over too, only later.
                if let Err(error) = self
                    .continuation
                    .send(&ContinueReconcile { run_id: run.id })
                    .await
                {
                    telemetry::log_error("the run waits for the schedule", &error);
                }
                (StatusCode::ACCEPTED, describe(Some(&run), begun))
            }
            SliceOutcome::Busy(run) => (StatusCode::ACCEPTED, describe(run.as_deref(), begun)),
            SliceOutcome::Over => (StatusCode::ACCEPTED, describe(None, begun)),
        };
        if let Err(error) = send_waiting_intents(&self.reconcile.store, &self.outbound).await {
            telemetry::log_error("stranded intents were not looked for", &error);
        }
        Ok(reply::json(status, &answer))
    }
}

fn problem(error: ReconcileError) -> Problem {
    match error {
        ReconcileError::Cloudinary(source) => source.into(),
        ReconcileError::Store(source) => source.into(),
        error if error.is_transient() => Problem::unavailable("sync_interrupted", None, &error),
        error => Problem::internal(&error),
    }
}

fn parse_request(request: &Request) -> Result<SyncRequest, Problem> {
    if body::bytes(request.body(), body::JSON_LIMIT)?.is_empty() {
        return Ok(SyncRequest::default());
    }
    body::json(request)
}

fn plan_run(wanted: &SyncRequest, caller: &Caller) -> Result<RunRequest, ParameterError> {
    let most = i64::from(MAX_PAGE);
    let batch_size = match wanted.batch_size {
        None => MAX_PAGE,
        Some(size) => u16::try_from(size)
            .ok()
            .filter(|size| (1..=MAX_PAGE).contains(size))
            .ok_or_else(|| {
                ParameterError::new(
                    "batch_size",
                    format!("must be a whole number from 1 to {most}"),
                )
            })?,
    };
    let options = RunOptions {
        batch_size,
        allow_mass_delete: wanted.allow_mass_delete,
    };
    Ok(RunRequest {
        mode: if wanted.force {
            Mode::Full
        } else {
            wanted.mode.unwrap_or(Mode::Full)
        },
        trigger: "api",
        requested_by: Some(caller.sub),
        options: json!(options),
    })
}

fn describe(run: Option<&RunRow>, begun: Instant) -> Value {
    let counters = run
        .and_then(|run| Counters::deserialize(&run.counters).ok())
        .unwrap_or_default();
    let status = run.map_or(RunStatus::Running, |run| run.status);
    let errors: Vec<Value> = run
        .and_then(|run| {
            Some(json!({"code": run.error_code, "message": run.error_message.as_ref()?}))
        })
        .into_iter()
        .collect();
    json!({
        "success": matches!(status, RunStatus::Succeeded | RunStatus::Running),
        "run_id": run.map(|run| run.id),
        "status": status,
        "mode": run.map(|run| run.mode),
        "synced_items": counters.tally.created,
        "updated_items": counters.tally.updated,
        "deleted_items": counters.tally.deleted,
        "unchanged_items": counters.tally.unchanged,
        "duration_ms": u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        "errors": errors,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(body: &str) -> Request {
        Request::new(if body.is_empty() {
            Body::Empty
        } else {
            Body::from(body)
        })
    }

    #[test]
    fn an_empty_body_asks_for_a_full_run() {
        assert_eq!(parse_request(&request("")).unwrap(), SyncRequest::default());
        assert_eq!(
            parse_request(&request("{}")).unwrap(),
            SyncRequest::default()
        );
    }

    #[test]
    fn the_original_request_is_understood() {
        let wanted = parse_request(&request(r#"{"force": true, "batch_size": 100}"#)).unwrap();
        assert_eq!((wanted.force, wanted.batch_size), (true, Some(100)));
    }

    #[test]
    fn what_is_not_offered_is_refused_and_not_ignored() {
        let problem = parse_request(&request(r#"{"dryrun": true}"#)).unwrap_err();
        assert_eq!(problem.code(), "invalid_body");
    }
}

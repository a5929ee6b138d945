//! `POST /api/cloudinary/sync` works on a reconciliation for as long as a request may take, and
//! leaves the rest to the background. `GET` tells the state of the mirror.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use media_sync::deadline::{Deadline, TO_HAND_ON};
use media_sync::http::auth::{authenticate, require_admin};
use media_sync::http::{Problem, QueryParameters, body, reply, respond};
use media_sync::parameter::ParameterError;
use media_sync::queue::{ContinueReconcile, IntentMessage, SqsQueue};
use media_sync::supabase::DataApi;
use media_sync::supabase::jwt::{ApiCaller, TokenVerifier};
use media_sync::sync::drain::send_waiting_intents;
use media_sync::sync::reconcile::{
    MAX_PAGE, NamedOutcome, Reconcile, ReconcileError, RunCounters, RunOptions, SliceOutcome,
    checked_names,
};
use media_sync::sync::store::{RunMode, RunRequest, RunRow, RunStatus};
use media_sync::telemetry;
use media_sync::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// API Gateway gives up after 30 s; unfinished work goes on in the background.
const TIME_BUDGET: Duration = Duration::from_secs(22);

/// The handler's dependencies.
#[derive(Debug)]
pub(crate) struct Sync {
    pub(crate) verifier: TokenVerifier,
    pub(crate) database: DataApi,
    pub(crate) reconcile: Reconcile,
    pub(crate) outbound: SqsQueue,
    pub(crate) continuation: SqsQueue,
}

/// The body of a request for a run. People who press the button mean a full run.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SyncRequest {
    force: bool,
    batch_size: Option<i64>,
    mode: Option<Scope>,
    dry_run: bool,
    public_ids: Option<Vec<String>>,
    allow_mass_delete: bool,
    quota_reserve: Option<u32>,
}

/// The scope of a run. Assets are named by `public_ids` alone.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Scope {
    Full,
    Incremental,
}

/// The work that a request asks for.
#[derive(Debug)]
enum Wanted {
    Run(RunRequest),
    /// Only these assets.
    Named(BTreeSet<String>, RunRequest, RunOptions),
}

/// The database's answer to a request for another attempt.
#[derive(Debug, Deserialize)]
struct Retried {
    done: Vec<IntentMessage>,
}

impl Sync {
    pub(crate) async fn handle(&self, request: Request) -> Response<Body> {
        respond(request, async |request| {
            let caller = authenticate(&self.verifier, request.headers(), Timestamp::now()).await?;
            let invocation = self.until(Deadline::of_request(request));
            match *request.method() {
                Method::GET => invocation.tell(request, &caller).await,
                Method::POST => invocation.run(request, &caller).await,
                _ => Err(Problem::method_not_allowed("GET, POST")),
            }
        })
        .await
    }

    /// The same, for one invocation.
    fn until(&self, end: Deadline) -> Self {
        Self {
            verifier: self.verifier.clone(),
            database: self.database.until(end.earlier(TO_HAND_ON)),
            reconcile: self.reconcile.until(end),
            outbound: self.outbound.until(end),
            continuation: self.continuation.until(end),
        }
    }

    async fn tell(&self, request: &Request, caller: &ApiCaller) -> Result<Response<Body>, Problem> {
        let run_id = parse_query(request.uri().query())?;
        let database = self.database.as_caller(caller);
        let arguments = json!({"p_run_id": run_id});
        let overview: Value = database.rpc("media_sync_overview", &arguments).await?;
        if run_id.is_some() && overview["run"].is_null() {
            return Err(Problem::not_found("There is no run of this id."));
        }
        Ok(reply::json(StatusCode::OK, &overview))
    }

    async fn run(&self, request: &Request, caller: &ApiCaller) -> Result<Response<Body>, Problem> {
        require_admin(caller)?;
        QueryParameters::parse(request.uri().query(), &[])?;
        let begun = Instant::now();
        let (status, answer) = match plan_run(parse_request(request)?, caller.sub)? {
            Wanted::Run(run) => {
                let run = self.reconcile.start(&run, begun + TIME_BUDGET).await;
                let run = run.map_err(problem)?;
                let (status, mut answer) = self.answer(run.outcome, begun).await;
                // What was asked for was not begun, and its options are not those of this run.
                answer["joined"] = (!run.is_own).into();
                (status, answer)
            }
            Wanted::Named(names, run, options) => {
                // First, so that no failure of the repair strands what was refused.
                let retried = if options.dry_run {
                    0
                } else {
                    self.retry_refused(&names, caller).await?
                };
                let deadline = begun + TIME_BUDGET;
                let repair = self.reconcile.repair_named(&names, &run, options, deadline);
                let outcome = repair.await;
                let mut answer = describe_named(&outcome.map_err(problem)?, begun);
                answer["retried_items"] = retried.into();
                (StatusCode::OK, answer)
            }
        };
        if let Err(error) =
            send_waiting_intents(&self.reconcile.clients.store, &self.outbound).await
        {
            telemetry::log_error("stranded intents were not looked for", &error);
        }
        Ok(reply::json(status, &answer))
    }

    /// Asks for another attempt at refused changes of these assets, in the name of the caller.
    async fn retry_refused(
        &self,
        names: &BTreeSet<String>,
        caller: &ApiCaller,
    ) -> Result<usize, Problem> {
        let items: Vec<Value> = names
            .iter()
            .map(|name| json!({"public_id": name}))
            .collect();
        let database = self.database.as_caller(caller);
        let arguments = json!({"p_items": items});
        let retried: Retried = database.rpc("media_request_retry", &arguments).await?;
        let outcome = self.outbound.send_batch(&retried.done).await;
        for (_, error) in &outcome.failed {
            telemetry::log_error("a retry was not sent; the drain will send it", error);
        }
        Ok(retried.done.len())
    }

    async fn answer(&self, outcome: SliceOutcome, begun: Instant) -> (StatusCode, Value) {
        match outcome {
            SliceOutcome::Finished(run) => (StatusCode::OK, describe(Some(&run), begun)),
            SliceOutcome::Paused(run) => {
                let message = ContinueReconcile { run_id: run.id };
                let delay = run.resume_in(Timestamp::now());
                // A schedule would take the run over too, only later.
                if let Err(error) = self.continuation.send_after(&message, delay).await {
                    telemetry::log_error("the run waits for the schedule", &error);
                }
                (StatusCode::ACCEPTED, describe(Some(&run), begun))
            }
            SliceOutcome::Resting(run) => (StatusCode::ACCEPTED, describe(Some(&run), begun)),
            SliceOutcome::Busy(run) => (StatusCode::ACCEPTED, describe(run.as_deref(), begun)),
            SliceOutcome::Over => (StatusCode::ACCEPTED, describe(None, begun)),
        }
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

/// A question may name a run, to hear all of it.
fn parse_query(query: Option<&str>) -> Result<Option<Uuid>, ParameterError> {
    QueryParameters::parse(query, &["run_id"])?.uuid("run_id")
}

fn plan_run(wanted: SyncRequest, requested_by: Uuid) -> Result<Wanted, ParameterError> {
    let page_error = || {
        ParameterError::new(
            "batch_size",
            format!("must be a whole number from 1 to {MAX_PAGE}"),
        )
    };
    let batch_size = match wanted.batch_size {
        None => MAX_PAGE,
        Some(size) => u16::try_from(size).map_err(|_| page_error())?,
    };
    let options = RunOptions {
        batch_size,
        allow_mass_delete: wanted.allow_mass_delete,
        dry_run: wanted.dry_run,
        quota_reserve: wanted.quota_reserve,
    };
    let options = options.checked().map_err(|_| page_error())?;
    let mode = match (&wanted.public_ids, wanted.force) {
        (Some(_), _) => RunMode::Named,
        (None, false) if wanted.mode == Some(Scope::Incremental) => RunMode::Incremental,
        (None, _) => RunMode::Full,
    };
    let request = RunRequest {
        mode,
        trigger: "api",
        requested_by: Some(requested_by),
        options: json!(options),
    };
    match wanted.public_ids {
        Some(names) => Ok(Wanted::Named(parse_names(names)?, request, options)),
        None => Ok(Wanted::Run(request)),
    }
}

fn parse_names(names: Vec<String>) -> Result<BTreeSet<String>, ParameterError> {
    checked_names(names).map_err(|reason| ParameterError::new("public_ids", reason))
}

fn describe(run: Option<&RunRow>, begun: Instant) -> Value {
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
    if let Some(resume_at) = run.and_then(|run| run.resume_at) {
        answer["resume_at"] = json!(resume_at);
    }
    answer
}

fn describe_named(outcome: &NamedOutcome, begun: Instant) -> Value {
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
        "updated_items": counters.tally.updated,
        "deleted_items": counters.tally.deleted,
        "unchanged_items": counters.tally.unchanged,
        "duration_ms": u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use media_sync::sync::reconcile::MAX_NAMES;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_body_panics(body in "\\PC{0,200}", number: i64, name in "\\PC{0,300}") {
            let _ = parse_request(&request(&body));
            let body = json!({"batch_size": number, "quota_reserve": number, "public_ids": [name]});
            if let Ok(wanted) = parse_request(&request(&body.to_string())) {
                let _ = plan_run(wanted, Uuid::nil());
            }
            let _ = parse_query(Some(&name));
        }
    }

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

    fn plan(body: &str) -> Result<Wanted, ParameterError> {
        plan_run(parse_request(&request(body)).unwrap(), Uuid::nil())
    }

    #[test]
    fn names_narrow_a_run_and_are_counted() {
        let Ok(Wanted::Named(names, run, options)) =
            plan(r#"{"public_ids": ["b", "a", "b"], "dry_run": true, "force": true}"#)
        else {
            panic!("names are understood");
        };
        assert_eq!(Vec::from_iter(names), ["a", "b"]);
        assert_eq!((run.mode, options.dry_run), (RunMode::Named, true));
        let many: Vec<String> = (0..=MAX_NAMES).map(|number| number.to_string()).collect();
        for names in [
            json!([]),
            json!([""]),
            json!(many),
            json!(["x".repeat(256)]),
        ] {
            assert!(
                plan(&json!({"public_ids": names}).to_string()).is_err(),
                "{names}"
            );
        }
        let problem = parse_request(&request(r#"{"mode": "named"}"#)).unwrap_err();
        assert_eq!(problem.subject(), Some("mode"));
        assert!(
            problem
                .detail()
                .ends_with("expected `full` or `incremental`.")
        );
    }

    #[test]
    fn page_sizes_are_what_cloudinary_lists() {
        for size in [0, 501, -1, 70_000] {
            assert!(
                plan(&json!({"batch_size": size}).to_string()).is_err(),
                "{size}"
            );
        }
        let Ok(Wanted::Run(run)) = plan(r#"{"batch_size": 500, "mode": "incremental"}"#) else {
            panic!("a run is wanted");
        };
        assert_eq!(run.mode, RunMode::Incremental);
    }

    #[test]
    fn a_question_may_name_one_run() {
        let id = Uuid::from_u128(7);
        let query = format!("run_id={id}");
        assert_eq!(parse_query(Some(&query)).unwrap(), Some(id));
        assert_eq!(parse_query(None).unwrap(), None);
        assert!(parse_query(Some("run_id=7")).is_err());
        assert!(parse_query(Some("runid=7")).is_err());
    }

    #[test]
    fn what_is_not_offered_is_refused_and_not_ignored() {
        let problem = parse_request(&request(r#"{"dryrun": true}"#)).unwrap_err();
        assert_eq!(problem.code(), "invalid_body");
    }
}

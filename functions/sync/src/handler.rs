//! `POST /api/cloudinary/sync` works on a reconciliation for as long as a request may take, and
//! leaves the rest to the background. `GET` tells the state of the mirror.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use media_sync::deadline::{Deadline, TO_HAND_ON};
use media_sync::http::auth::{authenticate, require_admin};
use media_sync::http::{Problem, QueryParameters, reply, respond};
use media_sync::queue::{ContinueReconcile, IntentMessage, SqsQueue};
use media_sync::supabase::DataApi;
use media_sync::supabase::jwt::{ApiCaller, TokenVerifier};
use media_sync::sync::drain::send_waiting_intents;
use media_sync::sync::reconcile::{Reconcile, ReconcileError, RunOptions, SliceOutcome};
use media_sync::sync::store::RunRequest;
use media_sync::telemetry;
use media_sync::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::{describe, describe_named, describe_released};
use crate::request::{WantedRun, parse_query, parse_request, plan_run};

/// API Gateway gives up after 30 s; unfinished work goes on in the background.
const TIME_BUDGET: Duration = Duration::from_secs(22);

/// Until then intents that wait are sent. The drain of the next minute sends the rest.
const DRAIN_BUDGET: Duration = Duration::from_secs(24);

/// The handler's dependencies.
#[derive(Debug)]
pub(crate) struct SyncRequests {
    pub(crate) verifier: TokenVerifier,
    pub(crate) database: DataApi,
    pub(crate) reconcile: Reconcile,
    pub(crate) outbound: SqsQueue,
    pub(crate) continuation: SqsQueue,
}

/// The database's answer to a request for another attempt.
#[derive(Debug, Deserialize)]
struct RetriedIntents {
    done: Vec<IntentMessage>,
}

impl SyncRequests {
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
        let wanted = parse_request(request)?;
        if wanted.is_dangerous() {
            self.want_assurance(caller).await?;
        }
        let allows_deletes = wanted.allows_deletes();
        let store = &self.reconcile.clients.store;
        if let Some(plan) = wanted.plan()? {
            // The deletes that were held here, or else those that a run has found.
            if let Some(released) = store.allow_planned_deletes(caller.sub, plan).await? {
                let answer = describe_released(released, begun);
                self.send_waiting(begun).await;
                return Ok(reply::json(StatusCode::OK, &answer));
            }
            let made_by = store.find_plan(plan).await?;
            made_by.ok_or_else(plan_stale)?;
        }
        let wanted = plan_run(wanted, caller.sub)?;
        let released = match allows_deletes {
            true => store.allow_deletes(caller.sub).await?,
            false => 0,
        };
        let (status, mut answer) = match wanted {
            WantedRun::Pages(run) => self.run_pages(&run, begun).await?,
            WantedRun::Named(names, run, options) => {
                // First, so that no failure of the repair strands what was refused.
                let retried = match options.dry_run {
                    true => 0,
                    false => self.retry_refused(&names, caller).await?,
                };
                let mut answer = self.repair_named(&names, &run, options, begun).await?;
                answer["retried_items"] = retried.into();
                (StatusCode::OK, answer)
            }
        };
        answer["released_deletes"] = released.into();
        self.send_waiting(begun).await;
        Ok(reply::json(status, &answer))
    }

    async fn send_waiting(&self, begun: Instant) {
        let store = &self.reconcile.clients.store;
        let sent = send_waiting_intents(store, &self.outbound, begun + DRAIN_BUDGET).await;
        if let Err(error) = sent {
            telemetry::log_error("stranded intents were not looked for", &error);
        }
    }

    /// Lets administrators pass who have signed in as surely as the database's `ACCESS_RULES` want.
    async fn want_assurance(&self, caller: &ApiCaller) -> Result<(), Problem> {
        let database = self.database.as_caller(caller);
        let _: bool = database.rpc("media_assure", &json!({})).await?;
        Ok(())
    }

    async fn run_pages(
        &self,
        wanted: &RunRequest,
        begun: Instant,
    ) -> Result<(StatusCode, Value), Problem> {
        let run = self.reconcile.start(wanted, begun + TIME_BUDGET).await;
        let run = run.map_err(problem)?;
        let (status, mut answer) = self.answer(run.outcome, begun).await;
        // What was asked for was not begun, and its options are not those of this run.
        answer["joined"] = (!run.is_own).into();
        Ok((status, answer))
    }

    async fn repair_named(
        &self,
        names: &BTreeSet<String>,
        wanted: &RunRequest,
        options: RunOptions,
        begun: Instant,
    ) -> Result<Value, Problem> {
        let deadline = begun + TIME_BUDGET;
        let repair = self
            .reconcile
            .repair_named(names, wanted, options, deadline);
        let outcome = repair.await.map_err(problem)?;
        Ok(describe_named(&outcome, begun))
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
        let retried: RetriedIntents = database.rpc("media_request_retry", &arguments).await?;
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

fn plan_stale() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "plan_stale",
        "No plan of this hash stands: it is a day old, or a later run has found something else. Look at the newest plan.",
    )
}

fn problem(error: ReconcileError) -> Problem {
    match error {
        ReconcileError::Cloudinary(source) => source.into(),
        ReconcileError::Store(source) => source.into(),
        error if error.is_transient() => Problem::unavailable("sync_interrupted", None, &error),
        error => Problem::internal(&error),
    }
}

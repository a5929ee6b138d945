//! One slice of a run, or of a replay: started by the schedule or by hand, or continued through
//! the queue. Maintenance may be asked for here as well as of the function of that name.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::LambdaEvent;
use media_sync::deadline::{self, Deadline};
use media_sync::maintenance::{Maintenance, MaintenanceError, MaintenanceTask};
use media_sync::queue::{self, ContinueReconcile, DecodeError, ReplayMessage};
use media_sync::sync::reconcile::{NamedOutcome, Reconcile, ReconcileError, SliceOutcome};
use media_sync::sync::store::RunRow;
use media_sync::telemetry;
use media_sync::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::run_event::{RunEvent, RunWork};

/// Kept free at the end of an invocation, to hand the run on and to answer.
const MARGIN: Duration = Duration::from_secs(5);

/// The handler's dependencies.
#[derive(Debug)]
pub(crate) struct ReconcileWorker {
    pub(crate) maintenance: Maintenance,
}

/// A failed invocation, told with all its causes, since the runtime reports one line only.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SliceFailure {
    #[error("the event is neither a schedule's nor a queue's: {0}")]
    Event(serde_json::Error),
    #[error("the event's options are not valid: {0}")]
    Options(String),
    #[error("{}", telemetry::chain(.0))]
    Message(DecodeError),
    #[error("{}", telemetry::chain(.0))]
    Run(ReconcileError),
    #[error("{}", telemetry::chain(.0))]
    Maintenance(MaintenanceError),
}

impl ReconcileWorker {
    /// A failure is the invocation's: Lambda counts it and repeats a schedule's once, the queue
    /// delivers again. The run itself rests at its checkpoint.
    pub(crate) async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, SliceFailure> {
        let maintenance = self.maintenance.until(Deadline::of(&event.context));
        let invocation = Self { maintenance };
        invocation.answer(event).await
    }

    async fn answer(&self, event: LambdaEvent<Value>) -> Result<Value, SliceFailure> {
        let deadline = deadline::before_the_end(&event.context, MARGIN);
        let work = self.work(event.payload, deadline);
        telemetry::invocation(Some(&event.context), None, work).await
    }

    async fn work(&self, event: Value, deadline: Instant) -> Result<Value, SliceFailure> {
        if event.get("Records").is_some() {
            let event = SqsEvent::deserialize(event).map_err(SliceFailure::Event)?;
            return self.resume(event, deadline).await;
        }
        let task = MaintenanceTask::read(&event, Timestamp::now()).map_err(SliceFailure::Event)?;
        if let Some(task) = task {
            let done = self.maintenance.run(task, deadline).await;
            return done.map_err(SliceFailure::Maintenance);
        }
        let event = RunEvent::deserialize(event).map_err(SliceFailure::Event)?;
        self.run(event, deadline).await
    }

    fn reconcile(&self) -> Reconcile {
        Reconcile {
            clients: self.maintenance.clients.clone(),
        }
    }

    async fn run(&self, event: RunEvent, deadline: Instant) -> Result<Value, SliceFailure> {
        let reconcile = self.reconcile();
        match event.wanted().map_err(SliceFailure::Options)? {
            RunWork::Pages(request) => {
                let begun = reconcile.start(&request, deadline).await;
                let begun = begun.map_err(SliceFailure::Run)?;
                let mut answer = self.hand_on(begun.outcome).await;
                // What was asked for was not begun, and its options are not those of this run.
                answer["joined"] = (!begun.is_own).into();
                Ok(answer)
            }
            RunWork::Named(names, request, options) => {
                let repair = reconcile.repair_named(&names, &request, options, deadline);
                Ok(describe_named(&repair.await.map_err(SliceFailure::Run)?))
            }
        }
    }

    /// The mapping delivers one message at a time, so its failure is the invocation's.
    async fn resume(&self, event: SqsEvent, deadline: Instant) -> Result<Value, SliceFailure> {
        for record in event.records {
            let correlation = queue::correlation_of(&record);
            let body = record.body.unwrap_or_default();
            let carried = HashMap::from_iter(correlation.map(|id| (body.clone(), id)));
            telemetry::with_messages(carried, self.go_on(&body, deadline)).await?;
        }
        Ok(json!({"batchItemFailures": []}))
    }

    async fn go_on(&self, body: &str, deadline: Instant) -> Result<(), SliceFailure> {
        match queue::decode::<ContinueReconcile>(body) {
            Ok(message) => {
                let reconcile = self.reconcile();
                let outcome = reconcile.resume(message.run_id, deadline).await;
                match outcome.map_err(SliceFailure::Run)? {
                    // Too early still: SQS holds a message back for 15 minutes at most.
                    SliceOutcome::Resting(run) => self.continue_later(&run).await,
                    outcome => drop(self.hand_on(outcome).await),
                }
                Ok(())
            }
            Err(DecodeError::Kind { .. }) => {
                let wanted: ReplayMessage = queue::decode(body).map_err(SliceFailure::Message)?;
                let replayed = self.maintenance.replay(wanted, deadline).await;
                replayed.map(drop).map_err(SliceFailure::Maintenance)
            }
            Err(error) => Err(SliceFailure::Message(error)),
        }
    }

    /// Lets a paused run go on in another invocation.
    async fn hand_on(&self, outcome: SliceOutcome) -> Value {
        match outcome {
            SliceOutcome::Finished(run) => {
                tracing::info!(run_id = %run.id, status = ?run.status, counters = %run.counters, "run ended");
                let mut answer = describe("finished", &run);
                if run.dry_run {
                    answer["drift"] = json!(run.drift);
                }
                answer
            }
            SliceOutcome::Paused(run) => {
                self.continue_later(&run).await;
                describe("paused", &run)
            }
            SliceOutcome::Resting(run) => describe("resting", &run),
            SliceOutcome::Busy(_) => json!({"status": "busy"}),
            SliceOutcome::Over => json!({"status": "over"}),
        }
    }

    async fn continue_later(&self, run: &RunRow) {
        let message = ContinueReconcile { run_id: run.id };
        let delay = run.resume_in(Timestamp::now());
        let sent = self.maintenance.continuation.send_after(&message, delay);
        if let Err(error) = sent.await {
            telemetry::log_error("the run waits for the next schedule", &error);
        }
    }
}

fn describe_named(outcome: &NamedOutcome) -> Value {
    let (code, message) = outcome.error.as_ref().map_or((None, None), |(code, text)| {
        (Some(*code), Some(text.as_str()))
    });
    let mut answer = json!({
        "status": "finished",
        "run_id": outcome.run_id,
        "run_status": outcome.status,
        "resume_at": null,
        "counters": outcome.counters,
        "error_code": code,
        "error_message": message,
        "not_found": outcome.unknown,
    });
    if let Some(drift) = &outcome.drift {
        answer["drift"] = json!(drift);
    }
    answer
}

fn describe(status: &str, run: &RunRow) -> Value {
    json!({"status": status, "run_id": run.id, "run_status": run.status, "resume_at": run.resume_at})
}

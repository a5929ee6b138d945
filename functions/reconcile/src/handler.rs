//! One slice of a run, or of a replay: started by the schedule or by hand, or continued through
//! the queue. Maintenance may be asked for here as well as of the function of that name.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::LambdaEvent;
use media_sync::deadline::{self, Deadline};
use media_sync::queue::{self, ContinueReconcile, DecodeError, Replay};
use media_sync::sync::maintenance::{Errand, Maintenance, MaintenanceError};
use media_sync::sync::reconcile::{ReconcileError, RunOptions, SliceOutcome};
use media_sync::sync::store::{Mode, RunRequest, RunRow};
use media_sync::telemetry;
use media_sync::time::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Kept free at the end of an invocation, to hand the run on and to answer.
const MARGIN: Duration = Duration::from_secs(5);

/// The handler's dependencies.
#[derive(Debug)]
pub(crate) struct Handler {
    pub(crate) maintenance: Maintenance,
}

/// What a schedule sends, as template.yaml says; by hand, a run's options may stand beside it.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
struct Tick {
    mode: Mode,
    options: RunOptions,
}

impl TryFrom<Map<String, Value>> for Tick {
    type Error = serde_json::Error;

    /// By hand, since a flattened struct would let misspelt options pass.
    fn try_from(mut fields: Map<String, Value>) -> Result<Self, Self::Error> {
        let mode = fields.remove("mode").unwrap_or_default();
        Ok(Self {
            mode: Mode::deserialize(mode)?,
            options: RunOptions::deserialize(Value::Object(fields))?,
        })
    }
}

/// A failed invocation, told with all its causes, since the runtime reports one line only.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the event is neither a schedule's nor a queue's: {0}")]
    Event(serde_json::Error),
    #[error("the event asks for what cannot be: {0}")]
    Options(String),
    #[error("{}", telemetry::chain(.0))]
    Message(DecodeError),
    #[error("{}", telemetry::chain(.0))]
    Run(ReconcileError),
    #[error("{}", telemetry::chain(.0))]
    Maintenance(MaintenanceError),
}

impl Handler {
    /// A failure is the invocation's: Lambda counts it and repeats a schedule's once, the queue
    /// delivers again. The run itself rests at its checkpoint.
    pub(crate) async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, Failure> {
        let maintenance = self.maintenance.until(Deadline::of(&event.context));
        let invocation = Self { maintenance };
        invocation.answer(event).await
    }

    async fn answer(&self, event: LambdaEvent<Value>) -> Result<Value, Failure> {
        let deadline = deadline::before_the_end(&event.context, MARGIN);
        let work = self.work(event.payload, deadline);
        telemetry::invocation(Some(&event.context), None, work).await
    }

    async fn work(&self, event: Value, deadline: Instant) -> Result<Value, Failure> {
        if event.get("Records").is_some() {
            let event = SqsEvent::deserialize(event).map_err(Failure::Event)?;
            return self.resume(event, deadline).await;
        }
        let errand = Errand::read(&event, Timestamp::now()).map_err(Failure::Event)?;
        if let Some(errand) = errand {
            let done = self.maintenance.run(errand, deadline).await;
            return done.map_err(Failure::Maintenance);
        }
        let tick = Tick::deserialize(event).map_err(Failure::Event)?;
        self.tick(tick, deadline).await
    }

    async fn tick(&self, tick: Tick, deadline: Instant) -> Result<Value, Failure> {
        let request = tick.request().map_err(Failure::Options)?;
        let begun = self.maintenance.reconcile.start(&request, deadline).await;
        Ok(self.hand_on(begun.map_err(Failure::Run)?.outcome).await)
    }

    /// The mapping delivers one message at a time, so its failure is the invocation's.
    async fn resume(&self, event: SqsEvent, deadline: Instant) -> Result<Value, Failure> {
        for record in event.records {
            let correlation = queue::correlation_of(&record);
            let body = record.body.unwrap_or_default();
            let carried = HashMap::from_iter(correlation.map(|id| (body.clone(), id)));
            telemetry::with_messages(carried, self.go_on(&body, deadline)).await?;
        }
        Ok(json!({"batchItemFailures": []}))
    }

    async fn go_on(&self, body: &str, deadline: Instant) -> Result<(), Failure> {
        match queue::decode::<ContinueReconcile>(body) {
            Ok(message) => {
                let reconcile = &self.maintenance.reconcile;
                let outcome = reconcile.resume(message.run_id, deadline).await;
                match outcome.map_err(Failure::Run)? {
                    // Too early still: SQS holds a message back for 15 minutes at most.
                    SliceOutcome::Resting(run) => self.continue_later(&run).await,
                    outcome => drop(self.hand_on(outcome).await),
                }
                Ok(())
            }
            Err(DecodeError::Kind { .. }) => {
                let wanted: Replay = queue::decode(body).map_err(Failure::Message)?;
                let replayed = self.maintenance.replay(wanted, deadline).await;
                replayed.map(drop).map_err(Failure::Maintenance)
            }
            Err(error) => Err(Failure::Message(error)),
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

impl Tick {
    fn request(&self) -> Result<RunRequest, String> {
        if self.mode == Mode::Named {
            return Err(
                "a run over named assets is asked for with POST /api/cloudinary/sync".to_owned(),
            );
        }
        let options = self
            .options
            .checked()
            .map_err(|reason| format!("batch_size {reason}"))?;
        let is_schedule = options == RunOptions::default();
        Ok(RunRequest {
            mode: self.mode,
            trigger: if is_schedule {
                "schedule"
            } else {
                "invocation"
            },
            requested_by: None,
            options: json!(options),
        })
    }
}

fn describe(status: &str, run: &RunRow) -> Value {
    json!({"status": status, "run_id": run.id, "run_status": run.status, "resume_at": run.resume_at})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedules_of_the_template_are_understood() {
        for (input, mode) in [("incremental", Mode::Incremental), ("full", Mode::Full)] {
            let tick = Tick::deserialize(json!({"mode": input})).unwrap();
            let options = RunOptions::default();
            assert_eq!(tick, Tick { mode, options });
            assert_eq!(tick.request().unwrap().trigger, "schedule");
        }
    }

    #[test]
    fn options_stand_beside_the_mode_and_misspelt_ones_are_refused() {
        let tick = Tick::deserialize(json!({"mode": "full", "dry_run": true, "quota_reserve": 5}))
            .unwrap();
        assert!(tick.options.dry_run);
        assert_eq!(tick.options.quota_reserve, Some(5));
        assert_eq!(tick.request().unwrap().trigger, "invocation");
        assert!(Tick::deserialize(json!({"mode": "full", "dryrun": true})).is_err());
        let large = Tick::deserialize(json!({"mode": "full", "batch_size": 501})).unwrap();
        assert!(large.request().is_err());
    }
}

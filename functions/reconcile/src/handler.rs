//! One slice of a run, or of a replay: started by the schedule or by hand, or continued through
//! the queue. Maintenance may be asked for here as well as of the function of that name.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::LambdaEvent;
use media_sync::deadline::{self, Deadline};
use media_sync::maintenance::{Maintenance, MaintenanceError, MaintenanceTask};
use media_sync::queue::{self, ContinueReconcile, DecodeError, ReplayMessage};
use media_sync::sync::reconcile::{
    NamedOutcome, Reconcile, ReconcileError, RunOptions, SliceOutcome, checked_names,
};
use media_sync::sync::store::{RunMode, RunRequest, RunRow};
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

/// The event of a schedule, as template.yaml says; by hand, a run's options may stand beside it, and the names of the
/// assets beside the mode `named`.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
struct Tick {
    mode: RunMode,
    public_ids: Option<Vec<String>>,
    options: RunOptions,
}

/// The work that an event asks for.
#[derive(Debug)]
enum Wanted {
    Run(RunRequest),
    /// Only these assets.
    Named(BTreeSet<String>, RunRequest, RunOptions),
}

impl TryFrom<Map<String, Value>> for Tick {
    type Error = serde_json::Error;

    /// By hand, since a flattened struct would let misspelt options pass.
    fn try_from(mut fields: Map<String, Value>) -> Result<Self, Self::Error> {
        let mode = fields.remove("mode").unwrap_or_default();
        let public_ids = fields.remove("public_ids").unwrap_or_default();
        Ok(Self {
            mode: RunMode::deserialize(mode)?,
            public_ids: Option::deserialize(public_ids)?,
            options: RunOptions::deserialize(Value::Object(fields))?,
        })
    }
}

/// A failed invocation, told with all its causes, since the runtime reports one line only.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
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
        let task = MaintenanceTask::read(&event, Timestamp::now()).map_err(Failure::Event)?;
        if let Some(task) = task {
            let done = self.maintenance.run(task, deadline).await;
            return done.map_err(Failure::Maintenance);
        }
        let tick = Tick::deserialize(event).map_err(Failure::Event)?;
        self.tick(tick, deadline).await
    }

    fn reconcile(&self) -> Reconcile {
        Reconcile {
            clients: self.maintenance.clients.clone(),
        }
    }

    async fn tick(&self, tick: Tick, deadline: Instant) -> Result<Value, Failure> {
        let reconcile = self.reconcile();
        match tick.wanted().map_err(Failure::Options)? {
            Wanted::Run(request) => {
                let begun = reconcile.start(&request, deadline).await;
                let begun = begun.map_err(Failure::Run)?;
                let mut answer = self.hand_on(begun.outcome).await;
                // What was asked for was not begun, and its options are not those of this run.
                answer["joined"] = (!begun.is_own).into();
                Ok(answer)
            }
            Wanted::Named(names, request, options) => {
                let repair = reconcile.repair_named(&names, &request, options, deadline);
                Ok(describe_named(&repair.await.map_err(Failure::Run)?))
            }
        }
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
                let reconcile = self.reconcile();
                let outcome = reconcile.resume(message.run_id, deadline).await;
                match outcome.map_err(Failure::Run)? {
                    // Too early still: SQS holds a message back for 15 minutes at most.
                    SliceOutcome::Resting(run) => self.continue_later(&run).await,
                    outcome => drop(self.hand_on(outcome).await),
                }
                Ok(())
            }
            Err(DecodeError::Kind { .. }) => {
                let wanted: ReplayMessage = queue::decode(body).map_err(Failure::Message)?;
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
    fn wanted(self) -> Result<Wanted, String> {
        let options = self
            .options
            .checked()
            .map_err(|reason| format!("batch_size {reason}"))?;
        let is_schedule = options == RunOptions::default() && self.public_ids.is_none();
        let request = RunRequest {
            mode: self.mode,
            trigger: if is_schedule {
                "schedule"
            } else {
                "invocation"
            },
            requested_by: None,
            options: json!(options),
        };
        match (self.mode, self.public_ids) {
            (RunMode::Named, names) => {
                let names = checked_names(names.unwrap_or_default());
                let names = names.map_err(|reason| format!("public_ids {reason}"))?;
                Ok(Wanted::Named(names, request, options))
            }
            (_, None) => Ok(Wanted::Run(request)),
            (_, Some(_)) => Err("public_ids go with the mode `named`".to_owned()),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(event: Value) -> Result<Tick, serde_json::Error> {
        Tick::deserialize(event)
    }

    #[test]
    fn the_schedules_of_the_template_are_understood() {
        for (input, mode) in [
            ("incremental", RunMode::Incremental),
            ("full", RunMode::Full),
        ] {
            let wanted = tick(json!({"mode": input})).unwrap().wanted().unwrap();
            let Wanted::Run(run) = wanted else {
                panic!("a run is wanted");
            };
            assert_eq!((run.mode, run.trigger), (mode, "schedule"));
            assert_eq!(run.options, json!(RunOptions::default()));
        }
    }

    #[test]
    fn options_stand_beside_the_mode_and_misspelt_ones_are_refused() {
        let asked = json!({"mode": "full", "dry_run": true, "quota_reserve": 5});
        let asked = tick(asked).unwrap();
        assert!(asked.options.dry_run);
        assert_eq!(asked.options.quota_reserve, Some(5));
        let Wanted::Run(run) = asked.wanted().unwrap() else {
            panic!("a run is wanted");
        };
        assert_eq!(run.trigger, "invocation");
        assert!(tick(json!({"mode": "full", "dryrun": true})).is_err());
        let large = tick(json!({"mode": "full", "batch_size": 501})).unwrap();
        assert!(large.wanted().is_err());
    }

    #[test]
    fn names_go_with_their_mode_only() {
        let named = json!({"mode": "named", "public_ids": ["b", "a", "b"], "dry_run": true});
        let Wanted::Named(names, run, options) = tick(named).unwrap().wanted().unwrap() else {
            panic!("names are understood");
        };
        assert_eq!(Vec::from_iter(names), ["a", "b"]);
        assert_eq!((run.mode, run.trigger), (RunMode::Named, "invocation"));
        assert!(options.dry_run);
        for event in [
            json!({"mode": "named"}),
            json!({"mode": "named", "public_ids": []}),
            json!({"mode": "full", "public_ids": ["a"]}),
        ] {
            assert!(tick(event.clone()).unwrap().wanted().is_err(), "{event}");
        }
    }
}

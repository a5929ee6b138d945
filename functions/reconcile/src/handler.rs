//! One slice of a run, or of a replay: started by the schedule or by hand, or continued through
//! the queue. And the chores that other schedules ask for.

use std::time::{Duration, Instant};

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::LambdaEvent;
use media_sync::asset::AssetId;
use media_sync::deadline;
use media_sync::queue::{self, ContinueReconcile, DecodeError, Queue, Replay, SendError};
use media_sync::supabase::SupabaseError;
use media_sync::sync::drain::send_waiting_intents;
use media_sync::sync::health::Schedules;
use media_sync::sync::purge::purge_records;
use media_sync::sync::reconcile::{Reconcile, ReconcileError, RunOptions, SliceOutcome};
use media_sync::sync::replay::{ReplayError, replay};
use media_sync::sync::store::{Mode, RunRequest, RunRow};
use media_sync::sync::uploads::Uploads;
use media_sync::telemetry;
use media_sync::time::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Kept free at the end of an invocation, to hand the run on and to answer.
const MARGIN: Duration = Duration::from_secs(5);

/// What the handler works with.
#[derive(Debug)]
pub(crate) struct Handler {
    pub(crate) reconcile: Reconcile,
    pub(crate) notifications: Queue,
    pub(crate) outbound: Queue,
    pub(crate) continuation: Queue,
    pub(crate) schedules: Schedules,
    pub(crate) audit_days: u32,
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

/// `{"action": "drain"}`, as other schedules send it.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Act {
    action: Action,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    /// Send what was decided here and has not been sent; end uploads that nobody has ended.
    Drain,
    /// Remove records that are too old.
    Purge,
}

/// `{"replay": {"since": "2026-01-31T12:00:00Z", "asset_id": "..."}}`, by hand.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplayEvent {
    replay: ReplayWanted,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplayWanted {
    since: Timestamp,
    asset_id: Option<AssetId>,
}

/// Why an invocation failed; told with all its causes, since the runtime reports one line only.
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
    Replay(ReplayError),
    #[error("{}", telemetry::chain(.0))]
    HandOn(SendError),
    #[error("stranded intents were not looked for: {}", telemetry::chain(.0))]
    Drain(SupabaseError),
    #[error("uploads that nobody ended were not looked for: {}", telemetry::chain(.0))]
    Uploads(ReconcileError),
    #[error("old records were not removed: {}", telemetry::chain(.0))]
    Purge(SupabaseError),
}

impl Handler {
    /// A failure is the invocation's: Lambda counts it and repeats a schedule's once, the queue
    /// delivers again. The run itself rests at its checkpoint.
    pub(crate) async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, Failure> {
        let deadline = deadline::before_the_end(&event.context, MARGIN);
        if event.payload.get("Records").is_some() {
            let event = SqsEvent::deserialize(event.payload).map_err(Failure::Event)?;
            return self.resume(event, deadline).await;
        }
        if event.payload.get("action").is_some() {
            let act = Act::deserialize(event.payload).map_err(Failure::Event)?;
            return match act.action {
                Action::Drain => self.drain().await,
                Action::Purge => self.purge(deadline).await,
            };
        }
        if event.payload.get("replay").is_some() {
            let wanted = ReplayEvent::deserialize(event.payload).map_err(Failure::Event)?;
            return self.replay(wanted.replay.starting_now(), deadline).await;
        }
        let tick = Tick::deserialize(event.payload).map_err(Failure::Event)?;
        self.tick(tick, deadline).await
    }

    async fn tick(&self, tick: Tick, deadline: Instant) -> Result<Value, Failure> {
        let request = tick.request().map_err(Failure::Options)?;
        let begun = self.reconcile.start(&request, deadline).await;
        Ok(self.hand_on(begun.map_err(Failure::Run)?.outcome).await)
    }

    async fn purge(&self, deadline: Instant) -> Result<Value, Failure> {
        let purged = purge_records(&self.reconcile.store, self.audit_days, deadline).await;
        Ok(json!(purged.map_err(Failure::Purge)?))
    }

    async fn drain(&self) -> Result<Value, Failure> {
        let sent = send_waiting_intents(&self.reconcile.store, &self.outbound).await;
        let uploads = self.resolve_uploads().await;
        self.watch().await;
        Ok(json!({"intents_sent": sent.map_err(Failure::Drain)?, "uploads_ended": uploads?}))
    }

    async fn resolve_uploads(&self) -> Result<usize, Failure> {
        let reconcile = self.reconcile.clone();
        let ended = Uploads { reconcile }.resolve_due().await;
        ended.map_err(Failure::Uploads)
    }

    /// Tells CloudWatch how long nothing good was heard of runs. If that cannot be found out it is
    /// not told either, and the alarm takes silence for the worst.
    async fn watch(&self) {
        match self.reconcile.store.fetch_health().await {
            Ok(mirror) => {
                let lateness = mirror.lateness(self.schedules, Timestamp::now());
                let failed = f64::from(u8::from(mirror.last_run_failed()));
                let mut metrics = vec![("last_run_failed", "Count", failed)];
                // Without a known schedule there is no late, only alive.
                metrics.push(("reconciliation_lateness", "None", lateness.unwrap_or(0.0)));
                telemetry::record_metrics("reconcile", &metrics);
            }
            Err(error) => telemetry::log_error("the mirror's health was not told", &error),
        }
    }

    /// The mapping delivers one message at a time, so its failure is the invocation's.
    async fn resume(&self, event: SqsEvent, deadline: Instant) -> Result<Value, Failure> {
        for record in event.records {
            let body = record.body.unwrap_or_default();
            match queue::decode::<ContinueReconcile>(&body) {
                Ok(message) => {
                    let outcome = self.reconcile.resume(message.run_id, deadline).await;
                    match outcome.map_err(Failure::Run)? {
                        // Too early still: SQS holds a message back for 15 minutes at most.
                        SliceOutcome::Resting(run) => self.continue_later(&run).await,
                        outcome => drop(self.hand_on(outcome).await),
                    }
                }
                Err(DecodeError::Kind { .. }) => {
                    let wanted: Replay = queue::decode(&body).map_err(Failure::Message)?;
                    self.replay(wanted, deadline).await?;
                }
                Err(error) => return Err(Failure::Message(error)),
            }
        }
        Ok(json!({"batchItemFailures": []}))
    }

    /// Sends recorded notifications until time is up, and the rest of them in another invocation.
    async fn replay(&self, wanted: Replay, deadline: Instant) -> Result<Value, Failure> {
        let store = &self.reconcile.store;
        let replayed = replay(store, &self.notifications, wanted, deadline)
            .await
            .map_err(Failure::Replay)?;
        let goes_on = replayed.rest.is_some();
        if let Some(rest) = replayed.rest {
            self.continuation
                .send(&rest)
                .await
                .map_err(Failure::HandOn)?;
        }
        tracing::info!(sent = replayed.sent, goes_on, "notifications were replayed");
        Ok(json!({"replayed": replayed.sent, "goes_on": goes_on}))
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
        if let Err(error) = self.continuation.send_after(&message, delay).await {
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

impl ReplayWanted {
    /// What is received from now on is not replayed, so that a replay ends.
    fn starting_now(self) -> Replay {
        Replay {
            since: self.since,
            until: Timestamp::now(),
            asset_id: self.asset_id,
            after: None,
        }
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
        for (action, expected) in [("drain", Action::Drain), ("purge", Action::Purge)] {
            let act = Act::deserialize(json!({"action": action})).unwrap();
            assert_eq!(act.action, expected);
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

    #[test]
    fn a_replay_names_its_beginning() {
        let event = json!({"replay": {"since": "2026-01-31T12:00:00Z"}});
        let wanted = ReplayEvent::deserialize(event).unwrap().replay;
        assert_eq!(wanted.asset_id, None);
        assert!(ReplayEvent::deserialize(json!({"replay": {}})).is_err());
        let misspelt = json!({"replay": {"since": "2026-01-31T12:00:00Z", "asset": "x"}});
        assert!(ReplayEvent::deserialize(misspelt).is_err());
    }
}

//! One slice of a run: started by the schedule, or continued through the queue.

use std::time::{Duration, Instant};

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::LambdaEvent;
use media_sync::deadline;
use media_sync::queue::{self, ContinueReconcile, Queue};
use media_sync::supabase::SupabaseError;
use media_sync::sync::drain::send_waiting_intents;
use media_sync::sync::reconcile::{Reconcile, ReconcileError, RunOptions, SliceOutcome};
use media_sync::sync::store::{Mode, RunRequest};
use media_sync::telemetry;
use serde::Deserialize;
use serde_json::{Value, json};

/// Kept free at the end of an invocation, to hand the run on and to answer.
const MARGIN: Duration = Duration::from_secs(5);

/// What the handler works with.
#[derive(Debug)]
pub(crate) struct Handler {
    pub(crate) reconcile: Reconcile,
    pub(crate) outbound: Queue,
    pub(crate) continuation: Queue,
}

/// What a schedule sends, as template.yaml says.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Tick {
    Reconcile { mode: Mode },
    Act { action: Action },
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    /// Send what was decided here and has not been sent.
    Drain,
}

/// Why an invocation failed; told with all its causes, since the runtime reports one line only.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the event is neither a schedule's nor a queue's: {0}")]
    Event(serde_json::Error),
    #[error("{}", telemetry::chain(.0))]
    Message(queue::DecodeError),
    #[error("{}", telemetry::chain(.0))]
    Run(ReconcileError),
    #[error("{}", telemetry::chain(.0))]
    Drain(SupabaseError),
}

impl Handler {
    /// A failure is told to whoever invoked: the scheduler counts and repeats it, the queue
    /// delivers again. The run itself rests at its checkpoint.
    pub(crate) async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, Failure> {
        let deadline = deadline::before_the_end(&event.context, MARGIN);
        if event.payload.get("Records").is_some() {
            let event = SqsEvent::deserialize(event.payload).map_err(Failure::Event)?;
            return self.resume(event, deadline).await;
        }
        let mode = match Tick::deserialize(event.payload).map_err(Failure::Event)? {
            Tick::Reconcile { mode } => mode,
            Tick::Act {
                action: Action::Drain,
            } => return self.drain().await,
        };
        let request = RunRequest {
            mode,
            trigger: "schedule",
            requested_by: None,
            options: json!(RunOptions::default()),
        };
        let outcome = self.reconcile.start(&request, deadline).await;
        // Intents wait for nobody's run: a failing one must not strand them.
        let drained = send_waiting_intents(&self.reconcile.store, &self.outbound).await;
        let status = self.hand_on(outcome.map_err(Failure::Run)?).await;
        let sent = drained.map_err(Failure::Drain)?;
        Ok(json!({"status": status, "intents_sent": sent}))
    }

    async fn drain(&self) -> Result<Value, Failure> {
        let sent = send_waiting_intents(&self.reconcile.store, &self.outbound).await;
        Ok(json!({"intents_sent": sent.map_err(Failure::Drain)?}))
    }

    /// The mapping delivers one message at a time, so its failure is the invocation's.
    async fn resume(&self, event: SqsEvent, deadline: Instant) -> Result<Value, Failure> {
        for record in event.records {
            let body = record.body.unwrap_or_default();
            let message: ContinueReconcile = queue::decode(&body).map_err(Failure::Message)?;
            let outcome = self.reconcile.resume(message.run_id, deadline).await;
            self.hand_on(outcome.map_err(Failure::Run)?).await;
        }
        Ok(json!({"batchItemFailures": []}))
    }

    /// Lets a paused run go on in another invocation.
    async fn hand_on(&self, outcome: SliceOutcome) -> &'static str {
        match outcome {
            SliceOutcome::Finished(run) => {
                tracing::info!(run_id = %run.id, status = ?run.status, counters = %run.counters, "run ended");
                "finished"
            }
            SliceOutcome::Paused(run) => {
                if let Err(error) = self
                    .continuation
                    .send(&ContinueReconcile { run_id: run.id })
                    .await
                {
                    telemetry::log_error("the run waits for the next schedule", &error);
                }
                "paused"
            }
            SliceOutcome::Busy(_) => "busy",
            SliceOutcome::Over => "over",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedules_of_the_template_are_understood() {
        for (input, mode) in [("incremental", Mode::Incremental), ("full", Mode::Full)] {
            let tick = Tick::deserialize(json!({"mode": input})).unwrap();
            assert_eq!(tick, Tick::Reconcile { mode });
        }
        let tick = Tick::deserialize(json!({"action": "drain"})).unwrap();
        let action = Action::Drain;
        assert_eq!(tick, Tick::Act { action });
    }
}

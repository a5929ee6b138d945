//! One slice of a run: started by the schedule, or continued through the queue.

use std::time::{Duration, Instant, SystemTime};

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Context, LambdaEvent};
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
struct Tick {
    mode: Mode,
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
        let deadline = deadline(&event.context);
        if event.payload.get("Records").is_some() {
            let event = SqsEvent::deserialize(event.payload).map_err(Failure::Event)?;
            return self.resume(event, deadline).await;
        }
        let tick = Tick::deserialize(event.payload).map_err(Failure::Event)?;
        let request = RunRequest {
            mode: tick.mode,
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

fn deadline(context: &Context) -> Instant {
    let left = context
        .deadline()
        .duration_since(SystemTime::now())
        .unwrap_or_default();
    Instant::now() + left.saturating_sub(MARGIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedules_of_the_template_are_understood() {
        for (input, mode) in [("incremental", Mode::Incremental), ("full", Mode::Full)] {
            let tick = Tick::deserialize(json!({"mode": input})).unwrap();
            assert_eq!(tick, Tick { mode });
        }
    }
}

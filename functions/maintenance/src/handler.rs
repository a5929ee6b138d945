//! One task: from a schedule, or by hand.

use std::time::Duration;

use lambda_runtime::LambdaEvent;
use media_sync::deadline::{self, Deadline};
use media_sync::maintenance::{Maintenance, MaintenanceError, MaintenanceTask};
use media_sync::telemetry;
use media_sync::time::Timestamp;
use serde_json::Value;

/// Kept free at the end of an invocation, to hand a replay on and to answer.
const MARGIN: Duration = Duration::from_secs(5);

/// The handler's dependencies.
#[derive(Debug)]
pub(crate) struct MaintenanceWorker {
    pub(crate) maintenance: Maintenance,
}

/// A failed invocation, told with all its causes, since the runtime reports one line only.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskFailure {
    #[error("the event asks for nothing that there is: {0}")]
    Event(serde_json::Error),
    #[error("the event asks for no maintenance; runs are the function reconcile's")]
    Other,
    #[error("{}", telemetry::chain(&**.0))]
    Task(Box<MaintenanceError>),
}

impl MaintenanceWorker {
    /// A failure is the invocation's: Lambda counts it and repeats a schedule's once.
    pub(crate) async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, TaskFailure> {
        let deadline = deadline::before_the_end(&event.context, MARGIN);
        let work = async {
            let task = read(&event.payload)?;
            let maintenance = self.maintenance.until(Deadline::of(&event.context));
            let done = maintenance.run(task, deadline).await;
            done.map_err(|error| TaskFailure::Task(Box::new(error)))
        };
        telemetry::invocation(Some(&event.context), None, work).await
    }
}

fn read(event: &Value) -> Result<MaintenanceTask, TaskFailure> {
    let task = MaintenanceTask::read(event, Timestamp::now()).map_err(TaskFailure::Event)?;
    task.ok_or(TaskFailure::Other)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_a_task_or_a_failure() {
        assert_eq!(
            read(&json!({"action": "drain"})).unwrap(),
            MaintenanceTask::Drain
        );
        let run = read(&json!({"mode": "full"}));
        assert!(matches!(run, Err(TaskFailure::Other)), "{run:?}");
        let unknown = read(&json!({"action": "reboot"}));
        assert!(matches!(unknown, Err(TaskFailure::Event(_))), "{unknown:?}");
    }
}

//! Decides how long a run is followed (pure).

use std::time::Duration;

use media_sync::time::Timestamp;

use super::{RunDescription, RunStanding};

/// Without a sign of life: longer than a schedule takes to come round and to take the run over.
const SILENCE_LIMIT: Duration = Duration::from_secs(20 * 60);

/// The end for which somebody waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunPatience {
    /// The run has ended, or rests.
    UntilItRests,
    /// The run has ended, however often it rests.
    UntilItEnds,
}

/// The next step of following.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NextStep {
    /// Look again.
    Wait,
    /// Look again, and say until when the run rests.
    WaitUntil(Timestamp),
    /// The wait is over.
    Return,
    /// The run is dead, and nobody takes it over.
    GiveUp,
}

impl RunPatience {
    pub(super) fn next_step(self, run: &RunDescription, now: Timestamp) -> NextStep {
        match (run.standing(now), self) {
            (RunStanding::Done | RunStanding::Differs | RunStanding::Failed, _)
            | (RunStanding::RestsForQuota(_) | RunStanding::RestsAfterFault, Self::UntilItRests) => {
                NextStep::Return
            }
            (RunStanding::RestsForQuota(until), Self::UntilItEnds) => NextStep::WaitUntil(until),
            _ if is_silent(run, now) => NextStep::GiveUp,
            _ => NextStep::Wait,
        }
    }
}

fn is_silent(run: &RunDescription, now: Timestamp) -> bool {
    let rests = run.resume_at.is_some_and(|until| until > now);
    let since = run.heartbeat_at.map(|seen| now.since(seen));
    !rests && since.is_some_and(|length| length > SILENCE_LIMIT)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn run(changes: &Value) -> RunDescription {
        let mut value = json!({
            "run_id": Uuid::nil(), "mode": "full", "trigger": "invocation", "dry_run": false, "status": "running",
            "error_code": null, "error_message": null, "counters": {}, "started_at": NOW, "finished_at": null,
            "heartbeat_at": NOW, "resume_at": null, "predicted_end": null,
        });
        for (key, change) in changes.as_object().unwrap() {
            value[key] = change.clone();
        }
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn rest_ends_one_kind_of_patience_and_silence_both() {
        let later = Timestamp::from_secs(1_800_000_600);
        let long_ago = Timestamp::from_secs(1_800_000_000 - 1_201);
        let quota =
            json!({"error_code": "quota_reserve", "resume_at": later, "heartbeat_at": long_ago});
        for (changes, until_rest, until_end) in [
            (json!({}), NextStep::Wait, NextStep::Wait),
            (quota, NextStep::Return, NextStep::WaitUntil(later)),
            (
                json!({"error_code": "database"}),
                NextStep::Return,
                NextStep::Wait,
            ),
            (
                json!({"error_code": "database", "heartbeat_at": long_ago}),
                NextStep::Return,
                NextStep::GiveUp,
            ),
            (
                json!({"heartbeat_at": long_ago}),
                NextStep::GiveUp,
                NextStep::GiveUp,
            ),
            (
                json!({"heartbeat_at": long_ago, "resume_at": later}),
                NextStep::Wait,
                NextStep::Wait,
            ),
            (
                json!({"status": "succeeded", "heartbeat_at": long_ago}),
                NextStep::Return,
                NextStep::Return,
            ),
            (
                json!({"status": "failed"}),
                NextStep::Return,
                NextStep::Return,
            ),
        ] {
            let run = run(&changes);
            let found = [RunPatience::UntilItRests, RunPatience::UntilItEnds]
                .map(|patience| patience.next_step(&run, NOW));
            assert_eq!(found, [until_rest, until_end], "{changes}");
        }
    }
}

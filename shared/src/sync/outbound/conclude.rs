//! The outcomes of claimed rows (pure).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use uuid::Uuid;

use super::claim::ClaimPolicy;
use super::outcome::{MessageOutcome, RowOutcome};
use crate::row::AssetRow;
use crate::time::Timestamp;

/// The outcomes of claimed rows.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ClaimConclusion {
    pub settled: BTreeMap<Uuid, MessageOutcome>,
    /// Rows with something to be done at once: newer decisions, or the next part of one.
    pub again: BTreeSet<Uuid>,
    /// Rows whose next attempt is due after a while.
    pub due: BTreeMap<Uuid, Duration>,
}

impl ClaimPolicy {
    /// Decides the next step, from the rows as they were written.
    pub fn conclude(&self, after: &[AssetRow], now: Timestamp) -> ClaimConclusion {
        let mut conclusion = ClaimConclusion::default();
        for row in after {
            let Some(claimed) = self.find(row) else {
                continue;
            };
            let is_newer = row.intent_revision != claimed.intent_revision;
            let failed = matches!(
                self.outcome(row),
                Some(RowOutcome::Failed(_) | RowOutcome::Unseen(_))
            );
            let due = row
                .sync
                .next_attempt_at
                .filter(|_| row.sync.error_code.is_some());
            let settled = match (&row.intent, due) {
                (None, _) => MessageOutcome::Done,
                (Some(_), Some(due)) => {
                    conclusion.due.insert(row.id, due.since(now));
                    MessageOutcome::Failed
                }
                (Some(_), None) if failed && !is_newer => MessageOutcome::Failed,
                (Some(_), None) => {
                    conclusion.again.insert(row.id);
                    MessageOutcome::Done
                }
            };
            conclusion.settled.insert(row.id, settled);
        }
        conclusion
    }
}

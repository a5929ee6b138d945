//! What claimed rows have come to (pure).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use uuid::Uuid;

use super::Settled;
use super::claim::ClaimPolicy;
use crate::row::AssetRow;
use crate::sync::retry::Failure;
use crate::time::Timestamp;

/// What the calls have brought for each row that they were for.
pub type Outcomes = BTreeMap<Uuid, Outcome>;

/// What the calls for one row have brought.
#[derive(Clone, PartialEq, Debug)]
pub enum Outcome {
    /// Cloudinary says that it was done; whether it was, a look tells.
    Done,
    /// The asset is not there: it was addressed by its own id, and this is no shortened answer.
    Gone(Timestamp),
    Failed(Failure),
    /// It could not be looked at, before or after the calls.
    Unseen(Failure),
    /// There was no time left to begin.
    NotBegun,
}

/// What became of claimed rows.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Conclusion {
    pub settled: BTreeMap<Uuid, Settled>,
    /// Rows with something to be done at once: newer decisions, or the next part of one.
    pub again: BTreeSet<Uuid>,
    /// Rows whose next attempt is due after a while.
    pub due: BTreeMap<Uuid, Duration>,
}

impl ClaimPolicy {
    /// What to do next, from the rows as they were written.
    pub fn conclude(&self, after: &[AssetRow], now: Timestamp) -> Conclusion {
        let mut conclusion = Conclusion::default();
        for row in after {
            let Some(claimed) = self.find(row) else {
                continue;
            };
            let is_newer = row.intent_revision != claimed.intent_revision;
            let failed = matches!(
                self.outcome(row),
                Some(Outcome::Failed(_) | Outcome::Unseen(_))
            );
            let due = row
                .sync_next_attempt_at
                .filter(|_| row.sync_error_code.is_some());
            let settled = match (&row.intent, due) {
                (None, _) => Settled::Done,
                (Some(_), Some(due)) => {
                    conclusion.due.insert(row.id, due.since(now));
                    Settled::Failed
                }
                (Some(_), None) if failed && !is_newer => Settled::Failed,
                (Some(_), None) => {
                    conclusion.again.insert(row.id);
                    Settled::Done
                }
            };
            conclusion.settled.insert(row.id, settled);
        }
        conclusion
    }
}

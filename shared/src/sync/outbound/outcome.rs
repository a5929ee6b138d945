//! Outcomes of calls and messages (plain data).

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::sync::retry::IntentFailure;
use crate::time::Timestamp;

/// The outcome of the calls for each of their rows.
pub type RowOutcomes = BTreeMap<Uuid, RowOutcome>;

/// The outcome of the calls for one row.
#[derive(Clone, PartialEq, Debug)]
pub enum RowOutcome {
    /// Cloudinary says that it was done; whether it was, a look tells.
    Done,
    /// The asset is not there: it was addressed by its own id, and this is no shortened answer.
    Gone(Timestamp),
    Failed(IntentFailure),
    /// It could not be looked at, before or after the calls.
    Unseen(IntentFailure),
    /// There was no time left to begin.
    NotBegun,
}

/// The outcome of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageOutcome {
    /// Nothing that the row wished for is left.
    Done,
    /// There was nothing to do.
    Overtaken,
    /// It failed; the row says why, and a later attempt is due unless it was refused for good.
    Failed,
}

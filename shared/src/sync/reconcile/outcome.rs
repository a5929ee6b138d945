//! The ways in which a slice ends (plain data).

use crate::sync::store::RunRow;

/// The end of a slice.
#[derive(Debug)]
pub enum SliceOutcome {
    /// The run has ended, well or not.
    Finished(Box<RunRow>),
    /// Time or quota is used up. The run goes on from its checkpoint when it is continued, which
    /// the caller brings about, not before its `resume_at`.
    Paused(Box<RunRow>),
    /// The run waits until its `resume_at`; nothing was done.
    Resting(Box<RunRow>),
    /// Somebody else leads a run; nothing was done.
    Busy(Option<Box<RunRow>>),
    /// The run that was to be continued has ended already.
    Over,
}

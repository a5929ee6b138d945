//! Walks Cloudinary page by page and repairs missed changes.
//!
//! A run is cut into slices, each within one invocation. Every step of a slice (a page, a hundred
//! suspects) is one transaction. It holds the difference, the counters and the place where to go
//! on. So a crash repeats at most one step, and repeating is harmless. (Where values are refused,
//! parts of a page are written before it.)

mod drift;
mod error;
mod flow;
mod mass_delete;
mod named;
mod options;
mod outcome;
mod page;
mod predict;
mod refusals;
mod slice;
mod stage;
mod suspects;

pub use self::drift::{DriftReport, MAX_EXAMPLES};
pub use self::error::ReconcileError;
pub use self::flow::{Reconcile, RunStart};
pub use self::named::NamedOutcome;
pub use self::options::{MAX_NAMES, MAX_PAGE, RunOptions, checked_names};
pub use self::outcome::SliceOutcome;
pub use self::stage::RunCounters;

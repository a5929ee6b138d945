//! Installing and removing: the answers, the tests before anything is made, and the steps.

pub(crate) mod answers;
pub(crate) mod artifacts;
mod ask;
pub(crate) mod import;
pub(crate) mod keys;
pub(crate) mod parameters;
pub(crate) mod preflight;
pub(crate) mod reservation;

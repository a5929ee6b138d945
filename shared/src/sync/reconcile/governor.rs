//! Asks before each of a run's calls whether the quota allows it.

use super::ReconcileError;
use super::quota::{Decision, decide};
use crate::cloudinary::Client;

/// Stands between a run and Cloudinary.
#[derive(Clone, Copy, Debug)]
pub(super) enum Governor {
    /// Runs leave a reserve to people; `wanted` is the run's own option.
    KeepReserve { wanted: Option<u32> },
    /// People's calls use the reserve: it is for them.
    People,
}

impl Governor {
    /// Whether `calls` calls may be made now.
    ///
    /// # Errors
    /// [`ReconcileError::Reserve`] when they would use up what is kept for people.
    pub(super) fn admit(self, cloudinary: &Client, calls: usize) -> Result<(), ReconcileError> {
        let Self::KeepReserve { wanted } = self else {
            return Ok(());
        };
        let calls = u32::try_from(calls).unwrap_or(u32::MAX);
        let known = cloudinary.newest_quota();
        match decide(known.as_ref(), calls, wanted, cloudinary.cloud_now()) {
            Decision::Go => Ok(()),
            Decision::RestFor(rest) => Err(ReconcileError::Reserve(rest)),
        }
    }
}

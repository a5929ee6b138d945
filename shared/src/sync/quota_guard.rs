//! Asks before each of a run's calls whether the quota allows it.

use std::time::Duration;

use super::quota::{Decision, decide};
use crate::cloudinary::CloudinaryClient;

/// The calls would use up the reserve kept for people; nothing may be tried for so long.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the rest of Cloudinary's hourly quota is kept for people; the run goes on in {} s", .0.as_secs())]
pub struct ReserveTouched(pub Duration);

/// Stands between a run and Cloudinary.
#[derive(Clone, Copy, Debug)]
pub enum QuotaGuard {
    /// Runs leave a reserve to people; `wanted` is the run's own option.
    KeepReserve { wanted: Option<u32> },
    /// People's calls use the reserve: it is for them.
    People,
}

impl QuotaGuard {
    /// Tells whether `calls` calls may be made now.
    ///
    /// # Errors
    /// [`ReserveTouched`] when they would use up the reserve kept for people.
    pub fn admit(self, cloudinary: &CloudinaryClient, calls: usize) -> Result<(), ReserveTouched> {
        let Self::KeepReserve { wanted } = self else {
            return Ok(());
        };
        let calls = u32::try_from(calls).unwrap_or(u32::MAX);
        let known = cloudinary.newest_quota();
        match decide(known.as_ref(), calls, wanted, cloudinary.cloud_now()) {
            Decision::Go => Ok(()),
            Decision::RestFor(rest) => Err(ReserveTouched(rest)),
        }
    }
}

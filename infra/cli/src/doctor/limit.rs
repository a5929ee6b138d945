//! The time limit of a probe.

use std::time::Duration;

use super::verdict::{ProbeResult, SkipReason};

/// The longest time for one probe.
pub(crate) const PROBE_LIMIT: Duration = Duration::from_secs(20);

/// Ends a probe that takes too long.
pub(crate) async fn limited<T>(
    subject: &str,
    probe: impl Future<Output = ProbeResult<T>>,
) -> ProbeResult<T> {
    tokio::time::timeout(PROBE_LIMIT, probe)
        .await
        .unwrap_or_else(|_| {
            Err(SkipReason::because(format!(
                "{subject} did not answer in time"
            )))
        })
}

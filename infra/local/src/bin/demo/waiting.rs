//! Waiting for a condition: look, and look again, until a deadline.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::time::MissedTickBehavior;

/// Many times the slowest change on a busy machine of two cores.
const LIMIT: Duration = Duration::from_secs(60);
const EVERY: Duration = Duration::from_millis(100);

/// Waits until `look` finds something. Answers it, and the time that it took.
///
/// # Errors
/// When looking fails, or when there is nothing to be found within a minute.
pub(crate) async fn until<T>(
    what: &str,
    look: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<(T, Duration)> {
    until_within(LIMIT, what, look).await
}

/// As [`until`], with another deadline.
///
/// # Errors
/// When looking fails, or when there is nothing to be found in time.
pub(crate) async fn until_within<T>(
    limit: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<(T, Duration)> {
    let began = Instant::now();
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while began.elapsed() < limit {
        ticks.tick().await;
        if let Some(found) = look().await? {
            return Ok((found, began.elapsed()));
        }
    }
    bail!("not within {} s: {what}", limit.as_secs())
}

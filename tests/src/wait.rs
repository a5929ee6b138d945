//! Waiting for a condition, and for no longer than that.

use std::time::{Duration, Instant};

/// Longer than anything takes on a machine of two busy cores, retries of a queue included.
const DEADLINE: Duration = Duration::from_secs(240);

/// Most things come true at once; the emulator and the database have better to do than to answer about the others.
const PAUSES: std::ops::Range<Duration> = Duration::from_millis(10)..Duration::from_millis(200);

/// Asks until the answer is yes.
///
/// # Panics
/// When it is still no after minutes; the message names the condition.
pub async fn eventually(what: &str, ask: impl AsyncFnMut() -> bool) {
    eventually_or_tell(ask, async || what.to_owned()).await;
}

/// The same; the condition and the state are found out when the time is over.
///
/// # Panics
/// When the answer is still no after minutes.
pub async fn eventually_or_tell(
    mut ask: impl AsyncFnMut() -> bool,
    tell: impl AsyncFnOnce() -> String,
) {
    let begun = Instant::now();
    let mut pause = PAUSES.start;
    while !ask().await {
        if begun.elapsed() > DEADLINE {
            panic!("still not true after {DEADLINE:?}: {}", tell().await);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(PAUSES.end);
    }
}

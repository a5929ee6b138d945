//! Waiting for what must come true, and for no longer than that.

use std::time::{Duration, Instant};

/// Longer than anything takes on a machine of two busy cores, retries of a queue included.
const DEADLINE: Duration = Duration::from_secs(240);

/// Asks until the answer is yes.
///
/// # Panics
/// When it is still no after minutes; the message says what was waited for.
pub async fn eventually(what: &str, mut ask: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !ask().await {
        assert!(
            begun.elapsed() < DEADLINE,
            "still not true after {DEADLINE:?}: {what}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

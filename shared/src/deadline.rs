//! How much of an invocation's time is left.

use std::time::{Duration, Instant, SystemTime};

use lambda_http::Context;

/// The moment at which `margin` of the invocation's time is left.
pub fn before_the_end(context: &Context, margin: Duration) -> Instant {
    let left = context
        .deadline()
        .duration_since(SystemTime::now())
        .unwrap_or_default();
    Instant::now() + left.saturating_sub(margin)
}

//! Logs and metrics: one JSON object a line, in the words that AWS Powertools uses.

mod chain;
mod correlation;
mod invocation;
mod lines;
pub mod metrics;
mod scope;

use std::io;

use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub use self::chain::chain;
pub use self::correlation::CorrelationId;
pub use self::invocation::invocation;
use self::lines::{JsonLines, Origin};
pub use self::scope::{correlation_of, note_user, with_correlation, with_messages};

/// Begins logging for a function, at the level that `LOG_LEVEL` says (`info` if it does not).
/// Other crates are heard from `warn` on.
///
/// Call it once, first thing in `main`; a second call does nothing.
pub fn init(service: &'static str) {
    let origin = Origin::begin(service);
    let level = std::env::var("LOG_LEVEL").ok();
    let level = level
        .and_then(|level| level.parse().ok())
        .unwrap_or(LevelFilter::INFO);
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        // The runtime's span, which carries the request id, is written at info.
        .with_target("lambda_runtime", LevelFilter::INFO)
        .with_target("media_sync", level)
        .with_target(service, level);
    let _ = tracing_subscriber::registry()
        .with(JsonLines::new(origin, io::stdout).with_filter(filter))
        .try_init();
}

/// Logs a failure, with its causes, where it is handled.
pub fn log_error(what: &str, error: &dyn std::error::Error) {
    tracing::error!(error = chain(error), "{what}");
}

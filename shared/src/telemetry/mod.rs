//! Logs and metrics: one JSON object a line, in the words that AWS Powertools uses.

mod correlation;
mod lines;
pub mod metrics;
mod scope;

use std::io;

use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub use self::correlation::CorrelationId;
use self::lines::{JsonLines, Origin};
pub use self::scope::{correlation_of, invocation, note_user, with_correlation, with_messages};

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

/// An error and its causes on one line, outermost first.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string)
    {
        // Some errors repeat their source's words in their own.
        if parts.last().is_none_or(|last| !last.ends_with(&part)) {
            parts.push(part);
        }
    }
    parts.join(": ")
}

/// Logs a failure, with its causes, where it is handled.
pub fn log_error(what: &str, error: &dyn std::error::Error) {
    tracing::error!(error = chain(error), "{what}");
}

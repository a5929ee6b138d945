//! How much of an invocation's time is left.

use std::time::{Duration, Instant, SystemTime};

use lambda_http::Context;

/// The moment until which work may go on. Copies are the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// For work that nobody ends, such as a command's.
    pub const NEVER: Self = Self(None);

    /// A moment.
    pub const fn at(moment: Instant) -> Self {
        Self(Some(moment))
    }

    /// The moment at which `margin` of the invocation's time is left.
    pub fn of(context: &Context, margin: Duration) -> Self {
        Self::at(before_the_end(context, margin))
    }

    /// How long that is from now; nothing where there is no end.
    pub fn left(self) -> Option<Duration> {
        self.0
            .map(|moment| moment.saturating_duration_since(Instant::now()))
    }

    /// What `work` comes to; nothing if the moment comes first.
    pub async fn limit<T>(self, work: impl Future<Output = T>) -> Option<T> {
        match self.0 {
            Some(moment) => tokio::time::timeout_at(moment.into(), work).await.ok(),
            None => Some(work.await),
        }
    }
}

/// The moment at which `margin` of the invocation's time is left.
pub fn before_the_end(context: &Context, margin: Duration) -> Instant {
    let left = context
        .deadline()
        .duration_since(SystemTime::now())
        .unwrap_or_default();
    Instant::now() + left.saturating_sub(margin)
}

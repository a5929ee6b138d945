//! One deadline for an invocation: how much of its time is left, and what may still begin.

use std::time::{Duration, Instant, SystemTime};

use lambda_http::{Context, Request, RequestExt};

/// A call needs at least this much to be worth its beginning.
const LEAST: Duration = Duration::from_millis(100);

/// Kept free at the very end, to answer: after it Lambda kills the function, and nobody hears of
/// its work.
const TO_ANSWER: Duration = Duration::from_secs(1);

/// Kept free after the last call to Cloudinary, to write down the observations.
pub const TO_WRITE: Duration = Duration::from_secs(4);

/// Kept free after the last call to the database, to send the messages that follow.
pub const TO_HAND_ON: Duration = Duration::from_secs(1);

/// The moment until which work may go on. Copies are the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// For work that nobody ends, such as a command's.
    pub const NEVER: Self = Self(None);

    /// A moment.
    pub const fn at(moment: Instant) -> Self {
        Self(Some(moment))
    }

    /// The moment until which an invocation may work: a second is left then, to answer.
    pub fn of(context: &Context) -> Self {
        Self::at(before_the_end(context, TO_ANSWER))
    }

    /// As [`Deadline::of`], for a request of the HTTP API.
    pub fn of_request(request: &Request) -> Self {
        request.lambda_context_ref().map_or(Self::NEVER, Self::of)
    }

    /// A moment before this one, which leaves time for later steps.
    #[must_use]
    pub fn earlier(self, by: Duration) -> Self {
        Self(
            self.0
                .map(|moment| moment.checked_sub(by).unwrap_or(moment)),
        )
    }

    /// The timeout of a call that may take as long as `own`: no longer than the time left. Nothing
    /// if the call had better not begin.
    pub fn timeout(self, own: Duration) -> Option<Duration> {
        let Some(moment) = self.0 else {
            return Some(own);
        };
        let left = moment.saturating_duration_since(Instant::now());
        (left >= LEAST).then_some(left.min(own))
    }

    /// The result of `work`; nothing if the moment comes first.
    pub async fn limit<T>(self, work: impl Future<Output = T>) -> Option<T> {
        // The SDK's calls are deep: boxed, they do not bring their callers to the compiler's limit.
        let work = Box::pin(work);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_takes_its_own_time_or_what_is_left_and_does_not_begin_at_the_end() {
        let own = Duration::from_secs(15);
        assert_eq!(Deadline::NEVER.timeout(own), Some(own));
        let hour = Deadline::at(Instant::now() + Duration::from_secs(3_600));
        assert_eq!(hour.timeout(own), Some(own));
        let soon = Deadline::at(Instant::now() + Duration::from_secs(10));
        let left = soon.timeout(own).unwrap();
        assert!(left <= Duration::from_secs(10));
        assert_eq!(soon.earlier(Duration::from_secs(10)).timeout(own), None);
        assert_eq!(Deadline::at(Instant::now()).timeout(own), None);
    }

    #[tokio::test]
    async fn work_that_does_not_end_is_given_up() {
        let now = Deadline::at(Instant::now());
        assert_eq!(now.limit(std::future::pending::<()>()).await, None);
        assert_eq!(now.limit(async { 7 }).await, Some(7), "it was done already");
        assert_eq!(Deadline::NEVER.limit(async { 7 }).await, Some(7));
    }
}

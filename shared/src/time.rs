//! Moments on Cloudinary's clock, to the microsecond.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A moment in time: microseconds since the Unix epoch.
///
/// Cloudinary's finest clock (`notification_context.triggered_at`) has microseconds, and so has
/// PostgreSQL's `timestamptz`; nothing is lost on the way between them. It is written as RFC 3339
/// in JSON, which both sides read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp(i64);

/// A text that is not an RFC 3339 moment.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a moment such as 2026-01-31T12:00:00Z")]
pub struct ParseTimestampError(String);

impl Timestamp {
    /// The last moment that can be written with every offset: 9999-12-30T22:00:00Z.
    pub const LAST: Self = Self::from_secs(253_402_207_200);

    /// From microseconds since the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From seconds since the Unix epoch, as `X-Cld-Timestamp` and `version` count them.
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since the Unix epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The local clock. Only the outermost code may ask it; everything else takes `now`.
    pub fn now() -> Self {
        Self(jiff::Timestamp::now().as_microsecond())
    }

    /// Reads RFC 3339, with any number of fractional digits (cut to microseconds).
    ///
    /// # Errors
    /// When the text is not RFC 3339 or lies outside the years that PostgreSQL holds.
    pub fn parse(text: &str) -> Result<Self, ParseTimestampError> {
        let moment = text.parse::<jiff::Timestamp>();
        let moment = moment.ok().map(|moment| Self(moment.as_microsecond()));
        moment
            .filter(|moment| *moment <= Self::LAST)
            .ok_or_else(|| ParseTimestampError(text.to_owned()))
    }

    /// The smallest moment after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// This moment moved by a signed number of microseconds.
    #[must_use]
    pub const fn offset(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// This moment as people read it: `2026-01-31 12:00:00 UTC`.
    pub fn to_the_second(self) -> String {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(moment) => moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            Err(_) => self.to_string(),
        }
    }

    /// The time since `earlier`; zero when that is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(moment) => write!(f, "{moment:.6}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microseconds_survive_a_round_trip_through_json() {
        let moment = Timestamp::parse("2026-01-01T00:00:00.272126Z").unwrap();
        let json = serde_json::to_string(&moment).unwrap();
        assert_eq!(json, "\"2026-01-01T00:00:00.272126Z\"");
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), moment);
    }

    #[test]
    fn postgres_offsets_are_read() {
        let moment = Timestamp::parse("2026-01-01T01:00:00+01:00").unwrap();
        assert_eq!(moment, Timestamp::from_secs(1_767_225_600));
    }

    #[test]
    fn the_last_moment_can_be_written() {
        assert_eq!(Timestamp::LAST.to_string(), "9999-12-30T22:00:00.000000Z");
        assert!(jiff::Timestamp::from_microsecond(Timestamp::LAST.next().micros()).is_err());
        assert!(Timestamp::parse("9999-12-30T22:00:00.000001Z").is_err());
    }

    #[test]
    fn since_is_zero_for_the_past() {
        let now = Timestamp::from_secs(10);
        assert_eq!(now.since(Timestamp::from_secs(20)), Duration::ZERO);
        assert_eq!(now.since(Timestamp::from_secs(9)), Duration::from_secs(1));
    }
}

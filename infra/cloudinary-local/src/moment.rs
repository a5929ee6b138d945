//! Points in time as microseconds since the Unix epoch, and the texts Cloudinary writes them as.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Microseconds since the Unix epoch, on the stand-in's clock.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub(crate) struct Moment(pub(crate) i64);

const MICROS_PER_SECOND: i64 = 1_000_000;

impl Moment {
    /// The machine's clock, shifted by `skew_ms`.
    pub(crate) fn now(skew_ms: i64) -> Self {
        Self(Timestamp::now().as_microsecond() + skew_ms * 1000)
    }

    /// Whole seconds since the Unix epoch.
    pub(crate) fn seconds(self) -> i64 {
        self.0.div_euclid(MICROS_PER_SECOND)
    }

    pub(crate) fn plus_millis(self, millis: i64) -> Self {
        Self(self.0 + millis * 1000)
    }

    /// `2026-01-01T00:00:00Z`
    pub(crate) fn iso(self) -> String {
        self.format("%Y-%m-%dT%H:%M:%SZ")
    }

    /// `2026-01-01T00:00:00+00:00`, as the top-level `timestamp` of a notification.
    pub(crate) fn iso_offset(self) -> String {
        self.format("%Y-%m-%dT%H:%M:%S+00:00")
    }

    /// `2026-01-01T00:00:00.272126Z`, as `notification_context.triggered_at`.
    pub(crate) fn iso_micros(self) -> String {
        let fraction = self.0.rem_euclid(MICROS_PER_SECOND);
        format!("{}.{fraction:06}Z", self.format("%Y-%m-%dT%H:%M:%S"))
    }

    /// `2026-01-01 00:00:00`, as in error messages.
    pub(crate) fn plain(self) -> String {
        self.format("%Y-%m-%d %H:%M:%S")
    }

    /// `Fri, 02 Oct 2026 10:00:00 GMT`
    pub(crate) fn http_date(self) -> String {
        self.format("%a, %d %b %Y %H:%M:%S GMT")
    }

    /// `2026-01-01`
    pub(crate) fn date(self) -> String {
        self.format("%Y-%m-%d")
    }

    /// The start of the next clock hour, when the Admin API's quota is renewed.
    pub(crate) fn next_hour(self) -> Self {
        let hour = 3600 * MICROS_PER_SECOND;
        Self((self.0.div_euclid(hour) + 1) * hour)
    }

    /// Reads ISO 8601 (with or without time and zone), HTTP dates and unix seconds.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(at) = text.parse::<Timestamp>() {
            return Some(Self(at.as_microsecond()));
        }
        if let Ok(seconds) = text.parse::<i64>() {
            return (seconds.unsigned_abs() > 100_000_000)
                .then(|| Self(seconds * MICROS_PER_SECOND));
        }
        if let Ok(civil) = text.parse::<jiff::civil::DateTime>() {
            let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
            return Some(Self(zoned.timestamp().as_microsecond()));
        }
        let civil = jiff::civil::DateTime::strptime("%a, %d %b %Y %H:%M:%S GMT", text).ok()?;
        let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Self(zoned.timestamp().as_microsecond()))
    }

    fn format(self, pattern: &str) -> String {
        Timestamp::from_microsecond(self.0)
            .unwrap_or(Timestamp::UNIX_EPOCH)
            .strftime(pattern)
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_names_the_same_moment() {
        let at = Moment(1_767_225_600_272_126);
        assert_eq!(at.iso(), "2026-01-01T00:00:00Z");
        assert_eq!(at.iso_micros(), "2026-01-01T00:00:00.272126Z");
        assert_eq!(at.http_date(), "Thu, 01 Jan 2026 00:00:00 GMT");
        assert_eq!(Moment::parse(&at.iso_micros()), Some(at));
        let whole = Moment(1_767_225_600_000_000);
        for text in [
            "2026-01-01",
            "2026-01-01T00:00:00",
            "1767225600",
            &at.http_date(),
            &at.iso_offset(),
        ] {
            assert_eq!(Moment::parse(text), Some(whole), "{text}");
        }
        assert_eq!(Moment::parse("soon"), None);
    }

    #[test]
    fn quota_is_renewed_on_the_clock_hour() {
        assert_eq!(
            Moment(1_767_225_600_000_001).next_hour().iso(),
            "2026-01-01T01:00:00Z"
        );
    }
}

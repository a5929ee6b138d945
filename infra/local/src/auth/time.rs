//! Points in time as PostgreSQL and Auth's JSON write them.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time with microseconds, as a `timestamptz` holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Time(Timestamp);

impl Time {
    pub(super) fn now() -> Self {
        let micros = Timestamp::now().as_microsecond();
        Self(Timestamp::from_microsecond(micros).expect("the clock is in the range of years"))
    }

    /// Seconds since 1970, as tokens count.
    pub(super) fn seconds(self) -> i64 {
        self.0.as_second()
    }

    /// A time that is out of range becomes the first or last one.
    pub(super) fn plus(self, duration: SignedDuration) -> Self {
        let limit = if duration.is_negative() {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        };
        Self(self.0.checked_add(duration).unwrap_or(limit))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// Reads a duration as Go writes it, such as `1h30m` or `-2.5s`; `None` for anything else.
pub(super) fn parse_duration(text: &str) -> Option<SignedDuration> {
    let (negative, mut rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let number_end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, after) = rest.split_at(number_end);
        let unit_end = after
            .find(|letter: char| letter.is_ascii_digit() || letter == '.')
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        seconds += number.parse::<f64>().ok()? * seconds_of(unit)?;
        rest = next;
    }
    SignedDuration::try_from_secs_f64(if negative { -seconds } else { seconds }).ok()
}

fn seconds_of(unit: &str) -> Option<f64> {
    Some(match unit {
        "h" => 3600.0,
        "m" => 60.0,
        "s" => 1.0,
        "ms" => 1e-3,
        "us" | "µs" | "μs" => 1e-6,
        "ns" => 1e-9,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        let table = [
            ("24h", Some(86_400_000)),
            ("1h30m", Some(5_400_000)),
            ("2.5s", Some(2_500)),
            ("-1m", Some(-60_000)),
            ("300ms", Some(300)),
            ("0", Some(0)),
            ("", None),
            ("-", None),
            ("24", None),
            ("1 h", None),
            ("1d", None),
            ("h", None),
        ];
        for (text, milliseconds) in table {
            let read = parse_duration(text).map(|duration| duration.as_millis());
            assert_eq!(read, milliseconds, "{text:?}");
        }
    }

    #[test]
    fn time_of_the_database_is_written_as_auth_writes_it() {
        let read: Time = serde_json::from_str("\"2026-11-26T16:20:21.12+00:00\"").unwrap();
        let written = serde_json::to_string(&read).unwrap();
        assert_eq!(written, "\"2026-11-26T16:20:21.12Z\"");
    }
}

//! Times in words (pure).

use std::time::Duration;

use media_sync::time::Timestamp;

/// A length of time with one unit, or two.
pub(crate) fn span(length: Duration) -> String {
    let seconds = length.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..86_400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// The distance of a moment that is past.
pub(crate) fn ago(moment: Timestamp, now: Timestamp) -> String {
    let length = now.since(moment);
    if length < Duration::from_secs(1) {
        return "just now".to_owned();
    }
    format!("{} ago", span(length))
}

/// Reads a moment: RFC 3339, a date (its beginning in UTC), or a distance such as `90m`, `6h` and `2d`.
pub(crate) fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(moment) = Timestamp::parse(text) {
        return Some(moment);
    }
    if let Ok(moment) = Timestamp::parse(&format!("{text}T00:00:00Z")) {
        return Some(moment);
    }
    let unit = text.chars().next_back()?;
    let seconds: i64 = match unit {
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let number: i64 = text
        .strip_suffix(unit)?
        .parse()
        .ok()
        .filter(|it| *it >= 0)?;
    let distance = number.checked_mul(seconds)?.checked_mul(1_000_000)?;
    now.micros()
        .checked_sub(distance)
        .map(Timestamp::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    #[test]
    fn spans_have_units_that_people_count_in() {
        for (seconds, expected) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_599, "59 min"),
            (5_400, "1 h 30 min"),
            (90_000, "1 d 1 h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), expected);
        }
        assert_eq!(ago(Timestamp::from_secs(1_799_999_940), NOW), "1 min ago");
        assert_eq!(ago(NOW, NOW), "just now");
    }

    #[test]
    fn moments_are_given_in_full_as_dates_or_as_distances() {
        for (text, expected) in [
            ("2027-01-15T08:00:00Z", Some(1_800_000_000)),
            ("2027-01-15T09:00:00+01:00", Some(1_800_000_000)),
            ("2027-01-15", Some(1_799_971_200)),
            ("90m", Some(1_799_994_600)),
            ("6h", Some(1_799_978_400)),
            ("2d", Some(1_799_827_200)),
            ("-2d", None),
            ("2w", None),
            ("99999999999999999999d", None),
            ("9223372036854775807d", None),
            ("tomorrow", None),
            ("", None),
            ("é", None),
        ] {
            let expected = expected.map(Timestamp::from_secs);
            assert_eq!(moment(text, NOW), expected, "{text}");
        }
    }
}

//! Decides if a run may call Cloudinary now, or leaves the rest of the hour to people (pure).

use std::time::Duration;

use crate::cloudinary::QuotaReading;
use crate::time::Timestamp;

/// The share of the limit that runs leave to people: one call of so many.
const RESERVE_DIVISOR: u32 = 10;

/// At least so many calls are left to people.
const LEAST_RESERVE: u32 = 50;

/// Quotas are reset on the hour. A reset that is said to be later is looked at again by then.
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// A run's next move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Decision {
    Go,
    /// Nothing before so much time has passed.
    RestFor(Duration),
}

/// The calls of `limit` that runs leave to people. `wanted` is the run's own option.
///
/// Never more than half of the limit: a run has to come further within some hour.
pub fn reserve(limit: u32, wanted: Option<u32>) -> u32 {
    wanted
        .unwrap_or_else(|| (limit / RESERVE_DIVISOR).max(LEAST_RESERVE))
        .min(limit / 2)
}

/// Tells whether `reading` lies below the reserve kept for people, at `now` of Cloudinary's clock.
pub fn is_low(reading: &QuotaReading, now: Timestamp) -> bool {
    reading.reset > now && reading.remaining < reserve(reading.limit, None)
}

/// Tells whether `calls` calls would leave the reserve untouched. `now` is on Cloudinary's clock,
/// and not later than that. Where nothing is known, the first answer tells.
pub(crate) fn decide(
    reading: Option<&QuotaReading>,
    calls: u32,
    wanted: Option<u32>,
    now: Timestamp,
) -> Decision {
    let Some(reading) = reading.filter(|reading| reading.reset > now) else {
        return Decision::Go;
    };
    if reading.remaining >= reserve(reading.limit, wanted).saturating_add(calls) {
        Decision::Go
    } else {
        Decision::RestFor(rest_until(reading.reset, now))
    }
}

/// The rest until `reset`: a second at least, an hour at most.
pub(crate) fn rest_until(reset: Timestamp, now: Timestamp) -> Duration {
    bounded(reset.since(now))
}

/// A rest that neither spins nor lasts for ever, for any header.
pub(crate) fn bounded(rest: Duration) -> Duration {
    rest.clamp(Duration::from_secs(1), HOUR)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn reading(limit: u32, remaining: u32, reset_in: i64) -> QuotaReading {
        QuotaReading {
            limit,
            remaining,
            reset: NOW.offset(reset_in * 1_000_000),
            seen_at: NOW,
        }
    }

    #[test]
    fn a_tenth_and_at_least_fifty_are_kept_but_never_more_than_half() {
        assert_eq!(reserve(2_000, None), 200);
        assert_eq!(reserve(400, None), 50);
        assert_eq!(reserve(60, None), 30);
        assert_eq!(reserve(2_000, Some(7)), 7);
        assert_eq!(reserve(2_000, Some(5_000)), 1_000);
    }

    #[test]
    fn the_last_call_above_the_reserve_is_made_and_the_next_one_waits() {
        let at = |remaining| decide(Some(&reading(500, remaining, 90)), 1, None, NOW);
        assert_eq!(at(51), Decision::Go);
        assert_eq!(at(50), Decision::RestFor(Duration::from_secs(90)));
        assert_eq!(at(0), Decision::RestFor(Duration::from_secs(90)));
    }

    #[test]
    fn a_step_of_several_calls_is_not_begun_if_its_last_one_would_not_be_made() {
        let at = |calls| decide(Some(&reading(500, 53, 90)), calls, None, NOW);
        assert_eq!(at(3), Decision::Go);
        assert_ne!(at(4), Decision::Go);
    }

    #[test]
    fn an_hour_that_is_over_and_an_unknown_one_are_full() {
        assert_eq!(
            decide(Some(&reading(500, 0, 0)), 6, None, NOW),
            Decision::Go
        );
        assert_eq!(decide(None, 6, None, NOW), Decision::Go);
        assert!(!is_low(&reading(500, 0, 0), NOW));
        assert!(is_low(&reading(500, 49, 1), NOW));
        assert!(!is_low(&reading(500, 50, 1), NOW));
    }

    proptest! {
        #[test]
        fn what_is_admitted_never_reaches_into_the_reserve(
            limit in 1u32..10_000, share in 0.0f64..1.0, calls in 1u32..20,
            wanted in prop::option::of(0u32..10_000), reset_in in -7_200i64..1_000_000,
        ) {
            let remaining = (f64::from(limit) * share) as u32;
            let known = reading(limit, remaining, reset_in);
            match decide(Some(&known), calls, wanted, NOW) {
                Decision::Go => prop_assert!(
                    reset_in <= 0 || remaining.checked_sub(calls).is_some_and(|left| left >= reserve(limit, wanted))
                ),
                Decision::RestFor(rest) => {
                    prop_assert!(reset_in > 0);
                    prop_assert!(remaining < reserve(limit, wanted) + calls);
                    prop_assert_eq!(rest, Duration::from_secs(reset_in.unsigned_abs()).min(HOUR));
                }
            }
        }
    }
}

//! Bounds Cloudinary's clock from the `Date` headers of its answers (pure).

use std::sync::atomic::{AtomicI64, Ordering};

use crate::time::Timestamp;

const UNKNOWN: i64 = i64::MIN;
const SECOND: i64 = 1_000_000;

/// The known bounds of the offset between Cloudinary's clock and ours.
///
/// An answer whose `Date` is `d` left Cloudinary in `[d, d + 1 s)` of its clock, because `Date` is
/// cut to whole seconds, and in `[sent, received]` of ours. So the offset is at least `d -
/// received`, and below `d + 1 s - sent`. The greatest lower bound of all answers is kept: a moment
/// moved by it is certainly not after the same moment on Cloudinary's clock. So is the least upper
/// bound, by which a moment is certainly not before it.
#[derive(Debug)]
pub struct CloudClock {
    /// Lower bound of (Cloudinary's clock − ours), microseconds.
    offset: AtomicI64,
    /// Upper bound of the same.
    offset_below: AtomicI64,
}

impl Default for CloudClock {
    fn default() -> Self {
        Self {
            offset: AtomicI64::new(UNKNOWN),
            offset_below: AtomicI64::new(UNKNOWN),
        }
    }
}

impl CloudClock {
    /// Learns from one answer: its `Date`, and when, on our clock, it was asked for and received.
    pub fn learn(&self, date: Timestamp, sent: Timestamp, received: Timestamp) {
        let at_least = date.micros().saturating_sub(received.micros());
        let below = date
            .micros()
            .saturating_add(SECOND)
            .saturating_sub(sent.micros());
        // A bound that contradicts an answer means that one of the clocks was set meanwhile.
        let update = |known: i64| {
            Some(if known >= below {
                at_least
            } else {
                known.max(at_least)
            })
        };
        self.offset
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, update)
            .expect("the update always gives a value");
        let update = |known: i64| {
            Some(if known <= at_least {
                below
            } else {
                known.min(below)
            })
        };
        self.offset_below
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, update)
            .expect("the update always gives a value");
    }

    /// The latest moment of Cloudinary's clock that was certainly reached at `local`.
    ///
    /// Before the first answer nothing is known and both clocks are taken to agree.
    pub fn lower_bound_at(&self, local: Timestamp) -> Timestamp {
        match self.offset.load(Ordering::Acquire) {
            UNKNOWN => local,
            offset => local.offset(offset),
        }
    }

    /// A moment that Cloudinary's clock had certainly not passed at `local`; as
    /// [`Self::lower_bound_at`] before the first answer.
    pub fn upper_bound_at(&self, local: Timestamp) -> Timestamp {
        match self.offset_below.load(Ordering::Acquire) {
            UNKNOWN => local,
            offset => local.offset(offset),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn first_answer_alone_gives_a_bound_within_latency_and_a_second() {
        let clock = CloudClock::default();
        let (sent, received) = (
            Timestamp::from_micros(5_000_000),
            Timestamp::from_micros(5_200_000),
        );
        clock.learn(Timestamp::from_secs(100), sent, received);
        assert_eq!(
            clock.lower_bound_at(sent),
            Timestamp::from_micros(99_800_000)
        );
    }

    #[test]
    fn unknown_offset_leaves_the_moment_as_it_is() {
        let now = Timestamp::from_secs(7);
        assert_eq!(CloudClock::default().lower_bound_at(now), now);
    }

    #[test]
    fn clock_set_back_is_noticed_at_the_next_answer() {
        let clock = CloudClock::default();
        clock.learn(
            Timestamp::from_secs(100),
            Timestamp::from_secs(10),
            Timestamp::from_secs(10),
        );
        clock.learn(
            Timestamp::from_secs(101),
            Timestamp::from_secs(60),
            Timestamp::from_secs(60),
        );
        assert_eq!(
            clock.lower_bound_at(Timestamp::from_secs(60)),
            Timestamp::from_secs(101)
        );
        assert_eq!(
            clock.upper_bound_at(Timestamp::from_secs(60)),
            Timestamp::from_secs(102)
        );
    }

    proptest! {
        #[test]
        fn bound_is_never_after_cloudinary_and_only_grows_tighter(
            skew in -1_000_000_000_000i64..1_000_000_000_000,
            exchanges in prop::collection::vec((0i64..5_000_000, 0i64..3_000_000, 0i64..3_000_000), 1..30),
        ) {
            let clock = CloudClock::default();
            let mut local = 1_767_225_600_000_000i64;
            let mut slack = i64::MAX;
            for (pause, there, back) in exchanges {
                let sent = local + pause;
                let answered = sent + there;
                let received = answered + back;
                local = received;
                let date = (answered + skew).div_euclid(SECOND);
                clock.learn(
                    Timestamp::from_secs(date),
                    Timestamp::from_micros(sent),
                    Timestamp::from_micros(received),
                );
                let bound = clock.lower_bound_at(Timestamp::from_micros(sent)).micros();
                prop_assert!(bound <= sent + skew, "stamped after the moment of asking");
                prop_assert!(sent + skew - bound <= slack, "knowledge was lost");
                slack = sent + skew - bound;
                let above = clock.upper_bound_at(Timestamp::from_micros(received)).micros();
                prop_assert!(above > received + skew, "the upper bound was passed already");
                prop_assert!(above - (received + skew) <= SECOND + there, "looser than this very answer allows");
                prop_assert!(slack < SECOND + back.max(0), "looser than this very answer allows");
            }
        }
    }
}

//! Decides if a failed message waits for something that passes by itself, and for how long (pure).
//!
//! A message that goes back to its queue counts as received once more, and the queue gives it up after some deliveries.
//! An hour without quota would use them up. So a message that is not at fault is sent anew, held back, and the old one
//! is deleted.

use std::error::Error;
use std::time::Duration;

use super::outgoing::MAX_DELAY;
use crate::time::Timestamp;

/// The longest wait of a message that nobody else sends again.
pub const LONGEST_WAIT: Duration = Duration::from_secs(4 * 24 * 3600);

/// The longest wait of a message whose row sends it again. The row's messages would add up.
const LONGEST_WAIT_OF_INTENTS: Duration = Duration::from_secs(15 * 60);

/// The pause grows to this share of the time that the message has waited.
const SHARE_OF_AGE: u32 = 4;

/// The prospects of a failed message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureProspect {
    /// The message may be at fault: its attempts are counted.
    Counted,
    /// The cause passes by itself, not before this time. It is nobody's fault.
    Passing(Duration),
}

/// The failure of one message, judged for its queue.
pub trait MessageFailure: Error {
    /// Tells if the message may be at fault.
    fn prospect(&self) -> FailureProspect;
}

/// The keeper of a message's meaning while it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKeeper {
    /// The message alone.
    Queue,
    /// A row of the database, which the drain sends again.
    Row,
}

/// The next place of a failed message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageFate {
    /// Back to its queue, counted. In the end the dead letters have it.
    Returned,
    /// Sent anew, held back for so long.
    SentAnew(Duration),
    /// Ended: its row sends another.
    LeftToItsRow,
}

impl MessageFate {
    /// Decides for a message that has waited since its first arrival. `pause` is the least pause.
    pub fn of(
        prospect: FailureProspect,
        keeper: MessageKeeper,
        age: Duration,
        pause: Duration,
    ) -> Self {
        let FailureProspect::Passing(at_least) = prospect else {
            return Self::Returned;
        };
        match keeper {
            MessageKeeper::Queue if age >= LONGEST_WAIT => Self::Returned,
            MessageKeeper::Row if age >= LONGEST_WAIT_OF_INTENTS => Self::LeftToItsRow,
            _ => {
                let delay = pause.max(at_least).max(age / SHARE_OF_AGE);
                Self::SentAnew(delay.min(MAX_DELAY))
            }
        }
    }
}

/// Tells if a message that arrived first at `since` has waited as long as a message may.
pub fn has_waited_long(since: Timestamp, now: Timestamp) -> bool {
    now.since(since) >= LONGEST_WAIT
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAUSE: Duration = Duration::from_secs(120);
    const NOTHING: Duration = Duration::ZERO;

    fn fate(prospect: FailureProspect, keeper: MessageKeeper, age: u64) -> MessageFate {
        MessageFate::of(prospect, keeper, Duration::from_secs(age), PAUSE)
    }

    #[test]
    fn each_failure_has_the_fate_that_the_table_says() {
        use FailureProspect::{Counted, Passing};
        use MessageFate::{LeftToItsRow, Returned, SentAnew};
        use MessageKeeper::{Queue, Row};
        let seconds = Duration::from_secs;
        let quota = Passing(seconds(300));
        let hour_of_quota = Passing(seconds(3_600));
        for (prospect, keeper, age, expected) in [
            (Counted, Queue, 0, Returned),
            (Counted, Row, 100_000, Returned),
            (Passing(NOTHING), Queue, 0, SentAnew(PAUSE)),
            (Passing(NOTHING), Row, 0, SentAnew(PAUSE)),
            (quota, Queue, 0, SentAnew(seconds(300))),
            // SQS holds no message back for longer.
            (hour_of_quota, Queue, 0, SentAnew(MAX_DELAY)),
            (Passing(NOTHING), Queue, 2_000, SentAnew(seconds(500))),
            (Passing(NOTHING), Queue, 4 * 86_400 - 1, SentAnew(MAX_DELAY)),
            (Passing(NOTHING), Queue, 4 * 86_400, Returned),
            (Passing(NOTHING), Row, 900, LeftToItsRow),
        ] {
            let judged = fate(prospect, keeper, age);
            assert_eq!(judged, expected, "{prospect:?} {keeper:?} {age}");
        }
    }

    proptest! {
        #[test]
        fn pauses_grow_with_the_wait_within_the_limit_of_sqs(age in 0u64..345_600, told in 0u64..100_000) {
            let pause = |age| match fate(FailureProspect::Passing(Duration::from_secs(told)), MessageKeeper::Queue, age) {
                MessageFate::SentAnew(pause) => pause,
                other => panic!("{other:?}"),
            };
            prop_assert!(pause(age / 2) <= pause(age));
            prop_assert!((PAUSE..=MAX_DELAY).contains(&pause(age)));
        }
    }
}

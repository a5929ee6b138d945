//! When a secret may be read again, and how long a caller waits for that (pure).

use std::time::{Duration, Instant};

/// The pace at which a secret is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// A value that is older than this is read again before it is used.
    pub(super) lives: Duration,
    /// The time between the beginnings of any two reads.
    pub(super) pause: Duration,
    /// The time after a stranger's wait in vain in which strangers wait for no read.
    pub(super) rest: Duration,
}

/// Five minutes, and five seconds: a new key counts everywhere within the one, and nobody drives the
/// secret's store faster than the other. With a minute's rest, forgers hold a copy for a twelfth of its time at most.
pub(super) const PACE: Pace = Pace {
    lives: Duration::from_secs(300),
    pause: Duration::from_secs(5),
    rest: Duration::from_secs(60),
};

/// The reads that there were.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reads {
    /// When the last one began, whether it succeeded or not.
    pub(super) last: Instant,
    /// When the last one began that succeeded: the value is as old as that.
    pub(super) good: Instant,
}

/// A caller's next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Takes the value that is there.
    Keep,
    Read,
    /// Looks again then.
    Wait(Instant),
}

impl Pace {
    /// For a caller who needs a value that is not too old. While the store fails, the last good value
    /// stays, and one caller in each pause tries again.
    pub(super) fn plan_use(self, reads: Reads, now: Instant) -> Next {
        let is_old = now.saturating_duration_since(reads.good) > self.lives;
        match is_old && self.may_read(reads, now) {
            true => Next::Read,
            false => Next::Keep,
        }
    }

    /// For a caller that the value failed at `refused_at`. Only a read that began later can tell
    /// whether the secret holds another one.
    pub(super) fn plan_renewal(self, reads: Reads, refused_at: Instant, now: Instant) -> Next {
        if reads.last >= refused_at {
            Next::Keep
        } else if self.may_read(reads, now) {
            Next::Read
        } else {
            Next::Wait(reads.last + self.pause)
        }
    }

    fn may_read(self, reads: Reads, now: Instant) -> bool {
        now.saturating_duration_since(reads.last) >= self.pause
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(base: Instant, milliseconds: u64) -> Instant {
        base + Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_value_is_used_for_five_minutes_and_a_failing_store_is_asked_in_pauses() {
        let base = Instant::now();
        let seconds = |seconds: u64| at(base, seconds * 1_000);
        for (good, last, now, expected) in [
            (0, 0, 0, Next::Keep),
            (0, 0, 300, Next::Keep),
            (0, 0, 301, Next::Read),
            (0, 298, 301, Next::Keep),
            (0, 298, 303, Next::Read),
            (300, 300, 600, Next::Keep),
        ] {
            let reads = Reads {
                last: seconds(last),
                good: seconds(good),
            };
            let next = PACE.plan_use(reads, seconds(now));
            assert_eq!(next, expected, "{good} {last} {now}");
        }
    }

    #[test]
    fn a_refused_caller_wants_a_read_that_began_later() {
        let base = Instant::now();
        let seconds = |seconds: u64| at(base, seconds * 1_000);
        for (last, refused_at, now, expected) in [
            (0, 100, 100, Next::Read),
            (100, 100, 100, Next::Keep),
            (98, 100, 100, Next::Wait(seconds(103))),
            (98, 100, 103, Next::Read),
            (103, 100, 103, Next::Keep),
        ] {
            let reads = Reads {
                last: seconds(last),
                good: seconds(0),
            };
            let next = PACE.plan_renewal(reads, seconds(refused_at), seconds(now));
            assert_eq!(next, expected, "{last} {refused_at} {now}");
        }
    }

    proptest! {
        /// Refusals come at any times; reads take none. A discrete clock steps from one moment at which
        /// somebody acts to the next.
        #[test]
        fn any_flood_of_refusals_reads_once_a_pause_and_nobody_waits_longer(
            mut refusals in prop::collection::vec(0u64..60_000, 1..80)
        ) {
            refusals.sort_unstable();
            let base = Instant::now();
            let mut reads = Reads { last: base, good: base };
            let mut begun = vec![base];
            for refused_at in refusals {
                let refused_at = at(base, refused_at);
                let mut now = refused_at.max(reads.last);
                loop {
                    match PACE.plan_renewal(reads, refused_at, now) {
                        Next::Keep => break,
                        Next::Read => {
                            reads = Reads { last: now, good: now };
                            begun.push(now);
                        }
                        Next::Wait(until) => {
                            prop_assert!(until > now, "time goes on");
                            now = until;
                        }
                    }
                }
                prop_assert!(reads.last >= refused_at);
                prop_assert!(now.saturating_duration_since(refused_at) <= PACE.pause);
            }
            for pair in begun.windows(2) {
                prop_assert!(pair[1] - pair[0] >= PACE.pause);
            }
        }
    }
}

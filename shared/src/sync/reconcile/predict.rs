//! Predicts the end of a full run, by its pace so far and by the quota (pure).

use std::time::Duration;

use crate::cloudinary::QuotaReading;
use crate::sync::quota::{HOUR, reserve, rest_until};
use crate::time::Timestamp;

/// The progress of a full run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// Live rows here when the slice began: each is listed, or else looked at as a suspect.
    pub(super) live: u64,
    /// Assets that were listed, and suspects that were looked at.
    pub(super) done: u64,
    /// Calls that this took.
    pub(super) pages: u64,
    /// Assets that the next call concerns at most.
    pub(super) page_size: u64,
    /// Time spent on these calls, rests left out.
    pub(super) worked: Duration,
}

/// The time until the run ends; `None` before the first page, and where this side knows of no
/// assets. What the listing will not show is not known before its end, and counted as if it were
/// listed. `now` is on Cloudinary's clock.
pub(super) fn time_left(
    progress: Progress,
    quota: Option<&QuotaReading>,
    wanted_reserve: Option<u32>,
    now: Timestamp,
) -> Option<Duration> {
    let pages_done = u32::try_from(progress.pages)
        .ok()
        .filter(|done| *done > 0)?;
    if progress.live == 0 {
        return None;
    }
    let undone = progress.live.saturating_sub(progress.done);
    let pages_left = undone.div_ceil(progress.page_size.max(1));
    let pages_left = u32::try_from(pages_left).unwrap_or(u32::MAX);
    let pace = progress.worked / pages_done;
    let Some(quota) = quota else {
        return Some(pace.saturating_mul(pages_left));
    };
    let hourly = quota
        .limit
        .saturating_sub(reserve(quota.limit, wanted_reserve));
    let (allowed_now, until_reset) = if quota.reset > now {
        let spent = quota.limit.saturating_sub(quota.remaining);
        (hourly.saturating_sub(spent), rest_until(quota.reset, now))
    } else {
        (hourly, HOUR)
    };
    let Some(waiting) = pages_left
        .checked_sub(allowed_now)
        .filter(|waiting| *waiting > 0)
    else {
        return Some(pace.saturating_mul(pages_left));
    };
    let hourly = hourly.max(1);
    let further_hours = (waiting - 1) / hourly;
    let in_last_hour = waiting - further_hours * hourly;
    Some(
        until_reset
            .saturating_add(HOUR.saturating_mul(further_hours))
            .saturating_add(pace.saturating_mul(in_last_hour)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    /// Half of 100 pages, a second each.
    const HALF: Progress = Progress {
        live: 50_000,
        done: 25_000,
        pages: 50,
        page_size: 500,
        worked: Duration::from_secs(50),
    };

    fn quota(limit: u32, remaining: u32) -> QuotaReading {
        QuotaReading {
            limit,
            remaining,
            reset: NOW.offset(600_000_000),
            seen_at: NOW,
        }
    }

    fn left(progress: Progress, quota: Option<QuotaReading>) -> Option<u64> {
        time_left(progress, quota.as_ref(), None, NOW).map(|left| left.as_secs())
    }

    #[test]
    fn the_pace_so_far_goes_on_while_the_quota_allows() {
        assert_eq!(left(HALF, None), Some(50));
        assert_eq!(left(HALF, Some(quota(1_000, 150))), Some(50));
    }

    #[test]
    fn pages_that_the_reserve_keeps_back_wait_for_the_reset_and_for_further_hours() {
        // 100 are kept, so 30 of 50 pages may be read now: 20 more after the reset.
        assert_eq!(left(HALF, Some(quota(1_000, 130))), Some(600 + 20));
        // 60 an hour less 30 kept: none now, 30 after the reset, 20 an hour later.
        assert_eq!(left(HALF, Some(quota(60, 0))), Some(600 + 3_600 + 20));
    }

    #[test]
    fn suspects_are_looked_at_in_smaller_portions() {
        let suspects = Progress {
            done: 49_000,
            page_size: 100,
            ..HALF
        };
        assert_eq!(left(suspects, None), Some(10));
    }

    #[test]
    fn an_hour_that_is_over_is_a_full_one() {
        let over = QuotaReading {
            reset: NOW,
            ..quota(1_000, 0)
        };
        assert_eq!(left(HALF, Some(over)), Some(50));
    }

    #[test]
    fn nothing_is_predicted_from_nothing() {
        assert_eq!(left(Progress { pages: 0, ..HALF }, None), None);
        assert_eq!(left(Progress { live: 0, ..HALF }, None), None);
        assert_eq!(
            left(
                Progress {
                    done: 60_000,
                    ..HALF
                },
                None
            ),
            Some(0)
        );
    }
}

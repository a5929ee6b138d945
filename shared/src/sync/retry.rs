//! When an intent that could not be carried out is tried again (pure).

use std::time::Duration;

use super::plan::{AuditEntry, ObservationSource};
use crate::cloudinary::{CloudinaryError, RefusalKind};
use crate::row::{AssetRow, SyncStatus};
use crate::time::Timestamp;

/// After this many failures in a row, some eight minutes, a row is shown as `error`. What may
/// still pass is tried on all the same, more and more seldom.
const FAILURES_UNTIL_ERROR: i32 = 8;

/// The time for which a worker may hold a row. Longer than the function's timeout, so that nobody
/// who held it can still be acting when it is given to another.
pub const CLAIM: Duration = Duration::from_secs(30);

const FIRST_PAUSE: Duration = Duration::from_secs(4);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// A reason why an intent could not be carried out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IntentFailure {
    /// A stable word for programs.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
    pub kind: FailureKind,
}

/// The prospects of a failed intent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailureKind {
    /// Cloudinary will refuse it again.
    Final,
    /// It may succeed later.
    Passing,
    /// It may succeed after this time, and it is nobody's fault.
    Waiting(Duration),
    /// The call may have been carried out, or still be. Nobody else may touch the asset until the
    /// claim has run out, and then only after a look.
    Unknown,
}

impl IntentFailure {
    pub fn of(error: &CloudinaryError) -> Self {
        let kind = match (error, error.refusal()) {
            (_, Some(RefusalKind::Quota { retry_after })) => FailureKind::Waiting(retry_after),
            (CloudinaryError::Unreachable { source, .. }, _) if !source.is_connect() => {
                FailureKind::Unknown
            }
            (CloudinaryError::Unreadable { .. }, _) => FailureKind::Unknown,
            // Whoever has the name may be about to give it up.
            (_, Some(RefusalKind::Conflict)) => FailureKind::Passing,
            _ if error.is_transient() => FailureKind::Passing,
            _ => FailureKind::Final,
        };
        Self {
            code: error.code(),
            message: crate::telemetry::chain(error),
            kind,
        }
    }

    /// No row can hold Cloudinary's values of the asset, so nothing may be done about it.
    pub fn unwritable(reason: &str) -> Self {
        Self {
            code: "values_refused",
            message: format!("no row can hold Cloudinary's values of this asset: {reason}"),
            kind: FailureKind::Final,
        }
    }

    /// Cloudinary said yes to the call, and left this asset out.
    pub fn ignored() -> Self {
        Self {
            code: "cloudinary_ignored",
            message:
                "Cloudinary accepted the call and left this asset out. Somebody may be renaming it."
                    .to_owned(),
            kind: FailureKind::Passing,
        }
    }

    /// Cloudinary does not let the API key change this asset.
    pub fn forbidden() -> Self {
        Self {
            code: "cloudinary_forbidden",
            message: "Cloudinary does not let the API key change this asset.".to_owned(),
            kind: FailureKind::Final,
        }
    }
}

/// The row after a failure, and its entry in the audit trail. `chance`, from 0 to 1, spreads
/// intents that failed together. A row that is still claimed is not tried again before the claim
/// has run out.
pub fn plan_failure(
    row: &AssetRow,
    failure: &IntentFailure,
    now: Timestamp,
    chance: f64,
) -> (AssetRow, AuditEntry) {
    let mut after = row.clone();
    let intent = row.intent.as_ref();
    let operation = match intent {
        Some(intent) if intent.is_delete() => "delete",
        Some(intent) if intent.is_restore() => "restore",
        _ => "edit",
    };
    if failure.kind == FailureKind::Final && operation == "restore" {
        after.give_return_up(failure.code, &failure.message);
    } else {
        let waits = matches!(failure.kind, FailureKind::Waiting(_));
        if !waits {
            after.sync.retry_count = after.sync.retry_count.saturating_add(1);
        }
        let is_error =
            failure.kind == FailureKind::Final || after.sync.retry_count >= FAILURES_UNTIL_ERROR;
        if is_error {
            after.sync.status = SyncStatus::Error;
        }
        after.sync.error_code = Some(failure.code.to_owned());
        after.sync.error_message = Some(failure.message.clone());
        let held = after.intent_claim.map_or(Duration::ZERO, |_| CLAIM);
        after.sync.next_attempt_at = pause(failure.kind, after.sync.retry_count, chance)
            .map(|pause| pause.max(held))
            .map(|pause| now.offset(i64::try_from(pause.as_micros()).unwrap_or(i64::MAX)));
    }
    let entry = AuditEntry {
        status: "failed",
        actor: intent.and_then(|intent| intent.by),
        since: intent.map(|intent| Timestamp::from_micros(intent.at)),
        error_code: Some(failure.code.to_owned()),
        error_message: Some(failure.message.clone()),
        ..AuditEntry::about(&after, operation, ObservationSource::Outbound)
    };
    (after, entry)
}

/// The wait; `None` for ever.
fn pause(kind: FailureKind, failures: i32, chance: f64) -> Option<Duration> {
    let spread = 0.5 + chance.clamp(0.0, 1.0) / 2.0;
    match kind {
        FailureKind::Final => None,
        FailureKind::Waiting(time) => Some(time + FIRST_PAUSE.mul_f64(spread)),
        FailureKind::Passing | FailureKind::Unknown => {
            let doublings = u32::try_from(failures.clamp(1, 20) - 1).unwrap_or_default();
            let most = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings));
            Some(most.min(LONGEST_PAUSE).mul_f64(spread))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pauses_grow_to_a_bound_and_are_spread(failures in 1..1000_i32, chance in 0.0..1.0_f64) {
            let pause = |failures| pause(FailureKind::Passing, failures, chance).unwrap();
            prop_assert!(pause(failures) <= pause(failures + 1));
            prop_assert!(pause(failures) >= FIRST_PAUSE / 2);
            prop_assert!(pause(failures) <= LONGEST_PAUSE);
        }
    }

    #[test]
    fn what_is_refused_for_good_is_not_tried_again() {
        assert_eq!(pause(FailureKind::Final, 1, 0.5), None);
    }

    #[test]
    fn a_quota_is_waited_for_to_its_reset() {
        let reset = Duration::from_secs(1800);
        assert!(pause(FailureKind::Waiting(reset), 0, 0.0).unwrap() > reset);
    }
}

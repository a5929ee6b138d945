//! The guard against deleting too many rows at once (pure).

use uuid::Uuid;

use crate::sync::store::SuspectCount;

/// A run that would delete more than this many rows, and more than this share of them, stops.
const MASS_DELETE_COUNT: u64 = 20;
const MASS_DELETE_PERCENT: u64 = 10;

/// Tells whether to delete `missing` of `live` rows would be too many at once.
pub(super) fn is_mass_delete(missing: u64, live: u64) -> bool {
    missing > MASS_DELETE_COUNT
        && missing.saturating_mul(100) > live.saturating_mul(MASS_DELETE_PERCENT)
}

/// Gives the reason why a run must not go on to its suspects after so many listed assets: a stable
/// word, and a text for people. An approved plan lets pass exactly the rows that it stands for.
pub(super) fn reason_to_stop(
    listed: u64,
    count: SuspectCount,
    approved: Option<Uuid>,
) -> Option<(&'static str, String)> {
    let SuspectCount {
        suspects,
        live,
        plan,
    } = count;
    if approved.is_some() && approved == plan {
        return None;
    }
    if listed == 0 && live > 0 {
        let reason = format!("Cloudinary listed nothing, and {live} assets are live here");
        return Some(("empty_listing", reason));
    }
    is_mass_delete(suspects, live).then(|| {
        if approved.is_some() {
            let reason = format!(
                "other assets are missing in Cloudinary than the approved plan says: now {suspects} of {live}; look at the plan of this run"
            );
            return ("plan_stale", reason);
        }
        let reason = format!(
            "{suspects} of {live} live assets are missing in Cloudinary; if that is right, start a run with allow_mass_delete"
        );
        ("mass_delete", reason)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_stops_before_it_deletes_more_than_twenty_rows_and_a_tenth() {
        let code = |listed, suspects, live| {
            let count = SuspectCount {
                suspects,
                live,
                plan: None,
            };
            reason_to_stop(listed, count, None).map(|(code, _)| code)
        };
        assert_eq!(code(0, 0, 0), None, "an empty library");
        assert_eq!(code(0, 1, 1), Some("empty_listing"));
        assert_eq!(code(1, 20, 21), None, "few");
        assert_eq!(code(79, 21, 100), Some("mass_delete"));
        assert_eq!(code(900, 100, 1_000), None, "a tenth");
        assert_eq!(code(899, 101, 1_000), Some("mass_delete"));
    }

    #[test]
    fn an_approved_plan_lets_its_own_rows_pass_and_no_others() {
        let (plan, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let code = |suspects, approved| {
            let count = SuspectCount {
                suspects,
                live: 100,
                plan: Some(plan),
            };
            reason_to_stop(100 - suspects, count, approved).map(|(code, _)| code)
        };
        assert_eq!(code(50, Some(plan)), None);
        assert_eq!(code(100, Some(plan)), None, "even of everything");
        assert_eq!(code(50, Some(other)), Some("plan_stale"));
        assert_eq!(code(5, Some(other)), None, "too few to do harm");
    }
}

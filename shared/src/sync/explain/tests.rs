//! One golden answer for every state.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const NOW: &str = "2026-01-31T12:00:00Z";

fn now() -> Timestamp {
    Timestamp::parse(NOW).unwrap()
}

/// A row in which nothing waits, but for the given values.
fn standing(differs: Value) -> StatusFacts {
    let mut row = json!({
        "sync_status": "synced", "intent": null, "is_claimed": false,
        "error_code": null, "error_message": null, "failures": 0, "next_attempt_at": null,
        "last_synced_at": "2026-01-31T11:00:00.25Z", "deleted_at": null, "was_deleted_by_user": false,
        "landmark": null,
    });
    let Value::Object(differs) = differs else {
        unreachable!("tests say objects")
    };
    row.as_object_mut().unwrap().extend(differs);
    serde_json::from_value(row).unwrap()
}

fn edit() -> Value {
    let wish = |to: Value| json!({"to": to, "base": "", "at": 1});
    json!({
        "at": 1_769_860_740_000_000_i64, "by": null, "folder": wish(json!("sale")), "tags": {"new": true},
        "context": {"alt": wish(json!("A mug"))},
    })
}

fn delete() -> Value {
    json!({"at": 1_769_860_740_000_000_i64, "by": null, "existence": {"op": "delete", "version": 1, "etag": null}})
}

fn restore() -> Value {
    json!({"at": 1_769_860_740_000_000_i64, "by": null, "existence": {"op": "restore"}})
}

fn golden() -> Vec<(Value, AssetStatus, &'static str, &'static str)> {
    let deleted = json!("2026-01-31T10:00:00Z");
    vec![
        (
            json!({}),
            AssetStatus::Synced,
            "Both sides agree as far as Cloudinary has told, and nothing waits (last written 2026-01-31 11:00:00 UTC).",
            "Nothing happens until somebody changes it here or in Cloudinary.",
        ),
        (
            json!({"landmark": {"operation": "conflict", "at": "2026-01-31T11:30:00Z", "lost": ["folder", "context.alt"]}}),
            AssetStatus::ConflictLost,
            "Both sides agree, but a change made here was lost: folder, context.alt was changed on both sides, and Cloudinary's change was later (found 2026-01-31 11:30:00 UTC).",
            "Nothing happens by itself. The audit trail keeps both values (operation `conflict`). To restore yours, make the change again.",
        ),
        (
            json!({"landmark": {"operation": "value_kept", "at": "2026-01-31T11:30:00Z", "lost": ["metadata.stock"]}}),
            AssetStatus::ValueKept,
            "Both sides agree. Cloudinary accepted a change made here and shows a value of its own: metadata.stock (found 2026-01-31 11:30:00 UTC).",
            "Nothing happens by itself. The audit trail keeps both values (operation `value_kept`). Cloudinary may write the value differently, or the folder mode may not allow the change.",
        ),
        (
            json!({"sync_status": "pending"}),
            AssetStatus::PendingUpload,
            "The upload is under way: Cloudinary has not told the asset id yet.",
            "Cloudinary's notification completes the asset. If none comes within six minutes, media-sync looks in Cloudinary. If nothing is there, the asset goes from this list.",
        ),
        (
            json!({"sync_status": "pending", "intent": edit(), "next_attempt_at": "2026-01-31T12:03:00Z"}),
            AssetStatus::PendingEdit,
            "The change of folder, tags, context.alt was decided here (2026-01-31 11:59:00 UTC) and is not confirmed by Cloudinary yet.",
            "It is sent to Cloudinary at 2026-01-31 12:03:00 UTC at the latest.",
        ),
        (
            json!({"sync_status": "pending", "intent": delete(), "deleted_at": deleted, "next_attempt_at": NOW}),
            AssetStatus::PendingDelete,
            "Its deletion was decided here (2026-01-31 11:59:00 UTC) and is not confirmed by Cloudinary yet.",
            "It is sent to Cloudinary within a minute.",
        ),
        (
            json!({"sync_status": "pending", "intent": restore(), "next_attempt_at": NOW}),
            AssetStatus::PendingRestore,
            "Its restore was decided here (2026-01-31 11:59:00 UTC) and is not confirmed by Cloudinary yet.",
            "It is sent to Cloudinary within a minute.",
        ),
        (
            json!({"sync_status": "pending", "intent": delete(), "deleted_at": deleted, "is_claimed": true}),
            AssetStatus::InProgress,
            "Its deletion is being carried out in Cloudinary now.",
            "Then media-sync looks at the asset. When Cloudinary shows the wanted values, the asset is in sync.",
        ),
        (
            json!({"sync_status": "pending", "intent": edit(), "failures": 3, "next_attempt_at": "2026-01-31T12:00:16Z",
                "error_code": "cloudinary_server", "error_message": "could not rename: Cloudinary answered 503"}),
            AssetStatus::WaitingForRetry,
            "The change of folder, tags, context.alt is not done yet. Attempt 3 failed: could not rename: Cloudinary answered 503 (cloudinary_server).",
            "The next attempt is at 2026-01-31 12:00:16 UTC.",
        ),
        (
            json!({"sync_status": "pending", "intent": restore(), "next_attempt_at": "2026-01-31T13:00:02Z",
                "error_code": "cloudinary_quota", "error_message": "Rate Limit Exceeded"}),
            AssetStatus::WaitingForQuota,
            "Its restore waits: Cloudinary's quota of calls for this hour is used up.",
            "The next attempt is at 2026-01-31 13:00:02 UTC, when the quota has been reset.",
        ),
        (
            json!({"sync_status": "pending", "intent": delete(), "deleted_at": deleted, "error_code": "held", "error_message": "too many"}),
            AssetStatus::Held,
            "Its deletion is held: too many assets were deleted within an hour, and Cloudinary keeps all of them.",
            "Nothing happens by itself. An administrator allows it, or a restore takes it back.",
        ),
        (
            json!({"sync_status": "pending", "intent": delete(), "deleted_at": deleted, "error_code": "fenced", "error_message": "another's"}),
            AssetStatus::Fenced,
            "Its deletion waits: another deployment has marked the library as its own, so this one writes nothing there.",
            "An administrator may take the library over (mediasync fence take). Until then it is tried every quarter of an hour.",
        ),
        (
            json!({"sync_status": "pending", "intent": edit(), "next_attempt_at": "2026-01-31T12:02:00Z",
                "error_code": "rounds_spent", "error_message": "too often"}),
            AssetStatus::RoundsSpent,
            "The change of folder, tags, context.alt waits: Cloudinary was called for this asset many times in a short time.",
            "The next round of calls begins at 2026-01-31 12:02:00 UTC. Changes made until then go with it.",
        ),
        (
            json!({"sync_status": "error", "intent": delete(), "deleted_at": deleted, "failures": 9, "next_attempt_at": "2026-01-31T12:17:00Z",
                "error_code": "cloudinary_unreachable", "error_message": "no answer"}),
            AssetStatus::Failing,
            "Its deletion has failed 9 times in a row. The last failure: no answer (cloudinary_unreachable).",
            "The next attempt is at 2026-01-31 12:17:00 UTC; more follow, an hour apart at most. An administrator may ask for an attempt at once.",
        ),
        (
            json!({"sync_status": "error", "intent": edit(), "failures": 1,
                "error_code": "cloudinary_forbidden", "error_message": "the key may not update"}),
            AssetStatus::Refused,
            "The change of folder, tags, context.alt was refused by Cloudinary: the key may not update (cloudinary_forbidden).",
            "It is not retried by itself. The configured API key may not do this: give it the permission in Cloudinary. Then change the asset again here, or let an administrator ask for another attempt.",
        ),
        (
            json!({"deleted_at": deleted, "was_deleted_by_user": true}),
            AssetStatus::DeletedHere,
            "It was deleted here (2026-01-31 10:00:00 UTC), and Cloudinary has confirmed it.",
            "A restore brings it back from Cloudinary's backup, if there is one.",
        ),
        (
            json!({"deleted_at": deleted, "landmark": {"operation": "deleted", "at": deleted}}),
            AssetStatus::DeletedInCloudinary,
            "Somebody deleted it in Cloudinary (2026-01-31 10:00:00 UTC).",
            "A restore, here or in Cloudinary, brings both back if Cloudinary has a backup.",
        ),
        (
            json!({"deleted_at": deleted, "error_code": "cloudinary_not_found", "error_message": "no backup"}),
            AssetStatus::RestoreRefused,
            "It is deleted (2026-01-31 10:00:00 UTC), and Cloudinary could not bring it back: no backup.",
            "Nothing happens by itself. Restore it here once more, or upload the file again if Cloudinary has no backup.",
        ),
    ]
}

#[test]
fn every_state_has_its_sentences() {
    let mut seen = BTreeSet::new();
    for (row, state, why, next) in golden() {
        let told = explain(&standing(row.clone()), now());
        let expected = AssetExplanation {
            state,
            why: why.to_owned(),
            next: next.to_owned(),
        };
        assert_eq!(told, expected, "{row}");
        assert!(seen.insert(state), "{state:?} is shown twice");
    }
    assert_eq!(
        seen.len(),
        AssetStatus::RestoreRefused as usize + 1,
        "one for each"
    );
}

#[test]
fn a_delete_past_the_api_is_known_by_its_confirmation() {
    let landmark = json!({"operation": "delete_confirmed", "at": NOW});
    let row = standing(json!({"deleted_at": NOW, "landmark": landmark}));
    assert_eq!(explain(&row, now()).state, AssetStatus::DeletedHere);
}

#[test]
fn a_change_that_won_is_no_loss() {
    let landmark = json!({"operation": "conflict", "at": NOW, "lost": []});
    let row = standing(json!({"landmark": landmark}));
    assert_eq!(explain(&row, now()).state, AssetStatus::Synced);
}

proptest! {
    #[test]
    fn no_row_is_without_an_answer_that_ends_as_a_sentence(
        status in prop::sample::select(vec!["synced", "pending", "error"]),
        intent in prop::sample::select(vec![Value::Null, edit(), delete(), restore(), json!({"at": 5})]),
        code in prop::option::of("[a-z_]{1,9}"), message in prop::option::of("\\PC{0,20}"),
        is_claimed: bool, failures in 0..99, due in prop::option::of(0_i64..2_000_000_000),
    ) {
        let row = standing(json!({
            "sync_status": status, "intent": intent, "is_claimed": is_claimed,
            "error_code": code, "error_message": message, "failures": failures,
            "next_attempt_at": due.map(Timestamp::from_secs),
        }));
        let told = explain(&row, now());
        prop_assert!(told.why.ends_with('.') && told.next.ends_with('.'), "{told:?}");
    }
}

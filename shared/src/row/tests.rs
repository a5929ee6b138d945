use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::intent::{ExistenceWish, PairWishes, ValueWish};
use crate::observation::{AssetContent, AssetSighting, ChangeClocks};

fn seen(at: i64, version: i64, alt: &str) -> Observation {
    Observation {
        asset_id: AssetId::parse(&"a".repeat(32)).unwrap(),
        at: Timestamp::from_micros(at),
        fact: ObservedState::Seen(Box::new(AssetSighting {
            content: Some(AssetContent {
                version: Some(version),
                ..AssetContent::default()
            }),
            context: Some([("alt".to_owned(), json!(alt))].into()),
            ..AssetSighting::named(DeliveryName {
                resource_type: ResourceType::Image,
                delivery_type: "upload".to_owned(),
                public_id: "mug".to_owned(),
            })
        })),
    }
}

fn gone(at: i64) -> Observation {
    Observation {
        fact: ObservedState::Gone(None),
        ..seen(at, 1, "")
    }
}

/// A live asset, with a decision made here at moment 10.
fn decided(existence: Option<ExistenceWish>, alt: Option<&str>) -> AssetRow {
    let mut row = AssetRow::first(Uuid::nil(), &seen(1, 1, "base")).unwrap();
    let wish = |alt: &str| ValueWish {
        to: Some(json!(alt)),
        base: Some(json!("base")),
        at: 10,
        ours: Vec::new(),
    };
    let wishes = alt.map(|alt| ("alt".to_owned(), wish(alt)));
    row.sync.status = SyncStatus::Pending;
    if existence == Some(ExistenceWish::Restore) {
        row.observe(&gone(5));
    }
    if existence
        .as_ref()
        .is_some_and(|wanted| *wanted != ExistenceWish::Restore)
    {
        row.deleted_at = Some(Timestamp::from_micros(10));
        row.deleted_by = Some(Uuid::nil());
    }
    row.intent = Some(Intent {
        at: 10,
        existence,
        context: PairWishes(wishes.into_iter().collect()),
        ..Intent::default()
    });
    row.settle();
    row
}

fn delete() -> Option<ExistenceWish> {
    Some(ExistenceWish::Delete {
        version: Some(1),
        etag: None,
    })
}

#[test]
fn a_delete_is_fulfilled_by_being_gone_and_keeps_its_moment() {
    let mut row = decided(delete(), None);
    row.observe(&seen(11, 1, "base"));
    assert!(
        !row.is_live() && row.intent.is_some(),
        "still there in Cloudinary"
    );
    row.observe(&gone(12));
    assert_eq!(
        (row.intent.as_ref(), row.sync.status),
        (None, SyncStatus::Synced)
    );
    assert_eq!(row.deleted_at, Some(Timestamp::from_micros(10)));
    assert_eq!(row.deleted_by, Some(Uuid::nil()));
}

#[test]
fn a_newer_upload_cancels_a_delete_and_leaves_the_edits() {
    let mut row = decided(delete(), Some("ours"));
    row.observe(&seen(12, 2, "base"));
    assert!(row.is_live());
    assert_eq!((row.deleted_at, row.deleted_by), (None, None));
    let left = row.intent.as_ref().unwrap();
    assert!(left.existence.is_none() && left.has_edits());
    assert_eq!(row.editable.context["alt"], "ours");
}

#[test]
fn a_delete_wins_against_edits() {
    for mut row in [decided(delete(), Some("ours")), decided(None, Some("ours"))] {
        row.observe(&gone(12));
        assert_eq!((row.intent.as_ref(), row.observed.as_ref()), (None, None));
        assert_eq!(
            row.editable.context["alt"], "base",
            "a tombstone shows what was last there"
        );
        assert!(!row.is_live());
        assert_eq!(row.sync.status, SyncStatus::Synced);
    }
}

#[test]
fn what_is_to_be_restored_is_live_until_cloudinary_cannot() {
    let mut row = decided(Some(ExistenceWish::Restore), Some("ours"));
    assert!(row.is_live() && row.is_gone());
    row.observe(&gone(12));
    assert!(row.is_live() && row.is_gone());
    let mut restored = row.clone();
    restored.observe(&seen(13, 2, "base"));
    let left = restored.intent.as_ref().unwrap();
    assert!(
        left.existence.is_none() && left.has_edits(),
        "its edits come next"
    );

    row.give_return_up("no_backup", "there is none");
    assert!(!row.is_live());
    assert_eq!(row.deleted_at, Some(Timestamp::from_micros(12)));
    assert_eq!(row.sync.error_code.as_deref(), Some("no_backup"));
    assert_eq!((row.intent, row.sync.status), (None, SyncStatus::Synced));
}

#[test]
fn nothing_is_fulfilled_while_somebody_is_carrying_it_out() {
    let claim = Some(Uuid::nil());
    let mut edited = decided(None, Some("ours"));
    let mut deleted = decided(delete(), None);
    for (row, told) in [(&mut edited, seen(12, 1, "ours")), (&mut deleted, gone(12))] {
        row.intent_claim = claim;
        row.observe(&told);
        assert!(
            row.intent.is_some(),
            "an older call may still be on its way"
        );
        assert_eq!(row.sync.status, SyncStatus::Pending);
        row.release();
        row.observe(&told);
        assert_eq!(row.intent, None);
    }
}

#[test]
fn a_name_that_is_wished_for_is_given_up_for_the_one_that_is_known() {
    let mut row = decided(None, Some("ours"));
    row.unveil();
    row.intent.as_mut().unwrap().public_id = Some(ValueWish {
        to: "cup".to_owned(),
        base: "mug".to_owned(),
        at: 10,
        ours: Vec::new(),
    });
    row.settle();
    assert_eq!(row.name().public_id, "cup");
    assert_eq!(row.observed_name().public_id, "mug");
    assert!(row.wishes_for_its_name());
    row.give_name_up();
    assert_eq!(row.name().public_id, "mug");
    assert!(!row.wishes_for_its_name());
    assert_eq!(row.editable.context["alt"], "ours", "other wishes stand");
}

#[test]
fn a_later_change_there_wins_and_an_earlier_or_undated_one_does_not() {
    for (changed, shown) in [(Some(20), "theirs"), (Some(5), "ours"), (None, "ours")] {
        let mut row = decided(None, Some("ours"));
        let mut told = seen(30, 1, "theirs");
        told.note_change(ChangeClocks {
            context: changed,
            ..ChangeClocks::default()
        });
        row.observe(&told);
        assert_eq!(
            row.editable.context["alt"], shown,
            "changed there at {changed:?}"
        );
        assert_eq!(row.intent.is_some(), shown == "ours");
    }
}

/// It was so before it was decided, and may have changed again since.
#[test]
fn nothing_ends_by_what_was_observed_before_it_was_decided() {
    let mut deleted = decided(delete(), None);
    deleted.observe(&gone(9));
    assert!(deleted.intent.as_ref().is_some_and(Intent::is_delete));
    deleted.observe(&seen(11, 1, "base"));
    assert!(deleted.intent.is_some() && !deleted.is_live());

    let mut edited = decided(None, Some("ours"));
    edited.observe(&seen(9, 1, "ours"));
    assert!(edited.intent.is_some());
    edited.observe(&gone(9));
    assert!(edited.is_gone() && edited.intent.is_some());
    edited.observe(&seen(11, 1, "theirs"));
    assert_eq!(edited.editable.context["alt"], "ours");
    assert!(edited.is_live());

    let mut restored = decided(Some(ExistenceWish::Restore), None);
    restored.observe(&seen(9, 1, "base"));
    assert!(restored.intent.as_ref().is_some_and(Intent::is_restore));
    restored.observe(&gone(9));
    assert!(restored.is_live() && restored.intent.is_some());
}

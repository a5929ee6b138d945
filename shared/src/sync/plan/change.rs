//! The change of a row, and the audit trail's words for it (pure).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::intent::{Intent, WishCollision};
use crate::row::AssetRow;

/// The effect of an asset's observations on its row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowChange {
    Created,
    Updated,
    Renamed,
    Deleted,
    /// Deleted in Cloudinary as it was asked for here.
    DeleteConfirmed,
    /// A newer upload was found where a delete had been asked for.
    DeleteCancelled,
    /// Cloudinary has the edit made here.
    EditConfirmed,
    RestoreConfirmed,
    /// Another asset has taken the name of one that was to be restored.
    RestoreCancelled,
    Revived,
    /// Nothing that anybody sees.
    Unchanged,
}

impl RowChange {
    /// Tells whether a decision that somebody made here ends with it.
    pub(super) fn ends_a_decision(self) -> bool {
        matches!(
            self,
            Self::DeleteConfirmed
                | Self::DeleteCancelled
                | Self::EditConfirmed
                | Self::RestoreConfirmed
                | Self::RestoreCancelled
        )
    }
}

/// The number of assets for each kind of change.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ChangeTally {
    pub created: u64,
    pub updated: u64,
    pub deleted: u64,
    pub unchanged: u64,
}

impl ChangeTally {
    /// Adds the counts of another step.
    pub fn add(&mut self, other: Self) {
        self.created += other.created;
        self.updated += other.updated;
        self.deleted += other.deleted;
        self.unchanged += other.unchanged;
    }

    /// The same, where these of its counts were changed before, and so seem to be unchanged now.
    #[must_use]
    pub fn after(mut self, before: Self) -> Self {
        let changed = before.created + before.updated + before.deleted;
        self.unchanged = self.unchanged.saturating_sub(changed);
        self.add(Self {
            unchanged: 0,
            ..before
        });
        self
    }

    pub(super) fn count(&mut self, change: RowChange) {
        *self.of(change) += 1;
    }

    /// Takes a count back.
    pub(super) fn forget(&mut self, change: RowChange) {
        let count = self.of(change);
        *count = count.saturating_sub(1);
    }

    fn of(&mut self, change: RowChange) -> &mut u64 {
        match change {
            RowChange::Created | RowChange::Revived => &mut self.created,
            RowChange::Updated
            | RowChange::Renamed
            | RowChange::DeleteCancelled
            | RowChange::EditConfirmed
            | RowChange::RestoreConfirmed => &mut self.updated,
            RowChange::Deleted | RowChange::DeleteConfirmed | RowChange::RestoreCancelled => {
                &mut self.deleted
            }
            RowChange::Unchanged => &mut self.unchanged,
        }
    }
}

pub(super) fn classify(before: Option<&AssetRow>, after: &AssetRow) -> RowChange {
    let Some(before) = before else {
        return if after.is_live() {
            RowChange::Created
        } else {
            RowChange::Deleted
        };
    };
    let ended = |is: fn(&Intent) -> bool| {
        before.intent.as_ref().is_some_and(is) && !after.intent.as_ref().is_some_and(is)
    };
    match (before.is_live(), after.is_live()) {
        (false, true) if ended(Intent::is_delete) => RowChange::DeleteCancelled,
        (false, true) => RowChange::Revived,
        (true, false) if ended(Intent::is_restore) => RowChange::RestoreCancelled,
        (true, false) => RowChange::Deleted,
        (false, false) if ended(Intent::is_delete) => RowChange::DeleteConfirmed,
        (true, true) if ended(Intent::is_restore) => RowChange::RestoreConfirmed,
        (true, true) if before.name() != after.name() => RowChange::Renamed,
        (true, true) if ended(Intent::has_edits) => RowChange::EditConfirmed,
        _ if same_but_clocks(before, after) => RowChange::Unchanged,
        _ => RowChange::Updated,
    }
}

/// The collisions that were not there before, or that have now been lost.
pub(super) fn fresh_collisions(before: &AssetRow, after: &AssetRow) -> Vec<Value> {
    let Some(intent) = before.intent.as_ref().filter(|intent| intent.has_edits()) else {
        return Vec::new();
    };
    if after.is_gone() {
        return Vec::new();
    }
    let known = intent.collisions(before.observed_values());
    let theirs = after.observed_values();
    let standing = after.intent.as_ref();
    let standing = standing.map_or_else(Vec::new, |intent| intent.collisions(theirs));
    let told = |collision: WishCollision| {
        let stands = standing.contains(&collision);
        (!stands || !known.contains(&collision)).then(|| {
            let mut told = json!(collision);
            told["winner"] = json!(if stands { "here" } else { "cloudinary" });
            told
        })
    };
    intent
        .collisions(theirs)
        .into_iter()
        .filter_map(told)
        .collect()
}

/// A tombstone's date follows from its clocks, so it counts as one of them. Who carries an intent
/// out is nobody's business but the workers'.
fn same_but_clocks(before: &AssetRow, after: &AssetRow) -> bool {
    let mut aligned = before.clone();
    aligned.clocks = after.clocks;
    aligned.intent_claim = after.intent_claim;
    if !before.is_live() && !after.is_live() {
        aligned.deleted_at = after.deleted_at;
    }
    aligned == *after
}

pub(super) fn operation(change: RowChange) -> &'static str {
    match change {
        RowChange::Created => "created",
        RowChange::Updated => "updated",
        RowChange::Renamed => "renamed",
        RowChange::Deleted => "deleted",
        RowChange::DeleteConfirmed => "delete_confirmed",
        RowChange::DeleteCancelled => "delete_cancelled",
        RowChange::EditConfirmed => "edit_confirmed",
        RowChange::RestoreConfirmed => "restore_confirmed",
        RowChange::RestoreCancelled => "restore_cancelled",
        RowChange::Revived => "revived",
        RowChange::Unchanged => "unchanged",
    }
}

pub(super) fn describe(
    change: RowChange,
    before: Option<&AssetRow>,
    after: &AssetRow,
) -> Option<Value> {
    let before = before?;
    match change {
        RowChange::Updated | RowChange::Renamed | RowChange::Revived | RowChange::EditConfirmed => {
            let (from, to) = differences(before, after);
            Some(json!({ "from": from, "to": to }))
        }
        // What was to be edited is gone with the asset.
        RowChange::Deleted if before.intent.is_some() => Some(json!({"dropped": before.intent})),
        RowChange::RestoreCancelled => Some(json!({
            "reason": "another asset has its name",
            "asked_by": before.intent.as_ref().and_then(|intent| intent.by),
        })),
        RowChange::DeleteCancelled => Some(json!({
            "reason": "a newer upload was found",
            "asked_by": before.deleted_by,
            "version": after.content.version,
        })),
        _ => None,
    }
}

/// The fields in which two states of a row differ, with the values of each.
fn differences(before: &AssetRow, after: &AssetRow) -> (Map<String, Value>, Map<String, Value>) {
    const BOOKKEEPING: [&str; 4] = ["clocks", "revision", "intent_revision", "intent_claim"];
    let (mut from, mut to) = (fields(before), fields(after));
    for name in BOOKKEEPING {
        from.remove(name);
        to.remove(name);
    }
    from.retain(|name, value| {
        let is_same = to.get(name) == Some(value);
        if is_same {
            to.remove(name);
        }
        !is_same
    });
    (from, to)
}

fn fields(row: &AssetRow) -> Map<String, Value> {
    match serde_json::to_value(row) {
        Ok(Value::Object(fields)) => fields,
        _ => unreachable!("rows are objects with string keys"),
    }
}

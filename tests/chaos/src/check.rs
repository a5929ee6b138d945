//! The rules that must hold in the end.

use std::collections::{BTreeMap, BTreeSet};

use media_sync::asset::AssetId;
use media_sync::cloudinary::escape::metadata_value;
use media_sync::row::{AssetRow, SyncStatus};
use media_sync::time::Timestamp;
use serde_json::{Value, json};

use crate::cloud::{CloudAsset, CloudLibrary, LibraryChange};
use crate::database::{SimulatedDatabase, UserDecision};
use crate::jobs::BothSides;

/// Both sides hold the same, and nothing waits.
///
/// # Panics
/// When they do not.
pub fn mirrored(sides: &BothSides) {
    for asset in sides.cloud.alive() {
        let row = sides.database.by_asset(&asset.id);
        let row = row.unwrap_or_else(|| panic!("no row for {asset:?}"));
        assert!(
            row.is_live(),
            "a tombstone for a live asset: {row:?} {asset:?}"
        );
        assert_eq!(
            seen_here(row),
            seen_there(asset),
            "the sides differ: {row:?}"
        );
        assert_eq!(row.content.version, Some(asset.version), "{row:?}");
    }
    for row in sides.database.rows.values() {
        assert!(row.intent.is_none(), "still to be done: {row:?}");
        assert_eq!(row.sync.status, SyncStatus::Synced, "{row:?}");
        assert!(row.observed.is_none(), "{row:?}");
        // A claim may outlive its intent: it keeps others away until a lost call has arrived.
        let over = |claim| sides.database.run_out.contains(&claim);
        assert!(row.intent_claim.is_none_or(over), "{row:?}");
        let there = sides.cloud.assets.get(&row.cloudinary_asset_id);
        let is_there = there.is_some_and(|asset| asset.alive);
        assert_eq!(row.is_live(), is_there, "only one side has it: {row:?}");
    }
}

fn seen_here(row: &AssetRow) -> Value {
    let tags: BTreeSet<&String> = row.editable.tags.iter().collect();
    json!({
        "public_id": row.editable.public_id, "folder": row.editable.folder, "display_name": row.editable.display_name,
        "tags": tags, "context": row.editable.context, "metadata": row.editable.metadata,
    })
}

fn seen_there(asset: &CloudAsset) -> Value {
    let tags: BTreeSet<&String> = asset.tags.iter().collect();
    json!({
        "public_id": asset.public_id, "folder": asset.folder, "display_name": asset.display_name,
        "tags": tags, "context": asset.context, "metadata": asset.metadata,
    })
}

/// Every accepted notification has ended, once.
///
/// # Panics
/// When one has not.
pub fn accounted(database: &SimulatedDatabase, digests: &BTreeSet<String>) {
    for digest in digests {
        assert!(
            database.notifications.contains_key(digest),
            "{digest} has no verdict"
        );
    }
    assert_eq!(database.notifications.len(), digests.len());
}

/// People's last wish for each value, to be compared with its fate.
#[derive(Clone, Debug, Default)]
pub struct WishLedger {
    here: BTreeMap<(AssetId, &'static str, String), (Option<Value>, Timestamp)>,
    there: BTreeMap<(AssetId, &'static str, String), (Option<Value>, i64)>,
    /// When a whole group of values was last touched there.
    groups: BTreeMap<(AssetId, &'static str), i64>,
    /// When everything about an asset was last put in question: uploaded, deleted, restored.
    upheavals: BTreeMap<AssetId, i64>,
    /// Assets that somebody decided here to delete or restore.
    decided: BTreeSet<AssetId>,
}

impl WishLedger {
    pub fn note_decision(
        &mut self,
        asset: AssetId,
        before: &AssetRow,
        decision: &UserDecision,
        at: Timestamp,
    ) {
        if decision.deleted.is_some() {
            self.decided.insert(asset.clone());
        }
        let mut note = |group, key: &str, value| {
            let place = (asset.clone(), group, key.to_owned());
            self.here.insert(place, (value, at));
        };
        if let Some(folder) = decision
            .folder
            .as_ref()
            .filter(|folder| **folder != before.editable.folder)
        {
            note("folder", "", Some(json!(folder)));
        }
        if let Some(name) = &decision.display_name {
            note("display_name", "", Some(json!(name)));
        }
        for tag in ["red", "blue", "new", "old"].map(str::to_owned) {
            if let Some(tags) = &decision.tags
                && tags.contains(&tag) != before.editable.tags.contains(&tag)
            {
                note("tags", &tag, tags.contains(&tag).then_some(json!(true)));
            }
            if let Some(there) = decision.asked_tags.get(&tag) {
                note("tags", &tag, there.then_some(json!(true)));
            }
        }
        for (group, before, pairs) in [
            ("context", &before.editable.context, &decision.context),
            ("metadata", &before.editable.metadata, &decision.metadata),
        ] {
            let Some(pairs) = pairs else { continue };
            for key in before.keys().chain(pairs.keys()) {
                if before.get(key) != pairs.get(key) {
                    note(group, key, pairs.get(key).map(said));
                }
            }
        }
    }

    /// Is told before the change is made.
    pub fn note_change(&mut self, cloud: &CloudLibrary, change: &LibraryChange) {
        let now = cloud.now;
        let named = |names: &[String]| -> Vec<AssetId> {
            let found = names.iter().filter_map(|name| cloud.find(name));
            found.map(|asset| asset.id.clone()).collect()
        };
        let mut note = |id: AssetId, group, key: &str, value| {
            self.groups.insert((id.clone(), group), now);
            self.there.insert((id, group, key.to_owned()), (value, now));
        };
        match change {
            LibraryChange::AddTags(names, tags) | LibraryChange::RemoveTags(names, tags) => {
                let adds = matches!(change, LibraryChange::AddTags(..));
                for id in named(names) {
                    for tag in tags {
                        note(id.clone(), "tags", tag, adds.then_some(json!(true)));
                    }
                }
            }
            LibraryChange::MergeContext(names, pairs) => {
                for id in named(names) {
                    for (key, value) in pairs {
                        let value = (!value.is_empty()).then(|| json!(value));
                        note(id.clone(), "context", key, value);
                    }
                }
            }
            LibraryChange::SetMetadata(names, fields) => {
                for id in named(names) {
                    for (key, value) in fields {
                        note(id.clone(), "metadata", key, Some(said(value)));
                    }
                }
            }
            LibraryChange::Update {
                id,
                folder,
                display_name,
            } => {
                if let Some(folder) = folder {
                    note(id.clone(), "folder", "", Some(json!(folder)));
                }
                if let Some(name) = display_name {
                    note(id.clone(), "display_name", "", Some(json!(name)));
                }
            }
            LibraryChange::RenameFolder { from, to } => {
                let inside = cloud.assets.values().filter(|asset| asset.folder == *from);
                for asset in inside {
                    note(asset.id.clone(), "folder", "", Some(json!(to)));
                }
            }
            LibraryChange::Delete(id) | LibraryChange::Restore(id) => {
                self.upheavals.insert(id.clone(), now);
            }
            // It may bring back any asset that once had the name.
            LibraryChange::Upload { public_id, .. } => {
                let named = cloud.assets.values();
                let named = named.filter(|asset| asset.public_id == *public_id);
                self.upheavals
                    .extend(named.map(|asset| (asset.id.clone(), now)));
            }
            LibraryChange::Rename { .. } => {}
        }
    }

    /// No edit that did not collide was dropped, on either side.
    ///
    /// # Panics
    /// When one was.
    pub fn check(&self, sides: &BothSides) {
        for ((asset, group, key), (wanted, at)) in &self.here {
            let Some(found) = self.find(sides, asset, group, key) else {
                continue;
            };
            let place = (asset.clone(), *group, key.clone());
            // Tags commute: of two who want the same tag differently, the one who was last here stays.
            let contested = if *group == "tags" {
                self.there
                    .get(&place)
                    .is_some_and(|(_, then)| *then >= at.micros())
            } else {
                let group = (asset.clone(), *group);
                let ours = sides.touched.get(&group).map(|at| at.micros());
                let touched = self.groups.get(&group).copied().max(ours);
                self.there.contains_key(&place) && touched > Some(at.micros())
            };
            assert!(
                found == *wanted || contested,
                "an edit made here was lost: {place:?} {wanted:?} at {at}, found {found:?}"
            );
        }
        for (place, (wanted, _)) in &self.there {
            let (asset, group, key) = place;
            let Some(found) = self.find(sides, asset, group, key) else {
                continue;
            };
            assert!(
                found == *wanted || self.here.contains_key(place),
                "an edit made there was lost: {place:?} {wanted:?}, found {found:?}"
            );
        }
    }

    /// The value in the end; `None` when greater things have happened to the asset.
    fn find(
        &self,
        sides: &BothSides,
        asset: &AssetId,
        group: &str,
        key: &str,
    ) -> Option<Option<Value>> {
        if self.upheavals.contains_key(asset)
            || self.decided.contains(asset)
            || sides.met_by_name.contains(asset)
            || sides.met_late.contains(asset)
        {
            return None;
        }
        let found = sides.cloud.assets.get(asset).filter(|asset| asset.alive)?;
        Some(match group {
            "folder" => Some(json!(found.folder)),
            "display_name" => Some(json!(found.display_name)),
            "tags" => found
                .tags
                .iter()
                .any(|tag| tag == key)
                .then_some(json!(true)),
            "context" => found.context.get(key).map(|value| json!(value)),
            _ => found.metadata.get(key).map(said),
        })
    }
}

/// A value as it is said on its way, whichever type it has on either side.
fn said(value: &Value) -> Value {
    metadata_value(value).into()
}

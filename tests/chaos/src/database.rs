//! The database in memory: its functions and its trigger, as the migrations say.

use std::collections::{BTreeMap, BTreeSet};

use media_sync::asset::{AssetId, DeliveryName};
use media_sync::intent::{ExistenceWish, Intent, ValueWish};
use media_sync::observation::ValuePairs;
use media_sync::row::{AssetRow, SyncState, SyncStatus};
use media_sync::sync::plan::AuditEntry;
use media_sync::sync::store::{NotificationVerdict, RowQuery, WriteSet};
use media_sync::time::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// A person's changes of a row; `None` leaves a value as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserDecision {
    pub public_id: Option<String>,
    pub folder: Option<String>,
    pub display_name: Option<String>,
    pub tags: Option<Vec<String>>,
    /// Tags to add (`true`) and to remove, also where the row seems to have them so.
    pub asked_tags: BTreeMap<String, bool>,
    pub context: Option<ValuePairs>,
    pub metadata: Option<ValuePairs>,
    /// Deletes, or restores.
    pub deleted: Option<bool>,
}

/// A run of reconciliation, as its row has it.
#[derive(Clone, Debug, Default)]
pub struct SimulatedRun {
    /// Its leader's lease; `None` when it rests.
    pub lease: Option<u64>,
    pub started: Option<Timestamp>,
    pub stage: RunStage,
    pub step: u64,
    pub listed: BTreeSet<AssetId>,
}

/// The progress of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum RunStage {
    #[default]
    Begin,
    Listing(AssetId),
    Suspects(Option<AssetId>),
    Done,
}

/// Reasons why a write was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedWrite {
    /// Rows have changed since they were read (PT412).
    Conflict,
    /// Somebody else leads the run (PT410).
    LeaseLost,
}

/// Everything that is kept.
#[derive(Clone, Debug, Default)]
pub struct SimulatedDatabase {
    pub rows: BTreeMap<Uuid, AssetRow>,
    pub notifications: BTreeMap<String, NotificationVerdict>,
    pub audit: Vec<AuditEntry>,
    pub run: Option<SimulatedRun>,
    pub good_runs: u64,
    /// Rows whose next attempt is due, and that a drain would send.
    pub waiting: BTreeSet<Uuid>,
    /// Claims whose time is over.
    pub run_out: BTreeSet<Uuid>,
}

impl SimulatedDatabase {
    pub fn by_asset(&self, id: &AssetId) -> Option<&AssetRow> {
        self.rows
            .values()
            .find(|row| row.cloudinary_asset_id == *id)
    }

    /// `media_sync_rows`
    pub fn fetch(&self, query: &RowQuery) -> Vec<AssetRow> {
        // Of deleted rows the database gives only the newest of each name; the library sorts them out.
        let wanted = |row: &&AssetRow| {
            query.ids.contains(&row.id)
                || query.asset_ids.contains(&row.cloudinary_asset_id)
                || row.is_live() && query.names.contains(&row.name())
                || query.public_ids.contains(&row.name().public_id)
        };
        self.rows.values().filter(wanted).cloned().collect()
    }

    /// `media_sync_folder_ids`
    pub fn folder_ids(&self, folder: &str) -> Vec<AssetId> {
        let inside = |row: &&AssetRow| {
            let seen = &row.observed_values().folder;
            row.is_live() && (*seen == folder || seen.starts_with(&format!("{folder}/")))
        };
        let rows = self.rows.values().filter(inside);
        rows.map(|row| row.cloudinary_asset_id.clone()).collect()
    }

    /// `media_sync_apply`, but for checkpoints: all of it or nothing.
    ///
    /// # Errors
    /// When a row was changed since it was read, or a name is taken.
    pub fn apply(&mut self, change: &WriteSet) -> Result<(), RefusedWrite> {
        let mut rows = self.rows.clone();
        for row in &change.inserts {
            if self.by_asset(&row.cloudinary_asset_id).is_some() {
                return Err(RefusedWrite::Conflict);
            }
            rows.insert(row.id, row.clone());
        }
        for row in &change.updates {
            let known = rows.get_mut(&row.id).ok_or(RefusedWrite::Conflict)?;
            if known.revision != row.revision {
                return Err(RefusedWrite::Conflict);
            }
            *known = AssetRow {
                revision: row.revision + 1,
                intent_revision: known.intent_revision,
                ..row.clone()
            };
        }
        if !names_are_unique(&rows) {
            return Err(RefusedWrite::Conflict);
        }
        self.assert_audited(change);
        for row in change.updates.iter().chain(&change.inserts) {
            let is_due = row.intent.is_some() && row.sync.next_attempt_at.is_some();
            if is_due {
                self.waiting.insert(row.id);
            } else {
                self.waiting.remove(&row.id);
            }
        }
        self.rows = rows;
        for record in &change.notifications {
            let known = self.notifications.entry(record.digest.clone());
            known.or_insert(record.verdict);
        }
        self.audit.extend(change.audit.iter().cloned());
        Ok(())
    }

    /// Every change that anybody sees has its entry in the audit trail.
    fn assert_audited(&self, change: &WriteSet) {
        let seen = |row: &AssetRow| {
            let mut seen = row.clone();
            seen.clocks = media_sync::observation::AssetClocks::default();
            seen.intent_claim = None;
            seen.revision = 0;
            if !seen.is_live() {
                seen.deleted_at = Some(Timestamp::from_micros(0));
            }
            seen
        };
        for row in change.inserts.iter().chain(&change.updates) {
            let is_new = match self.rows.get(&row.id) {
                Some(known) => seen(known) != seen(row),
                None => true,
            };
            let told = change
                .audit
                .iter()
                .any(|entry| entry.asset_row_id == row.id);
            assert!(told || !is_new, "a change without an audit entry: {row:?}");
        }
    }

    /// Writes a person's changes into a row, as the trigger `decide` takes them. `false` when it is
    /// refused.
    pub fn decide(&mut self, id: Uuid, decision: &UserDecision, now: Timestamp) -> bool {
        let Some(old) = self.rows.get(&id) else {
            return false;
        };
        let mut new = old.clone();
        if !decide(&mut new, decision, now) {
            return false;
        }
        let taken =
            |row: &AssetRow| row.id != id && holds_in_cloudinary(row, &new.editable.public_id);
        if new.editable.public_id != old.editable.public_id && self.rows.values().any(taken) {
            return false;
        }
        let mut rows = self.rows.clone();
        new.revision += 1;
        let is_due = new.intent.is_some() && new.sync.next_attempt_at.is_some();
        rows.insert(id, new);
        if !names_are_unique(&rows) {
            return false;
        }
        self.rows = rows;
        if is_due {
            self.waiting.insert(id);
        }
        true
    }

    /// `media_sync_claim_intents`: the rows that are got, and those that somebody else holds.
    pub fn claim(&mut self, ids: &BTreeSet<Uuid>, claim: Uuid) -> (Vec<AssetRow>, BTreeSet<Uuid>) {
        let (mut got, mut busy) = (Vec::new(), BTreeSet::new());
        for id in ids {
            let Some(row) = self.rows.get_mut(id).filter(|row| row.intent.is_some()) else {
                continue;
            };
            if row
                .intent_claim
                .is_none_or(|holder| self.run_out.contains(&holder))
            {
                row.intent_claim = Some(claim);
                row.revision += 1;
                got.push(row.clone());
            } else {
                busy.insert(*id);
            }
        }
        (got, busy)
    }

    /// `media_sync_suspects`
    pub fn suspects(&self, run: &SimulatedRun) -> Vec<AssetId> {
        let Some(started) = run.started else {
            return Vec::new();
        };
        let suspect = |row: &&AssetRow| {
            row.is_live()
                && row.clocks.alive.unwrap_or_default() < started.micros()
                && !run.listed.contains(&row.cloudinary_asset_id)
                && !row.intent.as_ref().is_some_and(Intent::is_restore)
        };
        let mut ids: Vec<AssetId> = self
            .rows
            .values()
            .filter(suspect)
            .map(|row| row.cloudinary_asset_id.clone())
            .collect();
        ids.sort();
        ids
    }
}

fn names_are_unique(rows: &BTreeMap<Uuid, AssetRow>) -> bool {
    let mut names: BTreeSet<DeliveryName> = BTreeSet::new();
    let mut live = rows.values().filter(|row| row.is_live());
    live.all(|row| names.insert(row.name()))
}

/// Tells whether a row has the name in Cloudinary, though it is to lose it.
fn holds_in_cloudinary(row: &AssetRow, public_id: &str) -> bool {
    let deletes = row.intent.as_ref().is_some_and(Intent::is_delete);
    (row.is_live() || deletes) && row.observed_name().public_id == public_id
}

/// Decides as the trigger does; `false` when it refuses.
pub fn decide(row: &mut AssetRow, decision: &UserDecision, now: Timestamp) -> bool {
    let before = row.clone();
    let newest = before.clocks.newest();
    let at = newest.map_or(now, |newest| now.max(newest.next())).micros();
    let mut intent = before.intent.clone().unwrap_or_default();
    let edits = decision.deleted.is_none() || decision.deleted == Some(false);
    if edits && decision.has_edits() {
        if before.deleted_at.is_some() && decision.deleted != Some(false) {
            return false;
        }
        wish_for_edits(&mut intent, &before, decision, at);
    }
    match (before.deleted_at, decision.deleted) {
        (None, Some(true)) => {
            intent.existence = Some(ExistenceWish::Delete {
                version: before.content.version,
                etag: before.content.etag.clone(),
            });
            row.deleted_at = Some(now);
            row.deleted_by = Some(Uuid::nil());
        }
        (Some(_), Some(false)) => {
            intent.existence = Some(ExistenceWish::Restore);
            row.deleted_at = None;
            row.deleted_by = None;
        }
        _ => {}
    }
    let is_new = before.intent.as_ref().unwrap_or(&Intent::default()) != &intent;
    if !is_new && decision.asked_tags.is_empty() {
        return true;
    }
    intent.at = at;
    intent.by = Some(Uuid::nil());
    if intent.has_edits() {
        let observed = before.observed_values();
        row.editable = intent.over(observed);
        row.observed = Some(observed.clone());
    }
    row.intent = Some(intent);
    row.intent_revision += 1;
    row.sync = SyncState {
        status: SyncStatus::Pending,
        next_attempt_at: Some(now),
        ..SyncState::default()
    };
    true
}

impl UserDecision {
    /// The same as an item of `media_request_edit`, if it asks for single tags.
    pub fn item(&self, row: Uuid) -> Option<Value> {
        let asked = |there: bool| -> Vec<&String> {
            let asked = self.asked_tags.iter();
            asked
                .filter(|(_, wanted)| **wanted == there)
                .map(|(tag, _)| tag)
                .collect()
        };
        let item = json!({"asset_id": row, "add_tags": asked(true), "remove_tags": asked(false)});
        (!self.asked_tags.is_empty()).then_some(item)
    }

    /// The same, as the Data API takes it.
    pub fn columns(&self) -> Value {
        let mut columns = Map::new();
        let mut set = |column: &str, value: Option<Value>| {
            columns.extend(value.map(|value| (column.to_owned(), value)));
        };
        set(
            "cloudinary_public_id",
            self.public_id.as_ref().map(|to| json!(to)),
        );
        set("folder", self.folder.as_ref().map(|to| json!(to)));
        set(
            "display_name",
            self.display_name.as_ref().map(|to| json!(to)),
        );
        set("tags", self.tags.as_ref().map(|to| json!(to)));
        set("context", self.context.as_ref().map(|to| json!(to)));
        set("metadata", self.metadata.as_ref().map(|to| json!(to)));
        let moment = |deleted: bool| if deleted { json!("now") } else { Value::Null };
        set("deleted_at", self.deleted.map(moment));
        Value::Object(columns)
    }

    fn has_edits(&self) -> bool {
        let deleted = self.deleted;
        *self
            != Self {
                deleted,
                ..Self::default()
            }
    }
}

fn wish_for_edits(intent: &mut Intent, before: &AssetRow, decision: &UserDecision, at: i64) {
    if let Some(to) = &decision.public_id {
        wish(&mut intent.public_id, &before.editable.public_id, to, at);
    }
    if let Some(to) = &decision.folder {
        wish(&mut intent.folder, &before.editable.folder, to, at);
    }
    if let Some(to) = &decision.display_name {
        let to = Some(to.clone());
        wish(
            &mut intent.display_name,
            &before.editable.display_name,
            &to,
            at,
        );
    }
    if let Some(tags) = &decision.tags {
        let added = tags
            .iter()
            .filter(|tag| !before.editable.tags.contains(*tag));
        let removed = before
            .editable
            .tags
            .iter()
            .filter(|tag| !tags.contains(tag));
        let wishes = added.map(|tag| (tag, true));
        let wishes = wishes.chain(removed.map(|tag| (tag, false)));
        intent
            .tags
            .extend(wishes.map(|(tag, there)| (tag.clone(), there)));
    }
    intent.tags.extend(decision.asked_tags.clone());
    if let Some(pairs) = &decision.context {
        wish_for_pairs(&mut intent.context.0, &before.editable.context, pairs, at);
    }
    if let Some(pairs) = &decision.metadata {
        wish_for_pairs(&mut intent.metadata.0, &before.editable.metadata, pairs, at);
    }
}

fn wish_for_pairs(
    wishes: &mut BTreeMap<String, ValueWish<Option<Value>>>,
    from: &ValuePairs,
    to: &ValuePairs,
    at: i64,
) {
    let keys: BTreeSet<&String> = from.keys().chain(to.keys()).collect();
    for key in keys {
        let mut one = wishes.remove(key);
        wish(&mut one, &from.get(key).cloned(), &to.get(key).cloned(), at);
        wishes.extend(one.map(|one| (key.clone(), one)));
    }
}

fn wish<T: Clone + PartialEq>(known: &mut Option<ValueWish<T>>, from: &T, to: &T, at: i64) {
    if from == to {
        return;
    }
    let (base, ours) = match known.take() {
        Some(mut earlier) => {
            earlier.ours.push(earlier.to);
            (earlier.base, earlier.ours)
        }
        None => (from.clone(), Vec::new()),
    };
    *known = Some(ValueWish {
        to: to.clone(),
        base,
        at,
        ours,
    });
}

//! From rows and observations to the writes that bring the rows up to date (pure).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::asset::{AssetId, DeliveryName};
use crate::intent::{Collision, Intent};
use crate::observation::{Fact, Observation};
use crate::row::AssetRow;
use crate::time::Timestamp;

/// Everything that a set of observations changes, ready to be written in one transaction.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub inserts: Vec<AssetRow>,
    pub updates: Vec<AssetRow>,
    pub audit: Vec<AuditEntry>,
    pub tally: Tally,
    /// What became of each observed asset.
    pub changes: BTreeMap<AssetId, Change>,
    /// Live assets whose name now belongs to another: they were renamed or deleted, and have to
    /// be looked at before this plan may be written.
    pub displaced: Vec<AssetId>,
    /// Names that rows show from now on. Whoever else holds one has to be among the rows that the
    /// plan is made from; see [`Plan::unread_names`].
    pub claimed: BTreeSet<DeliveryName>,
}

/// What an asset's observations did to its row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Created,
    Updated,
    Renamed,
    Deleted,
    /// Deleted in Cloudinary as it was asked for here.
    DeleteConfirmed,
    /// A newer upload was found where a delete had been asked for.
    DeleteCancelled,
    /// Cloudinary has what was edited here.
    EditConfirmed,
    RestoreConfirmed,
    /// Another asset has taken the name of one that was to be restored.
    RestoreCancelled,
    Revived,
    /// Nothing that anybody sees.
    Unchanged,
}

impl Change {
    /// Whether a decision that somebody made here ends with it.
    fn ends_a_decision(self) -> bool {
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

/// How many assets each kind of change concerned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    pub created: u64,
    pub updated: u64,
    pub deleted: u64,
    pub unchanged: u64,
}

impl Tally {
    /// Adds the counts of another step.
    pub fn add(&mut self, other: Self) {
        self.created += other.created;
        self.updated += other.updated;
        self.deleted += other.deleted;
        self.unchanged += other.unchanged;
    }

    fn count(&mut self, change: Change) {
        match change {
            Change::Created | Change::Revived => self.created += 1,
            Change::Updated
            | Change::Renamed
            | Change::DeleteCancelled
            | Change::EditConfirmed
            | Change::RestoreConfirmed => self.updated += 1,
            Change::Deleted | Change::DeleteConfirmed | Change::RestoreCancelled => {
                self.deleted += 1;
            }
            Change::Unchanged => self.unchanged += 1,
        }
    }
}

/// Where an observation came from, as the audit trail names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Webhook,
    Reconcile,
    Outbound,
    /// The answer to what a request of the API made us do.
    Api,
}

/// One row of the audit trail.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct AuditEntry {
    pub operation: &'static str,
    pub status: &'static str,
    pub source: Source,
    pub asset_row_id: Uuid,
    pub cloudinary_asset_id: AssetId,
    pub cloudinary_public_id: String,
    pub resource_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
    /// What the time is measured from: a decision, or the arrival of a notification.
    #[serde(skip)]
    pub since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processing_time_ms: Option<i32>,
}

impl AuditEntry {
    /// An entry about this row; what is particular to the case is filled in by the caller.
    pub fn about(row: &AssetRow, operation: &'static str, source: Source) -> Self {
        Self {
            operation,
            status: "success",
            source,
            asset_row_id: row.id,
            cloudinary_asset_id: row.cloudinary_asset_id.clone(),
            cloudinary_public_id: row.cloudinary_public_id.clone(),
            resource_type: row.resource_type.as_str(),
            actor: None,
            run_id: None,
            error_code: None,
            error_message: None,
            details: None,
            since: None,
            processing_time_ms: None,
        }
    }

    /// Notes how long it took until `now`, if its beginning is known.
    pub fn note_time(&mut self, now: Timestamp) {
        let lasted = self.since.map(|since| now.since(since).as_millis());
        self.processing_time_ms = lasted.map(|ms| i32::try_from(ms).unwrap_or(i32::MAX));
    }
}

/// How a plan is made.
#[derive(Clone, Copy, Debug)]
pub struct PlanContext<'a> {
    pub source: Source,
    pub run_id: Option<Uuid>,
    /// Whether a row is written when nothing but its clocks moved. Notifications want that: an
    /// older one may still be on its way. A listing does not: it would rewrite the whole table.
    pub keep_clocks: bool,
    /// Rows whose intents the caller has carried out under a claim, and whose assets it has looked
    /// at since: writing the plan ends their claims.
    pub release: &'a [Uuid],
}

/// Plans what `observations` change in `rows`: the rows of the observed assets, and of whoever
/// holds one of their names.
pub fn plan_observations(
    rows: &[AssetRow],
    observations: &[Observation],
    context: PlanContext<'_>,
    mut fresh_id: impl FnMut() -> Uuid,
) -> Plan {
    let before: HashMap<&AssetId, &AssetRow> = rows
        .iter()
        .map(|row| (&row.cloudinary_asset_id, row))
        .collect();
    let mut after: BTreeMap<&AssetId, AssetRow> = BTreeMap::new();
    // A row cannot begin with an observation that does not name its asset.
    let (naming, nameless): (Vec<_>, Vec<_>) = observations
        .iter()
        .partition(|observation| !matches!(observation.fact, Fact::Gone(None)));
    for observation in naming.into_iter().chain(nameless) {
        match after.get_mut(&observation.asset_id) {
            Some(row) => row.observe(observation),
            None => {
                let row = match before.get(&observation.asset_id) {
                    Some(known) => {
                        let mut row = (*known).clone();
                        row.observe(observation);
                        Some(row)
                    }
                    None => AssetRow::first(fresh_id(), observation),
                };
                if let Some(row) = row {
                    after.insert(&observation.asset_id, row);
                }
            }
        }
    }
    // Only once everything is taken in: an older look may show what is about to be undone.
    let released = after.values_mut();
    released
        .filter(|row| context.release.contains(&row.id))
        .for_each(AssetRow::release);
    give_names_up(rows, &mut after);

    let mut plan = Plan {
        displaced: find_displaced(rows, &after),
        ..Plan::default()
    };
    for (asset_id, row) in after {
        plan.take(before.get(asset_id).copied(), row, context);
    }
    plan
}

impl Plan {
    fn take(&mut self, before: Option<&AssetRow>, after: AssetRow, context: PlanContext<'_>) {
        let change = classify(before, &after);
        self.tally.count(change);
        self.changes
            .insert(after.cloudinary_asset_id.clone(), change);
        let intent = before.and_then(|row| row.intent.as_ref());
        let actor = intent.and_then(|intent| intent.by);
        let decided = intent.map(|intent| Timestamp::from_micros(intent.at));
        if change != Change::Unchanged {
            self.audit.push(AuditEntry {
                actor: actor.filter(|_| change.ends_a_decision()),
                since: decided.filter(|_| change.ends_a_decision()),
                run_id: context.run_id,
                details: describe(change, before, &after),
                ..AuditEntry::about(&after, operation(change), context.source)
            });
        }
        if let Some(before) = before {
            let collisions = fresh_collisions(before, &after);
            if !collisions.is_empty() {
                self.audit.push(AuditEntry {
                    actor,
                    run_id: context.run_id,
                    details: Some(json!({ "collisions": collisions })),
                    ..AuditEntry::about(&after, "conflict", context.source)
                });
            }
        }
        if after.is_live()
            && before.is_none_or(|before| !before.is_live() || before.name() != after.name())
        {
            self.claimed.insert(after.name());
        }
        match before {
            None => self.inserts.push(after),
            Some(_) if change != Change::Unchanged => self.updates.push(after),
            Some(before)
                if before.intent_claim != after.intent_claim
                    || context.keep_clocks && before.clocks != after.clocks =>
            {
                self.updates.push(after);
            }
            Some(_) => {}
        }
    }

    /// The names whose holders were not looked for, given those that were: if there are any, their
    /// holders have to be read too, and the plan has to be made again.
    pub fn unread_names(&self, read: &[DeliveryName]) -> Vec<DeliveryName> {
        let unread = self.claimed.iter().filter(|name| !read.contains(name));
        unread.cloned().collect()
    }

    /// The rows as they are once this is written, but for their revisions.
    pub fn over(&self, rows: Vec<AssetRow>) -> Vec<AssetRow> {
        let planned = |row: AssetRow| {
            let update = self.updates.iter().find(|update| update.id == row.id);
            update.cloned().unwrap_or(row)
        };
        rows.into_iter().map(planned).collect()
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.inserts.is_empty() && self.updates.is_empty()
    }
}

/// Names that more than one live row shows once the plan is carried out.
fn contested<'a>(
    rows: &'a [AssetRow],
    after: &'a BTreeMap<&AssetId, AssetRow>,
) -> impl Iterator<Item = Vec<&'a AssetRow>> {
    let mut holders: HashMap<DeliveryName, Vec<&AssetRow>> = HashMap::new();
    let untouched = rows
        .iter()
        .filter(|row| !after.contains_key(&row.cloudinary_asset_id));
    for row in after.values().chain(untouched).filter(|row| row.is_live()) {
        holders.entry(row.name()).or_default().push(row);
    }
    holders.into_values().filter(|rows| rows.len() > 1)
}

/// A name that is only wished for yields to one that was observed; of several that are only wished
/// for, to the one that is shown already. Giving it up shows the name that was observed, which may
/// be contested in turn, but each row gives up once.
fn give_names_up<'a>(rows: &'a [AssetRow], after: &mut BTreeMap<&'a AssetId, AssetRow>) {
    let shown: HashMap<&AssetId, DeliveryName> = rows
        .iter()
        .filter(|row| row.is_live())
        .map(|row| (&row.cloudinary_asset_id, row.name()))
        .collect();
    loop {
        let mut losers: BTreeSet<AssetId> = BTreeSet::new();
        for claimants in contested(rows, after) {
            let (wishing, known): (Vec<&AssetRow>, Vec<&AssetRow>) = claimants
                .into_iter()
                .partition(|row| row.wishes_for_its_name());
            let shows_it =
                |row: &&&AssetRow| shown.get(&row.cloudinary_asset_id) == Some(&row.name());
            let keeper = if known.is_empty() {
                let first = wishing.iter().find(shows_it).or(wishing.first());
                first.map(|row| row.cloudinary_asset_id.clone())
            } else {
                None
            };
            let ids = wishing.iter().map(|row| row.cloudinary_asset_id.clone());
            losers.extend(ids.filter(|id| Some(id) != keeper.as_ref()));
        }
        if losers.is_empty() {
            return;
        }
        for row in rows {
            let id = &row.cloudinary_asset_id;
            if losers.contains(id) {
                after
                    .entry(id)
                    .or_insert_with(|| row.clone())
                    .give_name_up();
            }
        }
    }
}

/// Live rows whose name is held by another live row once the plan is carried out.
fn find_displaced(rows: &[AssetRow], after: &BTreeMap<&AssetId, AssetRow>) -> Vec<AssetId> {
    let mut displaced = BTreeSet::new();
    for mut claimants in contested(rows, after) {
        // The youngest claim is the true one; at equal moments every claimant is looked at.
        claimants.sort_by_key(|row| row.clocks.name);
        let youngest = claimants.last().and_then(|row| row.clocks.name);
        let older = claimants.iter().filter(|row| row.clocks.name < youngest);
        let mut older: Vec<_> = older.collect();
        if older.is_empty() {
            older = claimants.iter().collect();
        }
        displaced.extend(older.into_iter().map(|row| row.cloudinary_asset_id.clone()));
    }
    displaced.into_iter().collect()
}

fn classify(before: Option<&AssetRow>, after: &AssetRow) -> Change {
    let Some(before) = before else {
        return if after.is_live() {
            Change::Created
        } else {
            Change::Deleted
        };
    };
    let ended = |is: fn(&Intent) -> bool| {
        before.intent.as_ref().is_some_and(is) && !after.intent.as_ref().is_some_and(is)
    };
    match (before.is_live(), after.is_live()) {
        (false, true) if ended(Intent::is_delete) => Change::DeleteCancelled,
        (false, true) => Change::Revived,
        (true, false) if ended(Intent::is_restore) => Change::RestoreCancelled,
        (true, false) => Change::Deleted,
        (false, false) if ended(Intent::is_delete) => Change::DeleteConfirmed,
        (true, true) if ended(Intent::is_restore) => Change::RestoreConfirmed,
        (true, true) if before.name() != after.name() => Change::Renamed,
        (true, true) if ended(Intent::has_edits) => Change::EditConfirmed,
        _ if same_but_clocks(before, after) => Change::Unchanged,
        _ => Change::Updated,
    }
}

/// The collisions that were not there before, or that have now been lost.
fn fresh_collisions(before: &AssetRow, after: &AssetRow) -> Vec<Value> {
    let Some(intent) = before.intent.as_ref().filter(|intent| intent.has_edits()) else {
        return Vec::new();
    };
    if after.is_gone() {
        return Vec::new();
    }
    let known = intent.collisions(&before.observed_values());
    let theirs = after.observed_values();
    let standing = after.intent.as_ref();
    let standing = standing.map_or_else(Vec::new, |intent| intent.collisions(&theirs));
    let told = |collision: Collision| {
        let stands = standing.contains(&collision);
        (!stands || !known.contains(&collision)).then(|| {
            let mut told = json!(collision);
            told["winner"] = json!(if stands { "here" } else { "cloudinary" });
            told
        })
    };
    intent
        .collisions(&theirs)
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

fn operation(change: Change) -> &'static str {
    match change {
        Change::Created => "created",
        Change::Updated => "updated",
        Change::Renamed => "renamed",
        Change::Deleted => "deleted",
        Change::DeleteConfirmed => "delete_confirmed",
        Change::DeleteCancelled => "delete_cancelled",
        Change::EditConfirmed => "edit_confirmed",
        Change::RestoreConfirmed => "restore_confirmed",
        Change::RestoreCancelled => "restore_cancelled",
        Change::Revived => "revived",
        Change::Unchanged => "unchanged",
    }
}

fn describe(change: Change, before: Option<&AssetRow>, after: &AssetRow) -> Option<Value> {
    let before = before?;
    match change {
        Change::Updated | Change::Renamed | Change::Revived | Change::EditConfirmed => {
            let (from, to) = differences(before, after);
            Some(json!({ "from": from, "to": to }))
        }
        // What was to be edited is gone with the asset.
        Change::Deleted if before.intent.is_some() => Some(json!({"dropped": before.intent})),
        Change::RestoreCancelled => Some(json!({
            "reason": "another asset has its name",
            "asked_by": before.intent.as_ref().and_then(|intent| intent.by),
        })),
        Change::DeleteCancelled => Some(json!({
            "reason": "a newer upload was found",
            "asked_by": before.deleted_by,
            "version": after.cloudinary_version,
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

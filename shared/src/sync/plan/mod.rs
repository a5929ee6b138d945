//! From rows and observations to the writes that bring the rows up to date (pure).

mod change;
mod names;
mod uploads;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

pub use self::change::{ChangeTally, RowChange};
use self::change::{classify, describe, fresh_collisions, operation};
use self::names::{break_circles, find_displaced, give_names_up};
use self::uploads::{JoinedUpload, UploadJoin};
pub use self::uploads::{OpenUpload, UploadEnding, WaitingAsset};
use crate::asset::{AssetId, DeliveryName};
use crate::observation::{Observation, ObservedState};
use crate::row::AssetRow;
use crate::time::Timestamp;
use crate::upload::proof::PROOF_KEY;

/// Everything that a set of observations changes, ready to be written in one transaction.
#[derive(Clone, Debug, Default)]
pub struct WritePlan {
    pub inserts: Vec<AssetRow>,
    pub updates: Vec<AssetRow>,
    pub audit: Vec<AuditEntry>,
    pub tally: ChangeTally,
    /// The change of each observed asset.
    pub changes: BTreeMap<AssetId, RowChange>,
    /// Live assets whose name now belongs to another: they were renamed or deleted, and have to
    /// be looked at before this plan may be written.
    pub displaced: Vec<AssetId>,
    /// Names that rows show from now on. Whoever else holds one has to be among the rows that the
    /// plan is made from; see [`WritePlan::unread_names`].
    pub claimed: BTreeSet<DeliveryName>,
    /// The uploads that end with it.
    pub uploads: Vec<UploadEnding>,
    /// The uploads that it was made with.
    pub known_uploads: Vec<Uuid>,
}

impl WritePlan {
    /// The rows whose upload's proof waits to be removed. Nobody has decided that, so nobody else sends it.
    pub fn proven_rows(&self) -> Vec<Uuid> {
        let brings_proof = |row: &&AssetRow| {
            let intent = row.intent.as_ref();
            row.intent_claim.is_none()
                && intent.is_some_and(|intent| intent.context.0.contains_key(PROOF_KEY))
        };
        let rows = self.inserts.iter().chain(&self.updates);
        rows.filter(brings_proof).map(|row| row.id).collect()
    }
}

/// Where an observation came from, as the audit trail names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ObservationSource {
    Webhook,
    Reconcile,
    Outbound,
    /// The answer to our own call for a request of the API.
    Api,
}

/// One row of the audit trail.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct AuditEntry {
    pub operation: &'static str,
    pub status: &'static str,
    pub source: ObservationSource,
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
    /// The start of the measured time: a decision, or the arrival of a notification.
    #[serde(skip)]
    pub since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processing_time_ms: Option<i32>,
}

impl AuditEntry {
    /// An entry about this row; the caller fills in the rest.
    pub fn about(row: &AssetRow, operation: &'static str, source: ObservationSource) -> Self {
        Self {
            operation,
            status: "success",
            source,
            asset_row_id: row.id,
            cloudinary_asset_id: row.cloudinary_asset_id.clone(),
            cloudinary_public_id: row.editable.public_id.clone(),
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

/// Which rows are written when nothing but their clocks moved.
#[derive(Clone, Copy, Debug)]
pub enum KeepClocks<'a> {
    /// Notifications want that: an older one may still be on its way.
    Always,
    /// Those of these assets.
    Of(&'a BTreeSet<AssetId>),
    /// A listing would rewrite the whole table.
    Never,
}

impl KeepClocks<'_> {
    fn includes(self, asset: &AssetId) -> bool {
        match self {
            Self::Always => true,
            Self::Of(assets) => assets.contains(asset),
            Self::Never => false,
        }
    }
}

/// The circumstances of a plan.
#[derive(Clone, Copy, Debug)]
pub struct PlanContext<'a> {
    pub source: ObservationSource,
    pub run_id: Option<Uuid>,
    pub keep_clocks: KeepClocks<'a>,
    /// Rows whose intents the caller has carried out under a claim, and whose assets it has looked
    /// at since: writing the plan ends their claims.
    pub release: &'a [Uuid],
    /// The uploads that assets of the rows' and the observations' names may come of.
    pub uploads: &'a [OpenUpload],
}

/// Plans what `observations` change in `rows`: the rows of the observed assets, and of the holders
/// of their names.
pub fn plan_observations(
    rows: &[AssetRow],
    observations: &[Observation],
    context: PlanContext<'_>,
    mut fresh_id: impl FnMut() -> Uuid,
) -> WritePlan {
    let before: HashMap<&AssetId, &AssetRow> = rows
        .iter()
        .map(|row| (&row.cloudinary_asset_id, row))
        .collect();
    let mut after: BTreeMap<&AssetId, AssetRow> = BTreeMap::new();
    // A row cannot begin with an observation that does not name its asset.
    let (naming, nameless): (Vec<_>, Vec<_>) = observations
        .iter()
        .partition(|observation| !matches!(observation.fact, ObservedState::Gone(None)));
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
    break_circles(rows, &mut after, context.release);
    give_names_up(rows, &mut after);

    let mut plan = WritePlan {
        displaced: find_displaced(rows, &after),
        known_uploads: context.uploads.iter().map(|upload| upload.id).collect(),
        ..WritePlan::default()
    };
    let mut uploads = UploadJoin::new(context.uploads);
    for (asset_id, mut row) in after {
        let before = before.get(asset_id).copied();
        let joined = uploads.join(before, &mut row);
        row.wish_proof_away();
        plan.take(before, row, joined, context);
    }
    plan.uploads = uploads.into_endings();
    plan
}

impl WritePlan {
    fn take(
        &mut self,
        before: Option<&AssetRow>,
        after: AssetRow,
        joined: JoinedUpload,
        context: PlanContext<'_>,
    ) {
        let change = classify(before, &after);
        self.tally.count(change);
        self.changes
            .insert(after.cloudinary_asset_id.clone(), change);
        let intent = before.and_then(|row| row.intent.as_ref());
        let actor = intent.and_then(|intent| intent.by);
        let decided = intent.map(|intent| Timestamp::from_micros(intent.at));
        if change != RowChange::Unchanged {
            self.audit.push(AuditEntry {
                actor: actor
                    .filter(|_| change.ends_a_decision())
                    .or(joined.uploader),
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
                    actor: actor.or(joined.uploader),
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
            None if joined.adopted => self.updates.push(after),
            None => self.inserts.push(after),
            Some(_) if change != RowChange::Unchanged => self.updates.push(after),
            Some(before)
                if before.intent_claim != after.intent_claim
                    || before.clocks != after.clocks
                        && context.keep_clocks.includes(&after.cloudinary_asset_id) =>
            {
                self.updates.push(after);
            }
            Some(_) => {}
        }
    }

    /// The names whose holders were not looked for, given those that were. Their holders have to be
    /// read too, and the plan has to be made again.
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

    /// The same, leaving these rows as they are.
    #[must_use]
    pub fn without(mut self, rows: &BTreeSet<Uuid>) -> Self {
        let (left_out, updates) = self
            .updates
            .into_iter()
            .partition(|row| rows.contains(&row.id));
        let left_out: Vec<AssetRow> = left_out;
        self.updates = updates;
        self.audit
            .retain(|entry| !rows.contains(&entry.asset_row_id));
        self.uploads
            .retain(|ending| !rows.contains(&ending.asset_row_id()));
        for row in left_out {
            let change = self
                .changes
                .insert(row.cloudinary_asset_id, RowChange::Unchanged);
            self.tally.forget(change.unwrap_or(RowChange::Unchanged));
            self.tally.count(RowChange::Unchanged);
        }
        self
    }

    /// Tells whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.inserts.is_empty() && self.updates.is_empty() && self.uploads.is_empty()
    }
}

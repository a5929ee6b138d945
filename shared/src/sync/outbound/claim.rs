//! The settlement of claimed rows (pure): looked at first, and released by a look that followed the
//! calls.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use uuid::Uuid;

use super::outcome::{RowOutcome, RowOutcomes};
use crate::asset::AssetId;
use crate::cloudinary::CloudinaryError;
use crate::intent::WishCollision;
use crate::observation::{Observation, ObservedState};
use crate::row::AssetRow;
use crate::sync::lookup::stamp;
use crate::sync::plan::{AuditEntry, ObservationSource, WritePlan};
use crate::sync::retry::{FailureKind, IntentFailure, plan_failure};
use crate::sync::settle::{
    ClockKeeping, LookTargets, PlanEvidence, SettlePolicy, Settlement, named_by,
};
use crate::sync::store::RowQuery;
use crate::time::Timestamp;

/// Rows that one worker carries out.
#[derive(Clone, Debug)]
pub struct ClaimPolicy {
    claim: Uuid,
    /// The rows as they were when they were claimed.
    claimed: Vec<AssetRow>,
    /// Assets to look at before anything else.
    unseen: BTreeSet<AssetId>,
    /// The outcomes of the calls; `None` before they are made.
    outcomes: Option<RowOutcomes>,
    /// The rows that the calls were made for, as they were then.
    called: Vec<AssetRow>,
    /// Assets whose values no row can hold.
    refused: BTreeMap<AssetId, IntentFailure>,
}

impl ClaimPolicy {
    /// Rows that have just been claimed: their assets are looked at before anything is done.
    pub fn new(claim: Uuid, claimed: Vec<AssetRow>) -> Self {
        let unseen = claimed.iter().map(|row| row.cloudinary_asset_id.clone());
        Self {
            claim,
            unseen: unseen.collect(),
            claimed,
            outcomes: None,
            called: Vec::new(),
            refused: BTreeMap::new(),
        }
    }

    /// The rows as they were when they were claimed.
    pub fn claimed(&self) -> &[AssetRow] {
        &self.claimed
    }

    /// Assets whose values no row can hold.
    pub fn refused(&self) -> impl Iterator<Item = &AssetId> {
        self.refused.keys()
    }

    /// Leaves all rows as they are: nobody could tell whether anything may be done.
    pub fn rest(&mut self, failure: &IntentFailure) {
        self.unseen.clear();
        let unseen = RowOutcome::Unseen(failure.clone());
        let rows = self.claimed.iter().map(|row| (row.id, unseen.clone()));
        self.outcomes.get_or_insert_default().extend(rows);
    }

    /// Tells whether nothing is to be done any more: the calls were made, or the assets could not
    /// be looked at before.
    pub fn is_over(&self) -> bool {
        self.outcomes.is_some()
    }

    /// Of these rows, those that calls may be made for.
    pub fn held(&self, rows: Vec<AssetRow>) -> Vec<AssetRow> {
        let is_held =
            |row: &AssetRow| row.intent_claim == Some(self.claim) && !self.is_refused(row);
        rows.into_iter().filter(is_held).collect()
    }

    /// Takes in the outcomes of the calls for `held` rows. An asset that is known to be gone was
    /// seen by that; every other that a call was made for is looked at once more.
    pub fn take_outcomes(
        &mut self,
        held: &[AssetRow],
        outcomes: RowOutcomes,
        evidence: &mut PlanEvidence,
    ) {
        for row in held {
            match outcomes.get(&row.id) {
                Some(RowOutcome::Gone(at)) => {
                    let newest = last_look(row, evidence).max(row.newest_known());
                    evidence.add(Observation {
                        asset_id: row.cloudinary_asset_id.clone(),
                        at: stamp(*at, newest),
                        fact: ObservedState::Gone(Some(row.observed_name())),
                    });
                }
                Some(_) => drop(self.unseen.insert(row.cloudinary_asset_id.clone())),
                None => {}
            }
        }
        self.outcomes = Some(outcomes);
        self.called = held.to_vec();
    }

    pub(super) fn find(&self, row: &AssetRow) -> Option<&AssetRow> {
        self.claimed.iter().find(|claimed| claimed.id == row.id)
    }

    /// The outcome of the calls for a row.
    pub(super) fn outcome(&self, row: &AssetRow) -> Option<RowOutcome> {
        let refused = self.refused.get(&row.cloudinary_asset_id).cloned();
        let refused = refused.map(RowOutcome::Failed);
        refused.or_else(|| self.told(row).cloned())
    }

    fn told(&self, row: &AssetRow) -> Option<&RowOutcome> {
        self.outcomes.as_ref()?.get(&row.id)
    }

    fn is_refused(&self, row: &AssetRow) -> bool {
        self.refused.contains_key(&row.cloudinary_asset_id)
    }
}

impl SettlePolicy for ClaimPolicy {
    fn source(&self) -> ObservationSource {
        ObservationSource::Outbound
    }

    fn keeps_clocks(&self) -> ClockKeeping {
        if self.is_over() {
            ClockKeeping::Always
        } else {
            ClockKeeping::Never
        }
    }

    fn add_rows(&self, query: &mut RowQuery) {
        query.ids.extend(self.claimed.iter().map(|row| row.id));
    }

    /// Nothing may end on a look that another observation outweighs.
    fn to_look_at(&mut self, rows: &[AssetRow], evidence: &mut PlanEvidence) -> LookTargets {
        let mut wanted = std::mem::take(&mut self.unseen);
        let released = self.released(rows);
        let is_behind = |row: &&AssetRow| {
            // Whole seconds are all that is certain of a look's moment.
            released.contains(&row.id) && row.clocks.newest() >= last_look(row, evidence)
        };
        let behind = rows.iter().filter(is_behind);
        wanted.extend(behind.map(|row| row.cloudinary_asset_id.clone()));
        named_by(rows, wanted)
    }

    /// The rows say why, and wait for another attempt.
    fn take_failed_look(
        &mut self,
        assets: &[AssetId],
        _rows: &[AssetRow],
        error: CloudinaryError,
    ) -> Result<(), CloudinaryError> {
        let unseen = RowOutcome::Unseen(IntentFailure::of(&error));
        let rows = self.claimed.iter();
        let rows = rows.filter(|row| assets.contains(&row.cloudinary_asset_id));
        let unseen = rows.map(|row| (row.id, unseen.clone()));
        self.outcomes.get_or_insert_default().extend(unseen);
        Ok(())
    }

    fn take_refused(&mut self, asset: &AssetId, reason: &str) {
        self.refused
            .insert(asset.clone(), IntentFailure::unwritable(reason));
    }

    /// Calls follow: a decision that was taken back meanwhile must not be carried out.
    fn reads_after_looks(&self) -> bool {
        true
    }

    /// Those that were looked at after their last call was known to have arrived. The others stay
    /// claimed until no call of ours can arrive any more.
    fn released(&self, rows: &[AssetRow]) -> Vec<Uuid> {
        if !self.is_over() {
            return Vec::new();
        }
        let ours = rows
            .iter()
            .filter(|row| row.intent_claim == Some(self.claim));
        let settled = ours.filter(|row| !is_unsettled(self.told(row)));
        settled.map(|row| row.id).collect()
    }
}

/// Adds failures to a plan, and the values that Cloudinary has kept. `chance`, from 0 to 1, spreads
/// later attempts.
pub fn note_failures(
    settlement: &Settlement<ClaimPolicy>,
    plan: &mut WritePlan,
    now: Timestamp,
    chance: f64,
) {
    let policy = settlement.policy();
    if !policy.is_over() {
        return;
    }
    let ours = settlement.rows().iter();
    let ours = ours.filter(|row| row.intent_claim == Some(policy.claim));
    for row in ours.filter(|row| !settlement.is_unstable(row)) {
        let Some(claimed) = policy.find(row) else {
            continue;
        };
        let at = plan.updates.iter().position(|update| update.id == row.id);
        let mut after = at.map_or_else(|| row.clone(), |at| plan.updates[at].clone());
        if policy.is_refused(row) && !is_unsettled(policy.told(row)) {
            // No look will ever end the claim, and no call of ours is on its way.
            after.release();
        }
        let outcome = policy.outcome(row);
        let mut entries = Vec::new();
        entries.extend(keep_answer(policy, claimed, &mut after, outcome.as_ref()));
        if let Some(failure) = failure_of(claimed, &after, outcome) {
            let (failed, entry) = plan_failure(&after, &failure, now, chance);
            after = failed;
            entries.push(entry);
        }
        if entries.is_empty() {
            continue;
        }
        plan.audit.extend(entries);
        match at {
            Some(at) => plan.updates[at] = after,
            None => plan.updates.push(after),
        }
    }
}

/// Ends the edits that Cloudinary has accepted and does not show. Its value is the answer, which the
/// audit trail tells beside the wished one.
fn keep_answer(
    policy: &ClaimPolicy,
    claimed: &AssetRow,
    after: &mut AssetRow,
    outcome: Option<&RowOutcome>,
) -> Option<AuditEntry> {
    let intent = after
        .intent
        .as_ref()
        .filter(|intent| intent.existence.is_none())?;
    let (actor, decided) = (intent.by, Timestamp::from_micros(intent.at));
    let held = policy.called.iter().find(|held| held.id == after.id)?;
    let is_same_edit = after.intent_revision == claimed.intent_revision
        && held
            .intent
            .as_ref()
            .is_some_and(|intent| intent.existence.is_none());
    if outcome != Some(&RowOutcome::Done) || !is_same_edit || after.is_gone() {
        return None;
    }
    let kept = after.yield_to_answer(held);
    (!kept.is_empty()).then(|| AuditEntry {
        actor,
        since: Some(decided),
        details: Some(json!({"collisions": kept.iter().map(lost).collect::<Vec<_>>()})),
        ..AuditEntry::about(after, "value_kept", ObservationSource::Outbound)
    })
}

fn lost(collision: &WishCollision) -> Value {
    let mut told = json!(collision);
    told["winner"] = json!("cloudinary");
    told
}

/// The rows once the plan is written, but for their revisions. Nothing may be done for a row that
/// was left out: it is known only as it was before the look.
pub fn rows_after(settlement: &Settlement<ClaimPolicy>, plan: &WritePlan) -> Vec<AssetRow> {
    let mut after = plan.over(settlement.rows().to_vec());
    if !settlement.policy().is_over() {
        after.retain(|row| !settlement.is_unstable(row));
    }
    after
}

/// The moment of the last look at a row's asset.
fn last_look(row: &AssetRow, evidence: &PlanEvidence) -> Option<Timestamp> {
    let looks = evidence.observations().iter();
    let looks = looks.filter(|seen| seen.asset_id == row.cloudinary_asset_id);
    looks.map(|seen| seen.at).max()
}

/// The failure of the intent that `claimed` had, if it still stands in `after`.
fn failure_of(
    claimed: &AssetRow,
    after: &AssetRow,
    outcome: Option<RowOutcome>,
) -> Option<IntentFailure> {
    let intent = after.intent.as_ref()?;
    // Something newer was decided meanwhile, and is carried out next.
    if after.intent_revision != claimed.intent_revision {
        return None;
    }
    match outcome {
        Some(RowOutcome::Failed(failure) | RowOutcome::Unseen(failure)) => Some(failure),
        // Unless the asset is back by now, and its edits can be made.
        Some(RowOutcome::Done)
            if claimed.intent.as_ref().map(|claimed| &claimed.existence)
                == Some(&intent.existence) =>
        {
            Some(IntentFailure::ignored())
        }
        _ => None,
    }
}

fn is_unsettled(outcome: Option<&RowOutcome>) -> bool {
    match outcome {
        Some(RowOutcome::Unseen(_)) => true,
        Some(RowOutcome::Failed(failure)) => failure.kind == FailureKind::Unknown,
        _ => false,
    }
}

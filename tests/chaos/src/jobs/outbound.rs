//! Intents to Cloudinary: claim, look, call, look, write.

use std::collections::{BTreeSet, VecDeque};

use media_sync::asset::AssetId;
use media_sync::observation::ObservedState;
use media_sync::row::AssetRow;
use media_sync::sync::operations::{Operation, OperationKind, plan_operations};
use media_sync::sync::outbound::{ClaimPolicy, RowOutcome, RowOutcomes, note_failures, rows_after};
use media_sync::sync::plan::WritePlan;
use media_sync::sync::retry::{FailureKind, IntentFailure};
use media_sync::sync::settle::{PlanEvidence, Settlement};
use media_sync::time::Timestamp;
use uuid::Uuid;

use super::settle::{Settling, settle, write};
use super::{BothSides, CallFate, StepProgress};
use crate::cloud::{LibraryChange, LibraryRefusal};

/// One batch of intents.
#[derive(Clone, Debug)]
pub struct OutboundJob {
    pub(super) wanted: BTreeSet<Uuid>,
    pub(super) claims: BTreeSet<Uuid>,
    claim: Uuid,
    rows: Vec<AssetRow>,
    calls: VecDeque<Operation>,
    outcomes: RowOutcomes,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    Claim,
    Settle(Box<Settlement<ClaimPolicy>>),
    Call(Box<(ClaimPolicy, PlanEvidence)>),
}

impl OutboundJob {
    pub fn new(wanted: BTreeSet<Uuid>) -> Self {
        Self {
            wanted,
            claims: BTreeSet::new(),
            claim: Uuid::nil(),
            rows: Vec::new(),
            calls: VecDeque::new(),
            outcomes: RowOutcomes::new(),
            stage: Stage::Claim,
        }
    }

    pub(super) fn step(&mut self, sides: &mut BothSides, fault: CallFate) -> StepProgress {
        match std::mem::replace(&mut self.stage, Stage::Claim) {
            Stage::Claim => self.claim(sides),
            Stage::Settle(mut settlement) => match settle(&mut settlement, sides, fault) {
                Settling::Planned(plan) => self.write(sides, settlement, *plan),
                Settling::Going => {
                    self.stage = Stage::Settle(settlement);
                    StepProgress::Going
                }
                Settling::Settled | Settling::Failed => StepProgress::Failed,
            },
            Stage::Call(parts) => {
                match self.calls.pop_front() {
                    Some(operation) => {
                        self.call(sides, &parts.1, &operation, fault);
                        self.stage = Stage::Call(parts);
                    }
                    None => self.look_again(*parts),
                }
                StepProgress::Going
            }
        }
    }

    fn claim(&mut self, sides: &mut BothSides) -> StepProgress {
        self.claim = sides.fresh_id();
        let (rows, busy) = sides.database.claim(&self.wanted, self.claim);
        self.claims.insert(self.claim);
        self.outcomes.clear();
        let is_empty = rows.is_empty();
        let policy = ClaimPolicy::new(self.claim, rows.clone());
        let settlement = Settlement::new(policy, PlanEvidence::default()).looking_from(rows);
        self.stage = Stage::Settle(Box::new(settlement));
        match (is_empty, busy.is_empty()) {
            (true, true) => StepProgress::Ended,
            (true, false) => StepProgress::Failed,
            (false, _) => StepProgress::Going,
        }
    }

    fn write(
        &mut self,
        sides: &mut BothSides,
        mut settlement: Box<Settlement<ClaimPolicy>>,
        mut plan: WritePlan,
    ) -> StepProgress {
        let now = Timestamp::from_micros(sides.cloud.now);
        note_failures(&settlement, &mut plan, now, 0.5);
        let after = rows_after(&settlement, &plan);
        match write(&mut settlement, sides, plan) {
            Settling::Settled => self.go_on(sides, *settlement, after),
            Settling::Failed => StepProgress::Failed,
            _ => {
                self.stage = Stage::Settle(settlement);
                StepProgress::Going
            }
        }
    }

    fn go_on(
        &mut self,
        sides: &mut BothSides,
        settlement: Settlement<ClaimPolicy>,
        after: Vec<AssetRow>,
    ) -> StepProgress {
        let (policy, evidence) = settlement.into_parts();
        if !policy.is_over() {
            self.rows = policy.held(after);
            let planned = plan_operations(&self.rows, true);
            let stages = [planned.existence, planned.edits, planned.renames];
            self.calls = stages.into_iter().flatten().collect();
            self.stage = Stage::Call(Box::new((policy, evidence)));
            return StepProgress::Going;
        }
        let now = Timestamp::from_micros(sides.cloud.now);
        let conclusion = policy.conclude(&after, now);
        sides.database.waiting.extend(conclusion.due.keys());
        if conclusion.again.is_empty() {
            return StepProgress::Ended;
        }
        self.wanted = conclusion.again;
        self.stage = Stage::Claim;
        StepProgress::Going
    }

    fn look_again(&mut self, (mut policy, mut evidence): (ClaimPolicy, PlanEvidence)) {
        let outcomes = std::mem::take(&mut self.outcomes);
        let rows = std::mem::take(&mut self.rows);
        policy.take_outcomes(&rows, outcomes, &mut evidence);
        let settlement = Settlement::new(policy, evidence).looking_from(rows);
        self.stage = Stage::Settle(Box::new(settlement));
    }

    fn call(
        &mut self,
        sides: &mut BothSides,
        evidence: &PlanEvidence,
        operation: &Operation,
        fault: CallFate,
    ) {
        let goes_on = |row: &Uuid| matches!(self.outcomes.get(row), None | Some(RowOutcome::Done));
        if !operation.rows.iter().all(goes_on) {
            return;
        }
        let changes = changes(&operation.kind);
        match fault {
            CallFate::Refused => return self.note(operation, &RowOutcome::Failed(passing())),
            CallFate::WithoutQuota if takes_quota(&operation.kind) => {
                return self.note(operation, &RowOutcome::Failed(passing()));
            }
            CallFate::LostBefore => return self.note(operation, &RowOutcome::Failed(unknown())),
            CallFate::Late => {
                let claim = self.claim;
                let late = changes.into_iter().map(|change| (claim, change));
                sides.late.extend(late);
                return self.note(operation, &RowOutcome::Failed(unknown()));
            }
            CallFate::None | CallFate::LostAfter | CallFate::WithoutQuota => {}
        }
        self.note_whom_it_meets(sides, operation);
        self.note_what_it_touches(sides, operation);
        let mut answers = Vec::new();
        for change in &changes {
            if let LibraryChange::Delete(id) = change {
                self.assert_not_unseen(sides, evidence, id);
            }
            answers.push(sides.cloud.apply(change));
        }
        if fault == CallFate::LostAfter {
            return self.note(operation, &RowOutcome::Failed(unknown()));
        }
        let single_delete = matches!(&operation.kind, OperationKind::Delete(ids) if ids.len() == 1);
        if single_delete {
            return self.note(operation, &RowOutcome::Gone(sides.cloud.lower_bound()));
        }
        let each = matches!(operation.kind, OperationKind::Restore(_));
        for (index, row) in operation.rows.iter().enumerate() {
            let answer = answers.get(if each { index } else { 0 });
            let outcome = match answer {
                Some(Err(LibraryRefusal::NotFound))
                    if matches!(operation.kind, OperationKind::Delete(_)) =>
                {
                    RowOutcome::Done
                }
                // Whoever has the name may be about to give it up.
                Some(Err(LibraryRefusal::NameTaken)) if !each => RowOutcome::Failed(passing()),
                Some(Err(refusal)) => RowOutcome::Failed(IntentFailure {
                    code: "refused",
                    message: format!("{refusal:?}"),
                    kind: FailureKind::Final,
                }),
                _ => RowOutcome::Done,
            };
            self.outcomes.insert(*row, outcome);
        }
    }

    /// Content is never destroyed by a decision that was made on older content, if the newer was
    /// there when the worker looked.
    fn assert_not_unseen(&self, sides: &BothSides, evidence: &PlanEvidence, id: &AssetId) {
        let Some(asset) = sides.cloud.assets.get(id).filter(|asset| asset.alive) else {
            return;
        };
        let looked = evidence.observations().iter();
        let looked = looked.rev().find(|seen| seen.asset_id == *id);
        if let Some(ObservedState::Seen(sighting)) = looked.map(|seen| &seen.fact) {
            let version = sighting
                .content
                .as_ref()
                .and_then(|content| content.version);
            let mut planned = self.rows.iter();
            let planned = planned.find(|row| row.cloudinary_asset_id == *id);
            let decided_on = planned.and_then(|row| row.intent.as_ref()?.existence.clone());
            if let Some(media_sync::intent::ExistenceWish::Delete { version: known, .. }) =
                decided_on
            {
                assert!(
                    version <= known || Some(asset.version) <= known,
                    "content was destroyed that nobody had seen: {asset:?}"
                );
            }
        }
    }

    fn note_whom_it_meets(&self, sides: &mut BothSides, operation: &Operation) {
        let names: Vec<&String> = match &operation.kind {
            OperationKind::AddTags(targets, _)
            | OperationKind::RemoveTags(targets, _)
            | OperationKind::MergeContext(targets, _)
            | OperationKind::SetMetadata(targets, _) => targets.public_ids.iter().collect(),
            OperationKind::Rename { from, .. } => vec![&from.public_id],
            _ => Vec::new(),
        };
        for (row, name) in operation.rows.iter().zip(names) {
            let meant = self.rows.iter().find(|held| held.id == *row);
            let met = sides.cloud.find(name).map(|asset| asset.id.clone());
            if met.as_ref() != meant.map(|row| &row.cloudinary_asset_id) {
                sides.met_by_name.extend(met);
            }
        }
    }

    fn note_what_it_touches(&self, sides: &mut BothSides, operation: &Operation) {
        let group = match &operation.kind {
            OperationKind::MergeContext(..) => "context",
            OperationKind::SetMetadata(..) => "metadata",
            _ => return,
        };
        let now = Timestamp::from_micros(sides.cloud.now);
        let rows = self.rows.iter();
        let meant = rows.filter(|row| operation.rows.contains(&row.id));
        let touched = meant.map(|row| ((row.cloudinary_asset_id.clone(), group), now));
        sides.touched.extend(touched);
    }

    fn note(&mut self, operation: &Operation, outcome: &RowOutcome) {
        for row in &operation.rows {
            self.outcomes.insert(*row, outcome.clone());
        }
    }
}

fn changes(kind: &OperationKind) -> Vec<LibraryChange> {
    match kind {
        OperationKind::Delete(ids) => ids.iter().cloned().map(LibraryChange::Delete).collect(),
        OperationKind::Restore(ids) => ids.iter().cloned().map(LibraryChange::Restore).collect(),
        OperationKind::AddTags(targets, tags) => {
            vec![LibraryChange::AddTags(
                targets.public_ids.clone(),
                tags.clone(),
            )]
        }
        OperationKind::RemoveTags(targets, tags) => {
            vec![LibraryChange::RemoveTags(
                targets.public_ids.clone(),
                tags.clone(),
            )]
        }
        OperationKind::MergeContext(targets, pairs) => {
            vec![LibraryChange::MergeContext(
                targets.public_ids.clone(),
                pairs.clone(),
            )]
        }
        OperationKind::SetMetadata(targets, fields) => {
            vec![LibraryChange::SetMetadata(
                targets.public_ids.clone(),
                fields.clone(),
            )]
        }
        OperationKind::Update { asset_id, update } => vec![LibraryChange::Update {
            id: asset_id.clone(),
            folder: update.asset_folder.clone(),
            display_name: update.display_name.clone(),
        }],
        OperationKind::Rename { from, to } => vec![LibraryChange::Rename {
            from: from.public_id.clone(),
            to: to.clone(),
        }],
    }
}

/// Tells whether the Admin API carries it out; the Upload API counts no calls.
fn takes_quota(kind: &OperationKind) -> bool {
    matches!(
        kind,
        OperationKind::Delete(_) | OperationKind::Restore(_) | OperationKind::Update { .. }
    )
}

fn passing() -> IntentFailure {
    IntentFailure {
        code: "passing",
        message: "it may succeed later".to_owned(),
        kind: FailureKind::Passing,
    }
}

fn unknown() -> IntentFailure {
    IntentFailure {
        code: "unknown",
        message: "there was no answer".to_owned(),
        kind: FailureKind::Unknown,
    }
}

//! Intents to Cloudinary: claim, look, call, look, write.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use media_sync::asset::{AssetId, DeliveryName};
use media_sync::observation::{Fact, Observation};
use media_sync::row::AssetRow;
use media_sync::sync::lookup::stamp;
use media_sync::sync::operations::{Operation, OperationKind, plan_operations};
use media_sync::sync::outbound::{Findings, Held, Next, Outcome, Outcomes, newest_known};
use media_sync::sync::retry::{Failure, FailureKind};
use media_sync::sync::store::{RowQuery, WriteSet};
use media_sync::time::Timestamp;
use uuid::Uuid;

use super::{Fault, Progress, Sides};
use crate::cloud::{Change, Refusal};

/// One batch of intents.
#[derive(Clone, Debug)]
pub struct OutboundJob {
    pub(super) wanted: BTreeSet<Uuid>,
    pub(super) claims: BTreeSet<Uuid>,
    held: Held,
    rows: Vec<AssetRow>,
    calls: VecDeque<Operation>,
    outcomes: Outcomes,
    seen: Vec<Observation>,
    names: Vec<DeliveryName>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Claim,
    Look,
    Prepare,
    Call,
    LookAgain,
    Write,
}

impl OutboundJob {
    pub fn new(wanted: BTreeSet<Uuid>) -> Self {
        Self {
            wanted,
            claims: BTreeSet::new(),
            held: Held {
                claim: Uuid::nil(),
                rows: Vec::new(),
            },
            rows: Vec::new(),
            calls: VecDeque::new(),
            outcomes: Outcomes::new(),
            seen: Vec::new(),
            names: Vec::new(),
            stage: Stage::Claim,
        }
    }

    pub(super) fn step(&mut self, sides: &mut Sides, fault: Fault) -> Progress {
        match self.stage {
            Stage::Claim => return self.claim(sides),
            Stage::Look if fault != Fault::None => {
                let failed = |row: &AssetRow| (row.id, Outcome::Unseen(passing()));
                self.outcomes = self.held.rows.iter().map(failed).collect();
                self.stage = Stage::Write;
            }
            Stage::Look => {
                self.seen = look(sides, &self.held.rows, &[]);
                self.stage = Stage::Prepare;
            }
            Stage::Prepare => self.prepare(sides),
            Stage::Call => match self.calls.pop_front() {
                Some(operation) => self.call(sides, &operation, fault),
                None => self.stage = Stage::LookAgain,
            },
            Stage::LookAgain => self.look_again(sides, fault),
            Stage::Write => return self.write(sides),
        }
        Progress::Going
    }

    fn claim(&mut self, sides: &mut Sides) -> Progress {
        let claim = sides.fresh_id();
        let (rows, busy) = sides.database.claim(&self.wanted, claim);
        self.claims.insert(claim);
        self.held = Held { claim, rows };
        self.outcomes.clear();
        self.stage = Stage::Look;
        match (self.held.rows.is_empty(), busy.is_empty()) {
            (true, true) => Progress::Ended,
            (true, false) => Progress::Failed,
            (false, _) => Progress::Going,
        }
    }

    fn prepare(&mut self, sides: &mut Sides) {
        let Some(rows) = self.try_write(sides, false) else {
            return;
        };
        let ours = |row: &AssetRow| row.intent_claim == Some(self.held.claim);
        self.rows = rows.into_iter().filter(ours).collect();
        let planned = plan_operations(&self.rows, true);
        let stages = [planned.existence, planned.edits, planned.renames];
        self.calls = stages.into_iter().flatten().collect();
        self.stage = Stage::Call;
    }

    fn call(&mut self, sides: &mut Sides, operation: &Operation, fault: Fault) {
        let goes_on = |row: &Uuid| matches!(self.outcomes.get(row), None | Some(Outcome::Done));
        if !operation.rows.iter().all(goes_on) {
            return;
        }
        let changes = changes(&operation.kind);
        match fault {
            Fault::Refused => return self.note(operation, &Outcome::Failed(passing())),
            Fault::LostBefore => return self.note(operation, &Outcome::Failed(unknown())),
            Fault::Late => {
                let claim = self.held.claim;
                let late = changes.into_iter().map(|change| (claim, change));
                sides.late.extend(late);
                return self.note(operation, &Outcome::Failed(unknown()));
            }
            Fault::None | Fault::LostAfter => {}
        }
        self.note_whom_it_meets(sides, operation);
        self.note_what_it_touches(sides, operation);
        let mut answers = Vec::new();
        for change in &changes {
            if let Change::Delete(id) = change {
                self.assert_not_unseen(sides, id);
            }
            answers.push(sides.cloud.apply(change));
        }
        if fault == Fault::LostAfter {
            return self.note(operation, &Outcome::Failed(unknown()));
        }
        let single_delete = matches!(&operation.kind, OperationKind::Delete(ids) if ids.len() == 1);
        if single_delete {
            return self.note(operation, &Outcome::Gone(sides.cloud.lower_bound()));
        }
        let each = matches!(operation.kind, OperationKind::Restore(_));
        for (index, row) in operation.rows.iter().enumerate() {
            let answer = answers.get(if each { index } else { 0 });
            let outcome = match answer {
                Some(Err(Refusal::NotFound))
                    if matches!(operation.kind, OperationKind::Delete(_)) =>
                {
                    Outcome::Done
                }
                // Whoever has the name may be about to give it up.
                Some(Err(Refusal::NameTaken)) if !each => Outcome::Failed(passing()),
                Some(Err(refusal)) => Outcome::Failed(Failure {
                    code: "refused",
                    message: format!("{refusal:?}"),
                    kind: FailureKind::Final,
                }),
                _ => Outcome::Done,
            };
            self.outcomes.insert(*row, outcome);
        }
    }

    /// Content is never destroyed by a decision that was made on older content, if the newer was
    /// there when the worker looked.
    fn assert_not_unseen(&self, sides: &Sides, id: &AssetId) {
        let Some(asset) = sides.cloud.assets.get(id).filter(|asset| asset.alive) else {
            return;
        };
        let looked = self.seen.iter().find(|seen| seen.asset_id == *id);
        if let Some(Fact::Seen(sighting)) = looked.map(|seen| &seen.fact) {
            let version = sighting.content.as_ref().map(|content| content.version);
            let mut planned = self.rows.iter();
            let planned = planned.find(|row| row.cloudinary_asset_id == *id);
            let decided_on = planned.and_then(|row| row.intent.as_ref()?.existence.clone());
            if let Some(media_sync::intent::Existence::Delete { version: known, .. }) = decided_on {
                assert!(
                    version <= known || Some(asset.version) <= known,
                    "content was destroyed that nobody had seen: {asset:?}"
                );
            }
        }
    }

    fn note_whom_it_meets(&self, sides: &mut Sides, operation: &Operation) {
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

    fn note_what_it_touches(&self, sides: &mut Sides, operation: &Operation) {
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

    fn note(&mut self, operation: &Operation, outcome: &Outcome) {
        for row in &operation.rows {
            self.outcomes.insert(*row, outcome.clone());
        }
    }

    fn look_again(&mut self, sides: &Sides, fault: Fault) {
        let mut unsure = Vec::new();
        for row in &self.rows {
            match self.outcomes.get(&row.id) {
                Some(Outcome::Gone(at)) => {
                    let newest = newest_known([row], &self.seen);
                    self.seen.push(Observation {
                        asset_id: row.cloudinary_asset_id.clone(),
                        at: stamp(*at, newest),
                        fact: Fact::Gone(Some(row.observed_name())),
                    });
                }
                Some(_) => unsure.push(row.clone()),
                None => {}
            }
        }
        if fault == Fault::None {
            let looked = look(sides, &unsure, &self.seen);
            self.seen.extend(looked);
        } else {
            let unseen = |row: AssetRow| (row.id, Outcome::Unseen(passing()));
            self.outcomes.extend(unsure.into_iter().map(unseen));
        }
        self.stage = Stage::Write;
    }

    fn write(&mut self, sides: &mut Sides) -> Progress {
        let Some(after) = self.try_write(sides, true) else {
            return Progress::Going;
        };
        let now = Timestamp::from_micros(sides.cloud.now);
        let conclusion = self.held.conclude(&after, &self.outcomes, now);
        sides.database.waiting.extend(conclusion.due.keys());
        if conclusion.again.is_empty() {
            return Progress::Ended;
        }
        self.seen.clear();
        self.wanted = conclusion.again;
        self.stage = Stage::Claim;
        Progress::Going
    }

    /// The rows as they were written; `None` when they have changed meanwhile.
    fn try_write(&mut self, sides: &mut Sides, is_over: bool) -> Option<Vec<AssetRow>> {
        let seen_names = self.seen.iter().filter_map(Observation::seen_name);
        self.names.extend(seen_names.cloned());
        let query = RowQuery {
            ids: self.held.rows.iter().map(|row| row.id).collect(),
            asset_ids: self.seen.iter().map(|seen| seen.asset_id.clone()).collect(),
            names: self.names.clone(),
        };
        let rows = sides.database.fetch(&query);
        let found = Findings {
            rows: &rows,
            names: &self.names,
            seen: &self.seen,
            outcomes: is_over.then_some(&self.outcomes),
        };
        let now = Timestamp::from_micros(sides.cloud.now);
        let plan = match self.held.plan(found, now, 0.5, || sides.fresh_id()) {
            Next::Read(more) => {
                self.names.extend(more);
                return None;
            }
            Next::Look(assets) => {
                let wanted = |row: &&AssetRow| assets.contains(&row.cloudinary_asset_id);
                let wanted: Vec<AssetRow> = rows.iter().filter(wanted).cloned().collect();
                let looked = look(sides, &wanted, &self.seen);
                self.seen.extend(looked);
                return None;
            }
            Next::Write(plan) => *plan,
        };
        let after = plan.over(rows);
        let change = WriteSet::of_plan(plan);
        let nothing = change.inserts.is_empty() && change.updates.is_empty();
        (nothing || sides.database.apply(&change).is_ok()).then_some(after)
    }
}

fn look(sides: &Sides, rows: &[AssetRow], seen: &[Observation]) -> Vec<Observation> {
    let newest = newest_known(rows, seen);
    let wanted: BTreeMap<AssetId, Option<DeliveryName>> = rows
        .iter()
        .map(|row| (row.cloudinary_asset_id.clone(), Some(row.observed_name())))
        .collect();
    let at = stamp(sides.cloud.lower_bound(), newest);
    sides.cloud.look(&wanted, at)
}

fn changes(kind: &OperationKind) -> Vec<Change> {
    match kind {
        OperationKind::Delete(ids) => ids.iter().cloned().map(Change::Delete).collect(),
        OperationKind::Restore(ids) => ids.iter().cloned().map(Change::Restore).collect(),
        OperationKind::AddTags(targets, tags) => {
            vec![Change::AddTags(targets.public_ids.clone(), tags.clone())]
        }
        OperationKind::RemoveTags(targets, tags) => {
            vec![Change::RemoveTags(targets.public_ids.clone(), tags.clone())]
        }
        OperationKind::MergeContext(targets, pairs) => {
            vec![Change::MergeContext(
                targets.public_ids.clone(),
                pairs.clone(),
            )]
        }
        OperationKind::SetMetadata(targets, fields) => {
            vec![Change::SetMetadata(
                targets.public_ids.clone(),
                fields.clone(),
            )]
        }
        OperationKind::Update {
            asset_id,
            folder,
            display_name,
        } => vec![Change::Update {
            id: asset_id.clone(),
            folder: folder.clone(),
            display_name: display_name.clone(),
        }],
        OperationKind::Rename { from, to } => vec![Change::Rename {
            from: from.public_id.clone(),
            to: to.clone(),
        }],
    }
}

fn passing() -> Failure {
    Failure {
        code: "passing",
        message: "it may succeed later".to_owned(),
        kind: FailureKind::Passing,
    }
}

fn unknown() -> Failure {
    Failure {
        code: "unknown",
        message: "there was no answer".to_owned(),
        kind: FailureKind::Unknown,
    }
}

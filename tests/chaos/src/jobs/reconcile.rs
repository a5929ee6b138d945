//! Full runs of reconciliation: list, compare, confirm suspects, finish.

use std::collections::BTreeMap;

use media_sync::asset::AssetId;
use media_sync::row::AssetRow;
use media_sync::sync::lookup::stamp;
use media_sync::sync::plan::WritePlan;
use media_sync::sync::settle::{ListingPolicy, PlanEvidence, Settlement};

use super::settle::{Settling, settle, write};
use super::{BothSides, CallFate, StepProgress};
use crate::database::{RunStage, SimulatedRun};

/// Small, so that few assets make many pages.
const PAGE: usize = 2;

/// One slice of a run.
#[derive(Clone, Debug)]
pub struct ReconcileJob {
    lease: u64,
    page: Option<Page>,
}

#[derive(Clone, Debug)]
struct Page {
    settlement: Box<Settlement<ListingPolicy>>,
    next: RunStage,
    step: u64,
}

impl ReconcileJob {
    pub fn new(lease: u64) -> Self {
        Self { lease, page: None }
    }

    pub fn lease(&self) -> u64 {
        self.lease
    }

    pub(super) fn step(&mut self, sides: &mut BothSides, fault: CallFate) -> StepProgress {
        let run = sides.database.run.get_or_insert_with(SimulatedRun::default);
        match run.lease {
            None => {
                run.lease = Some(self.lease);
                return StepProgress::Going;
            }
            Some(lease) if lease != self.lease => return StepProgress::Ended,
            Some(_) => {}
        }
        match self.page.take() {
            Some(mut page) => match settle(&mut page.settlement, sides, fault) {
                Settling::Going => {
                    self.page = Some(page);
                    StepProgress::Going
                }
                Settling::Planned(plan) => self.write(sides, page, *plan),
                Settling::Settled | Settling::Failed => give_up(sides),
            },
            None if fault != CallFate::None => give_up(sides),
            None => self.read(sides),
        }
    }

    fn read(&mut self, sides: &mut BothSides) -> StepProgress {
        let Some(run) = sides.database.run.clone() else {
            return StepProgress::Ended;
        };
        let read_at = sides.cloud.lower_bound();
        let listed = |after: Option<&AssetId>| {
            let (observations, next) = sides.cloud.list(after, PAGE);
            (
                PlanEvidence::new(observations, 1),
                next.map_or(RunStage::Suspects(None), RunStage::Listing),
            )
        };
        let (evidence, next) = match &run.stage {
            RunStage::Begin => listed(None),
            RunStage::Listing(after) => listed(Some(after)),
            RunStage::Suspects(after) => {
                let suspects = sides.database.suspects(&run).into_iter();
                let rest = suspects.filter(|id| after.as_ref().is_none_or(|after| id > after));
                let some: Vec<&AssetRow> = rest
                    .take(PAGE)
                    .filter_map(|id| sides.database.by_asset(&id))
                    .collect();
                let rows = some.iter();
                let newest = rows.clone().filter_map(|row| row.clocks.newest()).max();
                let known = rows.map(|row| (row.cloudinary_asset_id.clone(), row.clocks));
                let known: BTreeMap<_, _> = known.collect();
                let wanted = known.keys().map(|id| (id.clone(), None)).collect();
                let next = known.keys().next_back().cloned();
                let looks = sides.cloud.look(&wanted, stamp(read_at, newest));
                (
                    PlanEvidence::new(looks, 1).knowing(known),
                    next.map_or(RunStage::Done, |last| RunStage::Suspects(Some(last))),
                )
            }
            RunStage::Done => return finish(sides, &run),
        };
        if let Some(run) = &mut sides.database.run {
            run.started.get_or_insert(sides.cloud.upper_bound());
        }
        self.page = Some(Page {
            settlement: Box::new(Settlement::new(ListingPolicy::page(None), evidence)),
            next,
            step: run.step,
        });
        StepProgress::Going
    }

    fn write(&mut self, sides: &mut BothSides, mut page: Page, plan: WritePlan) -> StepProgress {
        let leads = |run: &SimulatedRun| run.lease == Some(self.lease) && run.step == page.step;
        if !sides.database.run.as_ref().is_some_and(leads) {
            return StepProgress::Ended;
        }
        match write(&mut page.settlement, sides, plan) {
            Settling::Settled => {}
            Settling::Failed => return give_up(sides),
            _ => {
                self.page = Some(page);
                return StepProgress::Going;
            }
        }
        if let Some(run) = &mut sides.database.run {
            run.step += 1;
            run.stage = page.next;
            let alive = page.settlement.evidence().alive();
            run.listed.extend(alive.iter().cloned());
        }
        StepProgress::Going
    }
}

/// The run rests until somebody else leads it.
fn give_up(sides: &mut BothSides) -> StepProgress {
    if let Some(run) = &mut sides.database.run {
        run.lease = None;
    }
    StepProgress::Ended
}

/// `media_sync_finish_run`
fn finish(sides: &mut BothSides, run: &SimulatedRun) -> StepProgress {
    if sides.database.suspects(run).is_empty() {
        sides.database.good_runs += 1;
    }
    sides.database.run = None;
    StepProgress::Ended
}

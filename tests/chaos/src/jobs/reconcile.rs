//! Full runs of reconciliation: list, compare, confirm suspects, finish.

use std::collections::BTreeMap;

use media_sync::asset::{AssetId, DeliveryName};
use media_sync::observation::{Fact, Observation};
use media_sync::sync::lookup::stamp;
use media_sync::sync::plan::{PlanContext, Source, plan_observations};
use media_sync::sync::store::{RowQuery, WriteSet};

use super::{Fault, Progress, Sides};
use crate::database::{Run, Stage};

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
    observations: Vec<Observation>,
    next: Stage,
    step: u64,
    are_suspects: bool,
    names: Vec<DeliveryName>,
}

impl ReconcileJob {
    pub fn new(lease: u64) -> Self {
        Self { lease, page: None }
    }

    pub fn lease(&self) -> u64 {
        self.lease
    }

    pub(super) fn step(&mut self, sides: &mut Sides, fault: Fault) -> Progress {
        let run = sides.database.run.get_or_insert_with(Run::default);
        match run.lease {
            None => {
                run.lease = Some(self.lease);
                return Progress::Going;
            }
            Some(lease) if lease != self.lease => return Progress::Ended,
            Some(_) => {}
        }
        match self.page.take() {
            Some(page) => self.write(sides, page),
            None if fault != Fault::None => {
                run.lease = None;
                Progress::Ended
            }
            None => self.read(sides),
        }
    }

    fn read(&mut self, sides: &mut Sides) -> Progress {
        let Some(run) = sides.database.run.clone() else {
            return Progress::Ended;
        };
        let read_at = sides.cloud.lower_bound();
        let listed = |after: Option<&AssetId>| {
            let (observations, next) = sides.cloud.list(after, PAGE);
            (
                observations,
                next.map_or(Stage::Suspects(None), Stage::Listing),
            )
        };
        let (observations, next) = match &run.stage {
            Stage::Begin => listed(None),
            Stage::Listing(after) => listed(Some(after)),
            Stage::Suspects(after) => {
                let suspects = sides.database.suspects(&run).into_iter();
                let rest = suspects.filter(|id| after.as_ref().is_none_or(|after| id > after));
                let some: BTreeMap<_, _> = rest.take(PAGE).map(|id| (id, None)).collect();
                let next = some.keys().next_back().cloned();
                let at = stamp(read_at, run.started);
                let seen = sides.cloud.look(&some, at);
                (
                    seen,
                    next.map_or(Stage::Done, |last| Stage::Suspects(Some(last))),
                )
            }
            Stage::Done => return finish(sides, &run),
        };
        if let Some(run) = &mut sides.database.run {
            run.started.get_or_insert(read_at);
        }
        self.page = Some(Page {
            observations,
            next,
            step: run.step,
            are_suspects: matches!(run.stage, Stage::Suspects(_)),
            names: Vec::new(),
        });
        Progress::Going
    }

    fn write(&mut self, sides: &mut Sides, mut page: Page) -> Progress {
        let seen = &page.observations;
        let seen_names = seen.iter().filter_map(Observation::seen_name);
        page.names.extend(seen_names.cloned());
        let query = RowQuery {
            ids: Vec::new(),
            asset_ids: seen.iter().map(|seen| seen.asset_id.clone()).collect(),
            names: page.names.clone(),
        };
        let rows = sides.database.fetch(&query);
        let context = PlanContext {
            source: Source::Reconcile,
            run_id: None,
            keep_clocks: page.are_suspects,
            release: &[],
        };
        let plan = plan_observations(&rows, seen, context, || sides.fresh_id());
        let unread = plan.unread_names(&page.names);
        if !unread.is_empty() {
            page.names.extend(unread);
            self.page = Some(page);
            return Progress::Going;
        }
        if !plan.displaced.is_empty() {
            let newest = rows.iter().filter_map(|row| row.clocks.newest()).max();
            let wanted = plan.displaced.into_iter().map(|id| (id, None)).collect();
            let at = stamp(sides.cloud.lower_bound(), newest);
            page.observations.extend(sides.cloud.look(&wanted, at));
            self.page = Some(page);
            return Progress::Going;
        }
        let leads = |run: &Run| run.lease == Some(self.lease) && run.step == page.step;
        if !sides.database.run.as_ref().is_some_and(leads) {
            return Progress::Ended;
        }
        if sides.database.apply(&WriteSet::of_plan(plan)).is_err() {
            self.page = Some(page);
            return Progress::Going;
        }
        if let Some(run) = &mut sides.database.run {
            run.step += 1;
            run.stage = page.next;
            if !page.are_suspects {
                let alive = page.observations.into_iter();
                let alive = alive.filter(|seen| matches!(seen.fact, Fact::Seen(_)));
                run.listed.extend(alive.map(|seen| seen.asset_id));
            }
        }
        Progress::Going
    }
}

/// `media_sync_finish_run`
fn finish(sides: &mut Sides, run: &Run) -> Progress {
    if sides.database.suspects(run).is_empty() {
        sides.database.good_runs += 1;
    }
    sides.database.run = None;
    Progress::Ended
}

//! Full runs of reconciliation: list, compare, confirm suspects, finish.

use std::collections::BTreeMap;

use media_sync::asset::{AssetId, DeliveryName};
use media_sync::row::AssetRow;
use media_sync::sync::lookup::stamp;
use media_sync::sync::plan::{KeepClocks, PlanContext, Source};
use media_sync::sync::reconcile::{Next, Seen};
use media_sync::sync::store::{ATTEMPTS, WriteSet};
use media_sync::time::Timestamp;

use super::{Fault, Progress, Sides};
use crate::database::{Run, Stage};

/// Small, so that few assets make many pages.
const PAGE: usize = 2;

type Wanted = BTreeMap<AssetId, Option<DeliveryName>>;

/// One slice of a run.
#[derive(Clone, Debug)]
pub struct ReconcileJob {
    lease: u64,
    page: Option<Page>,
}

#[derive(Clone, Debug)]
struct Page {
    seen: Seen,
    /// Assets to be looked at, after a moment, and the rows as they were read before.
    wanted: Option<(Wanted, Option<Timestamp>, Vec<AssetRow>)>,
    attempts: usize,
    next: Stage,
    step: u64,
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
            Some(mut page) if page.wanted.is_some() => {
                page.look(sides);
                self.page = Some(page);
                Progress::Going
            }
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
                Seen::new(observations, 1),
                next.map_or(Stage::Suspects(None), Stage::Listing),
            )
        };
        let (seen, next) = match &run.stage {
            Stage::Begin => listed(None),
            Stage::Listing(after) => listed(Some(after)),
            Stage::Suspects(after) => {
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
                    Seen::new(looks, 1).knowing(known),
                    next.map_or(Stage::Done, |last| Stage::Suspects(Some(last))),
                )
            }
            Stage::Done => return finish(sides, &run),
        };
        if let Some(run) = &mut sides.database.run {
            run.started.get_or_insert(sides.cloud.upper_bound());
        }
        self.page = Some(Page {
            seen,
            wanted: None,
            attempts: 0,
            next,
            step: run.step,
        });
        Progress::Going
    }

    fn write(&mut self, sides: &mut Sides, mut page: Page) -> Progress {
        page.attempts += 1;
        if page.attempts > ATTEMPTS
            && let Some(run) = &mut sides.database.run
        {
            run.lease = None;
            return Progress::Ended;
        }
        let rows = sides.database.fetch(&page.seen.rows_concerned());
        let context = PlanContext {
            source: Source::Reconcile,
            run_id: None,
            keep_clocks: KeepClocks::Never,
            release: &[],
        };
        let plan = match page.seen.plan(&rows, context, || sides.fresh_id()) {
            Next::Read => {
                self.page = Some(page);
                return Progress::Going;
            }
            Next::Look { wanted, after } => {
                page.wanted = Some((wanted.into_iter().collect(), after, rows));
                self.page = Some(page);
                return Progress::Going;
            }
            Next::Write(plan) => *plan,
        };
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
            run.listed.extend(page.seen.alive().iter().cloned());
        }
        Progress::Going
    }
}

impl Page {
    fn look(&mut self, sides: &Sides) {
        if let Some((wanted, after, rows)) = self.wanted.take() {
            let at = stamp(sides.cloud.lower_bound(), after);
            self.seen.take_looks(sides.cloud.look(&wanted, at), &rows);
        }
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

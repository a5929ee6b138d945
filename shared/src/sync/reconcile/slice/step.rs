//! One step of a slice: a page's difference and the checkpoint behind it, in one transaction.

use std::time::{Duration, Instant};

use super::Slice;
use super::ending::lost;
use crate::sync::lookup::MAX_ASSET_IDS;
use crate::sync::plan::{ChangeTally, WritePlan};
use crate::sync::reconcile::drift::DriftReport;
use crate::sync::reconcile::error::ReconcileError;
use crate::sync::reconcile::page::Page;
use crate::sync::reconcile::predict::{self, Progress};
use crate::sync::reconcile::stage::{RunCounters, Stage, State, to_value};
use crate::sync::settle::{
    ListingPolicy, PlanEvidence, Settlement, SettlementDriver, WriteOutcome,
};
use crate::sync::store::{RunCheckpoint, RunMode, WriteSet};
use crate::telemetry;
use crate::time::Timestamp;

impl Slice<'_> {
    /// Writes a page's difference together with the checkpoint behind it: two calls, unless the
    /// rows change meanwhile. Nobody may hold a run up. Rows that keep changing are left out in the
    /// end, since the worker that changes them looks at their assets too. So are assets with values
    /// that no row can hold.
    pub(super) async fn write(&mut self, mut page: Page) -> Result<(), ReconcileError> {
        self.run.floor_clock.get_or_insert(page.read_at.0.micros());
        self.run
            .started_clock
            .get_or_insert(page.read_at.1.micros());
        let policy = ListingPolicy::page(Some(self.run.id));
        let evidence = std::mem::take(&mut page.evidence);
        let mut settlement = Settlement::new(policy, evidence).without(self.refusals.assets());
        let driver = SettlementDriver {
            clients: self.clients,
            quota: self.quota,
        };
        while let Some(plan) = driver.next_plan(&mut settlement).await? {
            let written = self.write_plan(&page, &settlement, plan).await?;
            settlement.take_written(written)?;
        }
        Ok(())
    }

    async fn write_plan(
        &mut self,
        page: &Page,
        settlement: &Settlement<ListingPolicy>,
        plan: WritePlan,
    ) -> Result<WriteOutcome, ReconcileError> {
        self.refusals.take(settlement.refused())?;
        let drift = self
            .options
            .dry_run
            .then(|| self.find_drift(page, settlement));
        let tally = drift.as_ref().map_or(plan.tally, DriftReport::tally);
        let counters = self.count(
            page,
            settlement.evidence(),
            tally.after(settlement.written_in_parts()),
        );
        let state = State {
            stage: page.next.clone(),
            drift_before: drift
                .as_ref()
                .map(|found| self.drift_to_go_back_to(page, found)),
            refusals: self.refusals.clone(),
            page_size: self.smaller_page(),
        };
        let checkpoint = RunCheckpoint {
            asset_ids: settlement.evidence().alive().to_vec(),
            drift: drift.as_ref().map(to_value),
            quota: self.clients.cloudinary.newest_quota(),
            ..self.checkpoint(&state, &counters)
        };
        // A dry run writes how far it has come, and nothing else.
        let plan = match drift {
            Some(_) => WritePlan::default(),
            None => plan,
        };
        let change = self.timed_change(plan, checkpoint);
        match WriteOutcome::of(self.clients.store.apply(&change).await).map_err(lost)? {
            WriteOutcome::Applied => {}
            WriteOutcome::ValuesRefused(error) if drift.is_some() => return Err(error.into()),
            WriteOutcome::ValuesRefused(error) => {
                // What was left out so far is kept, and the lease as well.
                self.checkpoint_now().await?;
                return Ok(WriteOutcome::ValuesRefused(error));
            }
            WriteOutcome::Changed => return Ok(WriteOutcome::Changed),
        }
        self.run.step += 1;
        self.run.counters = to_value(&counters);
        self.counters = counters;
        self.stage = state.stage;
        self.drift = drift.unwrap_or_default();
        self.drift_before = state.drift_before.unwrap_or_default();
        self.step_began = Instant::now();
        Ok(WriteOutcome::Applied)
    }

    fn checkpoint(&self, state: &State, counters: &RunCounters) -> RunCheckpoint {
        RunCheckpoint {
            ends_in_seconds: self.time_left(&state.stage, counters),
            ..RunCheckpoint::after(&self.run, to_value(state), to_value(counters))
        }
    }

    /// A plan and its checkpoint, with the time that the step has taken.
    fn timed_change(&self, plan: WritePlan, checkpoint: RunCheckpoint) -> WriteSet {
        let now = Timestamp::now();
        let worked = i64::try_from(self.step_began.elapsed().as_micros()).unwrap_or(i64::MAX);
        let change = WriteSet {
            checkpoint: Some(checkpoint),
            ..WriteSet::of_plan(plan)
        };
        change.timed(Some(now.offset(worked.saturating_neg())), now)
    }

    /// Writes down where the run stands, and renews its lease, before something that takes longer.
    async fn checkpoint_now(&mut self) -> Result<(), ReconcileError> {
        let state = State {
            stage: self.stage.clone(),
            drift_before: self.options.dry_run.then(|| self.drift_before.clone()),
            refusals: self.refusals.clone(),
            page_size: self.smaller_page(),
        };
        let change = WriteSet {
            checkpoint: Some(self.checkpoint(&state, &self.counters)),
            ..WriteSet::default()
        };
        self.clients.store.apply(&change).await.map_err(lost)?;
        self.run.step += 1;
        Ok(())
    }

    /// Halves the page after one that was too much for the database at once. The run remembers it,
    /// so that nobody asks for the same again.
    pub(super) async fn shrink(&mut self, error: &ReconcileError) -> Result<(), ReconcileError> {
        let present = match self.stage {
            Stage::Suspects { .. } => self.suspects_at_once(),
            _ => usize::from(self.options.batch_size),
        };
        self.options.batch_size = u16::try_from(present / 2).unwrap_or(u16::MAX).max(1);
        tracing::warn!(
            run_id = %self.run.id,
            page_size = self.options.batch_size,
            error = telemetry::chain(error),
            "a page was too large for the database"
        );
        self.checkpoint_now().await
    }

    /// The size of a page, where it is not the one that was asked for.
    fn smaller_page(&self) -> Option<u16> {
        let present = self.options.batch_size;
        (present != self.asked_page).then_some(present)
    }

    /// One look names so many, or fewer where pages have become smaller than that.
    pub(super) fn suspects_at_once(&self) -> usize {
        let smaller = self.smaller_page().map_or(MAX_ASSET_IDS, usize::from);
        smaller.min(MAX_ASSET_IDS)
    }

    /// The counters behind this page. A dry run's tally is that of all it has found.
    fn count(&self, page: &Page, evidence: &PlanEvidence, tally: ChangeTally) -> RunCounters {
        let mut counters = self.counters;
        if page.suspects == 0 {
            counters.listed += evidence.alive().len() as u64;
            counters.pages += u64::from(evidence.calls() > 0);
        }
        counters.suspects += page.suspects;
        counters.cloudinary_calls += evidence.calls();
        let worked = self.step_began.elapsed().as_millis();
        counters.worked_ms += u64::try_from(worked).unwrap_or(u64::MAX);
        if self.options.dry_run {
            counters.tally = tally;
        } else {
            counters.tally.add(tally);
        }
        counters
    }

    fn find_drift(&self, page: &Page, settlement: &Settlement<ListingPolicy>) -> DriftReport {
        let mut found = if page.restarted {
            self.drift_before.clone()
        } else {
            self.drift.clone()
        };
        found.take(settlement.rows(), settlement.evidence().read());
        found
    }

    /// A listing that is complete is never begun again.
    fn drift_to_go_back_to(&self, page: &Page, found: &DriftReport) -> DriftReport {
        if page.next.continues(&self.stage) {
            self.drift_before.clone()
        } else {
            found.clone()
        }
    }

    /// Seconds until a full run ends when `next` follows, as far as can be told.
    fn time_left(&self, next: &Stage, counters: &RunCounters) -> Option<f64> {
        if self.run.mode != RunMode::Full {
            return None;
        }
        let page_size = match next {
            Stage::Suspects { .. } => self.suspects_at_once(),
            _ => usize::from(self.options.batch_size),
        };
        let progress = Progress {
            live: self.live,
            done: counters.listed + counters.suspects,
            pages: counters.pages + counters.suspects.div_ceil(MAX_ASSET_IDS as u64),
            page_size: page_size as u64,
            worked: Duration::from_millis(counters.worked_ms),
        };
        let cloudinary = &self.clients.cloudinary;
        let quota = cloudinary.newest_quota();
        let wanted = self.options.quota_reserve;
        predict::time_left(progress, quota.as_ref(), wanted, cloudinary.cloud_now())
            .map(|left| left.as_secs_f64())
    }
}

//! One invocation's work on a run: read, compare, write, step by step.

use std::time::{Duration, Instant};

use futures::future::OptionFuture;
use serde::Deserialize;
use serde_json::Value;

use super::drift::DriftReport;
use super::error::{ReconcileError, VALUES_REFUSED};
use super::mass_delete;
use super::options::RunOptions;
use super::outcome::SliceOutcome;
use super::page::{Page, PageReader};
use super::predict::{self, Progress};
use super::refusals::Refusals;
use super::stage::{RunCounters, Stage, State, to_value};
use super::suspects::read_suspects;
use crate::supabase::SupabaseError;
use crate::sync::clients::SyncClients;
use crate::sync::lookup::MAX_ASSET_IDS;
use crate::sync::plan::{ChangeTally, WritePlan};
use crate::sync::quota_guard::QuotaGuard;
use crate::sync::settle::{
    ListingPolicy, PlanEvidence, Settlement, SettlementDriver, WriteOutcome,
};
use crate::sync::store::{
    LeadingRun, RunCheckpoint, RunMode, RunRest, RunRow, RunStatus, WriteSet, is_lease_lost,
};
use crate::telemetry;
use crate::time::Timestamp;

/// A step is not begun unless this much time is left for it.
const TIME_FOR_A_STEP: Duration = Duration::from_secs(8);

/// The overlap of an incremental run with the last good run: the search index lags behind writes by
/// seconds, and clocks are not perfect.
const OVERLAP: Duration = Duration::from_secs(300);

/// One invocation's work on a run.
pub(super) struct Slice<'a> {
    clients: &'a SyncClients,
    run: RunRow,
    stage: Stage,
    counters: RunCounters,
    options: RunOptions,
    quota: QuotaGuard,
    refusals: Refusals,
    /// The findings of a dry run, and those when the present listing began.
    drift: DriftReport,
    drift_before: DriftReport,
    /// Live rows when the slice began.
    live: u64,
    step_began: Instant,
}

impl<'a> Slice<'a> {
    pub(super) fn begin(clients: &'a SyncClients, led: LeadingRun) -> Result<Self, ReconcileError> {
        let run = led.run;
        let state = match &run.checkpoint {
            Value::Object(state) if state.is_empty() => State::of(Stage::first(run.mode)),
            state => State::deserialize(state).map_err(ReconcileError::Checkpoint)?,
        };
        let drift = match &run.drift {
            Some(drift) => DriftReport::deserialize(drift).map_err(ReconcileError::Checkpoint)?,
            None => DriftReport::default(),
        };
        let options = RunOptions::deserialize(&run.options).map_err(ReconcileError::Checkpoint)?;
        Ok(Self {
            clients,
            stage: state.stage,
            refusals: state.refusals,
            drift,
            drift_before: state.drift_before.unwrap_or_default(),
            counters: RunCounters::deserialize(&run.counters)
                .map_err(ReconcileError::Checkpoint)?,
            quota: QuotaGuard::KeepReserve {
                wanted: options.quota_reserve,
            },
            options,
            run,
            live: led.live,
            step_began: Instant::now(),
        })
    }

    pub(super) fn run(&self) -> &RunRow {
        &self.run
    }

    /// Reads one page ahead: while a page is written, the next one is on its way.
    pub(super) async fn walk(&mut self, deadline: Instant) -> Result<SliceOutcome, ReconcileError> {
        let mut ahead: Option<Page> = None;
        loop {
            if self.stage == Stage::Done {
                return self.end().await;
            }
            if deadline.saturating_duration_since(Instant::now()) < TIME_FOR_A_STEP {
                return self.pause().await;
            }
            if let Some((code, reason)) = self.reason_to_stop().await? {
                return self.finish(RunStatus::Stopped, Some((code, &reason))).await;
            }
            let page = match ahead.take() {
                Some(page) => page,
                None => self.read(&self.stage.clone()).await?,
            };
            let next = page.next.clone();
            // Suspects are known only when the listing is complete in the database.
            let reads_ahead = matches!(next, Stage::Listing { .. } | Stage::Changes { .. });
            let reader = self.reader();
            let reading: OptionFuture<_> = reads_ahead.then(|| reader.read(&next)).into();
            let (written, read) = futures::join!(self.write(page), reading);
            written?;
            ahead = read.transpose()?;
        }
    }

    /// A run that left something out is no success, even if the counts agree.
    async fn end(&mut self) -> Result<SliceOutcome, ReconcileError> {
        match self.refusals.describe() {
            None => self.finish(RunStatus::Succeeded, None).await,
            Some(reason) => {
                let error = Some((VALUES_REFUSED, reason.as_str()));
                self.finish(RunStatus::Failed, error).await
            }
        }
    }

    async fn pause(&self) -> Result<SliceOutcome, ReconcileError> {
        let rest = RunRest {
            quota: self.clients.cloudinary.newest_quota(),
            ..RunRest::default()
        };
        let run = self.clients.store.release_run(&self.run, rest).await;
        Ok(SliceOutcome::Paused(Box::new(run.map_err(lost)?)))
    }

    /// Before the first suspect is looked at: would going on do harm?
    async fn reason_to_stop(&mut self) -> Result<Option<(&'static str, String)>, ReconcileError> {
        let Stage::Suspects { cleared: false, .. } = self.stage else {
            return Ok(None);
        };
        let count = self.clients.store.count_suspects(&self.run).await?;
        self.stage = Stage::Suspects {
            after: String::new(),
            cleared: true,
        };
        if self.options.allow_mass_delete {
            return Ok(None);
        }
        let reason = mass_delete::reason_to_stop(self.counters.listed, count);
        if self.options.dry_run {
            // It deletes nothing, so it goes on and tells.
            self.drift.would_stop = reason.map(|(code, _)| code.to_owned());
            return Ok(None);
        }
        Ok(reason)
    }

    fn reader(&self) -> PageReader<'a> {
        PageReader {
            clients: self.clients,
            options: self.options,
            quota: self.quota,
            since: self.since(),
        }
    }

    async fn read(&self, stage: &Stage) -> Result<Page, ReconcileError> {
        match stage {
            Stage::Suspects { after, .. } => {
                read_suspects(self.clients, self.quota, &self.run, after).await
            }
            _ => self.reader().read(stage).await,
        }
    }

    /// The moment, on Cloudinary's clock, from which an incremental run looks for changes.
    fn since(&self) -> Timestamp {
        let micros = i64::try_from(OVERLAP.as_micros()).expect("minutes fit into 64 bits");
        Timestamp::from_micros(self.run.since_clock.unwrap_or(micros)).offset(-micros)
    }

    /// Writes a page's difference together with the checkpoint behind it: two calls, unless the
    /// rows change meanwhile. Nobody may hold a run up. Rows that keep changing are left out in the
    /// end, since the worker that changes them looks at their assets too. So are assets with values
    /// that no row can hold.
    async fn write(&mut self, mut page: Page) -> Result<(), ReconcileError> {
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
        };
        let checkpoint = RunCheckpoint {
            asset_ids: settlement.evidence().alive().to_vec(),
            drift: drift.as_ref().map(to_value),
            ends_in_seconds: self.time_left(&state.stage, &counters),
            quota: self.clients.cloudinary.newest_quota(),
            ..RunCheckpoint::after(&self.run, to_value(&state), to_value(&counters))
        };
        // A dry run writes how far it has come, and nothing else.
        let now = Timestamp::now();
        let worked = i64::try_from(self.step_began.elapsed().as_micros()).unwrap_or(i64::MAX);
        let change = WriteSet {
            checkpoint: Some(checkpoint),
            ..WriteSet::of_plan(if drift.is_some() {
                WritePlan::default()
            } else {
                plan
            })
        }
        .timed(Some(now.offset(worked.saturating_neg())), now);
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

    /// Writes down where the run stands, and renews its lease, before something that takes longer.
    async fn checkpoint_now(&mut self) -> Result<(), ReconcileError> {
        let state = State {
            stage: self.stage.clone(),
            drift_before: None,
            refusals: self.refusals.clone(),
        };
        let checkpoint = RunCheckpoint {
            ends_in_seconds: self.time_left(&state.stage, &self.counters),
            ..RunCheckpoint::after(&self.run, to_value(&state), to_value(&self.counters))
        };
        let change = WriteSet {
            checkpoint: Some(checkpoint),
            ..WriteSet::default()
        };
        self.clients.store.apply(&change).await.map_err(lost)?;
        self.run.step += 1;
        Ok(())
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
            Stage::Suspects { .. } => MAX_ASSET_IDS,
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

    async fn finish(
        &mut self,
        status: RunStatus,
        error: Option<(&str, &str)>,
    ) -> Result<SliceOutcome, ReconcileError> {
        let counters = to_value(&self.counters);
        let run = self
            .clients
            .store
            .finish_run(&self.run, status, error, &counters)
            .await
            .map_err(lost)?;
        Ok(SliceOutcome::Finished(Box::new(run)))
    }

    /// Leaves the run where it can go on, or ends it if it never can. When that fails too, the
    /// lease runs out by itself.
    pub(super) async fn rest_after(&self, error: &ReconcileError) {
        let message = telemetry::chain(error);
        let reason = Some((error.code(), message.as_str()));
        let store = &self.clients.store;
        let rested = if error.is_transient() {
            let rest = RunRest {
                reason,
                quota: self.clients.cloudinary.newest_quota(),
                ..RunRest::default()
            };
            store.release_run(&self.run, rest).await
        } else {
            let counters = to_value(&self.counters);
            store
                .finish_run(&self.run, RunStatus::Failed, reason, &counters)
                .await
        };
        if let Err(error) = rested {
            tracing::warn!(run_id = %self.run.id, error = telemetry::chain(&error), "the lease is left to run out");
        }
    }
}

fn lost(error: SupabaseError) -> ReconcileError {
    if is_lease_lost(&error) {
        ReconcileError::LeaseLost
    } else {
        error.into()
    }
}

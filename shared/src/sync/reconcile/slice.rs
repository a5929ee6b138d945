//! One invocation's work on a run: read, compare, write, step by step.

use std::time::{Duration, Instant};

use futures::future::OptionFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::compare::Compared;
use super::governor::Governor;
use super::predict::{self, Progress};
use super::read::{Page, Reader};
use super::stage::{Counters, Stage, State};
use super::{Drift, Reconcile, ReconcileError, RunOptions, Seen, SliceOutcome};
use crate::row::AssetRow;
use crate::supabase::SupabaseError;
use crate::sync::lookup::{self, MAX_ASSET_IDS};
use crate::sync::plan::{KeepClocks, Plan, PlanContext, Source, Tally};
use crate::sync::restless::Restless;
use crate::sync::store::{
    ATTEMPTS, Checkpoint, Led, Mode, Rest, RunRow, RunStatus, WriteSet, is_lease_lost,
};
use crate::telemetry;
use crate::time::Timestamp;

/// A step is not begun unless this much time is left for it.
const TIME_FOR_A_STEP: Duration = Duration::from_secs(8);

/// How far an incremental run looks back beyond the start of the last good run: the search index
/// lags behind writes by seconds, and clocks are not perfect.
const OVERLAP: Duration = Duration::from_secs(300);

/// A run that would delete more than this many rows, and more than this share of them, stops.
pub(super) const MASS_DELETE_COUNT: u64 = 20;
const MASS_DELETE_PERCENT: u64 = 10;

/// One invocation's work on a run.
pub(super) struct Slice<'a> {
    flow: &'a Reconcile,
    run: RunRow,
    stage: Stage,
    counters: Counters,
    options: RunOptions,
    governor: Governor,
    /// What a dry run has found, and had found when the present listing began.
    drift: Drift,
    drift_before: Drift,
    /// Live rows when the slice began.
    live: u64,
    step_began: Instant,
}

/// Whether to delete `missing` of `live` rows would be too many at once.
pub(super) fn is_mass_delete(missing: u64, live: u64) -> bool {
    missing > MASS_DELETE_COUNT
        && missing.saturating_mul(100) > live.saturating_mul(MASS_DELETE_PERCENT)
}

impl<'a> Slice<'a> {
    pub(super) fn begin(flow: &'a Reconcile, led: Led) -> Result<Self, ReconcileError> {
        let run = led.run;
        let state = match &run.checkpoint {
            Value::Object(state) if state.is_empty() => State::of(Stage::first(run.mode)),
            state => State::deserialize(state).map_err(ReconcileError::Checkpoint)?,
        };
        let drift = match &run.drift {
            Some(drift) => Drift::deserialize(drift).map_err(ReconcileError::Checkpoint)?,
            None => Drift::default(),
        };
        let options = RunOptions::deserialize(&run.options).map_err(ReconcileError::Checkpoint)?;
        Ok(Self {
            flow,
            stage: state.stage,
            drift,
            drift_before: state.drift_before.unwrap_or_default(),
            counters: Counters::deserialize(&run.counters).map_err(ReconcileError::Checkpoint)?,
            governor: Governor::KeepReserve {
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
                return self.finish(RunStatus::Succeeded, None).await;
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

    async fn pause(&self) -> Result<SliceOutcome, ReconcileError> {
        let rest = Rest {
            quota: self.flow.cloudinary.newest_quota(),
            ..Rest::default()
        };
        let run = self.flow.store.release_run(&self.run, rest).await;
        Ok(SliceOutcome::Paused(Box::new(run.map_err(lost)?)))
    }

    fn reader(&self) -> Reader<'a> {
        Reader {
            flow: self.flow,
            options: self.options,
            governor: self.governor,
            since: self.since(),
        }
    }

    async fn read(&self, stage: &Stage) -> Result<Page, ReconcileError> {
        match stage {
            Stage::Suspects { after, .. } => self.read_suspects(after).await,
            _ => self.reader().read(stage).await,
        }
    }

    /// The moment, on Cloudinary's clock, from which an incremental run looks for changes.
    fn since(&self) -> Timestamp {
        let micros = i64::try_from(OVERLAP.as_micros()).expect("minutes fit into 64 bits");
        Timestamp::from_micros(self.run.since_clock.unwrap_or(micros)).offset(-micros)
    }

    async fn read_suspects(&self, after: &str) -> Result<Page, ReconcileError> {
        let cloudinary = &self.flow.cloudinary;
        let store = &self.flow.store;
        let suspects = store
            .fetch_suspects(&self.run, after, MAX_ASSET_IDS)
            .await?;
        let mut page = Page {
            seen: Seen::default(),
            read_at: (cloudinary.cloud_now(), cloudinary.cloud_now_at_most()),
            suspects: suspects.len() as u64,
            restarted: false,
            next: Stage::Done,
        };
        let Some(last) = suspects.last() else {
            return Ok(page);
        };
        page.next = Stage::Suspects {
            after: last.asset_id.to_string(),
            cleared: true,
        };
        self.governor.admit(cloudinary, 1)?;
        // What the rows say was told before this look, so the look is newer than that.
        let newest = suspects
            .iter()
            .filter_map(|suspect| suspect.clocks.newest());
        let newest = newest.max();
        let ids = suspects.iter().map(|suspect| suspect.asset_id.clone());
        let wanted: Vec<_> = ids.map(|id| (id, None)).collect();
        let looked = lookup::fetch_observations(cloudinary, &wanted, newest).await?;
        let suspects = suspects.into_iter();
        let known = suspects.map(|suspect| (suspect.asset_id, suspect.clocks));
        page.seen = Seen::new(looked, 1).knowing(known);
        Ok(page)
    }

    /// Before the first suspect is looked at: would going on do harm?
    async fn reason_to_stop(&mut self) -> Result<Option<(&'static str, String)>, ReconcileError> {
        let Stage::Suspects { cleared: false, .. } = self.stage else {
            return Ok(None);
        };
        let count = self.flow.store.count_suspects(&self.run).await?;
        self.stage = Stage::Suspects {
            after: String::new(),
            cleared: true,
        };
        if self.options.allow_mass_delete {
            return Ok(None);
        }
        let reason = if self.counters.listed == 0 && count.live > 0 {
            let reason = format!(
                "Cloudinary listed nothing, and {} assets are live here",
                count.live
            );
            Some(("empty_listing", reason))
        } else {
            is_mass_delete(count.suspects, count.live).then(|| {
                let reason = format!(
                    "{} of {} live assets are missing in Cloudinary; if that is right, start a run with allow_mass_delete",
                    count.suspects, count.live
                );
                ("mass_delete", reason)
            })
        };
        if self.options.dry_run {
            // It deletes nothing, so it goes on and tells.
            self.drift.would_stop = reason.map(|(code, _)| code.to_owned());
            return Ok(None);
        }
        Ok(reason)
    }

    /// Writes a page's difference together with the checkpoint behind it: two calls, unless the
    /// rows change meanwhile. Rows that keep changing are left out in the end: whoever changes
    /// them looks at their assets too, and nobody may hold a run up.
    async fn write(&mut self, mut page: Page) -> Result<(), ReconcileError> {
        self.run.floor_clock.get_or_insert(page.read_at.0.micros());
        self.run
            .started_clock
            .get_or_insert(page.read_at.1.micros());
        let context = PlanContext {
            source: Source::Reconcile,
            run_id: Some(self.run.id),
            keep_clocks: KeepClocks::Never,
            release: &[],
        };
        let mut restless = Restless::default();
        for _ in 0..ATTEMPTS {
            let Compared { rows, plan } = self
                .flow
                .compare(&mut page.seen, context, self.governor)
                .await?;
            let plan = restless.leave_out(&rows, plan);
            let drift = self.options.dry_run.then(|| self.find_drift(&page, &rows));
            let tally = drift.as_ref().map_or(plan.tally, Drift::tally);
            let counters = self.count(&page, tally);
            let state = State {
                stage: page.next.clone(),
                drift_before: drift
                    .as_ref()
                    .map(|found| self.drift_to_go_back_to(&page, found)),
            };
            let checkpoint = Checkpoint {
                asset_ids: page.seen.alive().to_vec(),
                drift: drift.as_ref().map(to_value),
                ends_in_seconds: self.time_left(&state.stage, &counters),
                quota: self.flow.cloudinary.newest_quota(),
                ..Checkpoint::after(&self.run, to_value(&state), to_value(&counters))
            };
            // A dry run writes how far it has come, and nothing else.
            let now = Timestamp::now();
            let worked = i64::try_from(self.step_began.elapsed().as_micros()).unwrap_or(i64::MAX);
            let change = WriteSet {
                checkpoint: Some(checkpoint),
                ..WriteSet::of_plan(if drift.is_some() {
                    Plan::default()
                } else {
                    plan
                })
            }
            .timed(Some(now.offset(worked.saturating_neg())), now);
            match self.flow.store.apply(&change).await {
                Ok(()) => {
                    self.run.step += 1;
                    self.run.counters = to_value(&counters);
                    self.counters = counters;
                    self.stage = state.stage;
                    self.drift = drift.unwrap_or_default();
                    self.drift_before = state.drift_before.unwrap_or_default();
                    self.step_began = Instant::now();
                    return Ok(());
                }
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(lost(error)),
            }
        }
        Err(ReconcileError::Contended)
    }

    /// The counters behind this page. A dry run's tally is that of all it has found.
    fn count(&self, page: &Page, tally: Tally) -> Counters {
        let mut counters = self.counters;
        if page.suspects == 0 {
            counters.listed += page.seen.alive().len() as u64;
            counters.pages += u64::from(page.seen.calls() > 0);
        }
        counters.suspects += page.suspects;
        counters.cloudinary_calls += page.seen.calls();
        let worked = self.step_began.elapsed().as_millis();
        counters.worked_ms += u64::try_from(worked).unwrap_or(u64::MAX);
        if self.options.dry_run {
            counters.tally = tally;
        } else {
            counters.tally.add(tally);
        }
        counters
    }

    fn find_drift(&self, page: &Page, rows: &[AssetRow]) -> Drift {
        let mut found = if page.restarted {
            self.drift_before.clone()
        } else {
            self.drift.clone()
        };
        found.take(rows, page.seen.read());
        found
    }

    /// A listing that is complete is never begun again.
    fn drift_to_go_back_to(&self, page: &Page, found: &Drift) -> Drift {
        if page.next.continues(&self.stage) {
            self.drift_before.clone()
        } else {
            found.clone()
        }
    }

    /// Seconds until a full run ends when `next` is what follows, as far as can be told.
    fn time_left(&self, next: &Stage, counters: &Counters) -> Option<f64> {
        if self.run.mode != Mode::Full {
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
        let cloudinary = &self.flow.cloudinary;
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
            .flow
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
        let store = &self.flow.store;
        let rested = if error.is_transient() {
            let rest = Rest {
                reason,
                quota: self.flow.cloudinary.newest_quota(),
                ..Rest::default()
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

pub(super) fn to_value(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("plain data serialises")
}

//! One invocation's work on a run, step by step: it reads a page ahead, and stops where going on would do harm.

mod ending;
mod step;

use std::time::{Duration, Instant};

use futures::future::OptionFuture;
use serde::Deserialize;
use serde_json::Value;

use super::drift::DriftReport;
use super::error::ReconcileError;
use super::mass_delete;
use super::options::RunOptions;
use super::outcome::SliceOutcome;
use super::page::{Page, PageReader};
use super::refusals::Refusals;
use super::stage::{RunCounters, Stage, State};
use super::suspects::read_suspects;
use crate::sync::clients::SyncClients;
use crate::sync::quota_guard::QuotaGuard;
use crate::sync::store::{LeadingRun, RunRow, RunStatus};
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
    /// As they were asked for, with the present size of a page.
    options: RunOptions,
    asked_page: u16,
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
        let asked = RunOptions::deserialize(&run.options).map_err(ReconcileError::Checkpoint)?;
        let options = RunOptions {
            batch_size: state.page_size.unwrap_or(asked.batch_size),
            ..asked
        };
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
            asked_page: asked.batch_size,
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
            match written {
                Err(error) if error.is_about_size() && self.options.batch_size > 1 => {
                    // Read ahead was for another size.
                    self.shrink(&error).await?;
                    continue;
                }
                written => written?,
            }
            ahead = read.transpose()?;
        }
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
        let approved = self.options.apply;
        let reason = mass_delete::reason_to_stop(self.counters.listed, count, approved);
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
                let limit = self.suspects_at_once();
                read_suspects(self.clients, self.quota, &self.run, after, limit).await
            }
            _ => self.reader().read(stage).await,
        }
    }

    /// The moment, on Cloudinary's clock, from which an incremental run looks for changes.
    fn since(&self) -> Timestamp {
        let micros = i64::try_from(OVERLAP.as_micros()).expect("minutes fit into 64 bits");
        Timestamp::from_micros(self.run.since_clock.unwrap_or(micros)).offset(-micros)
    }
}

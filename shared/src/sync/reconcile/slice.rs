//! One invocation's work on a run: read, compare, write, step by step.

use std::time::{Duration, Instant};

use futures::future::OptionFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::read::{Page, Reader};
use super::stage::{Counters, Stage};
use super::{Reconcile, ReconcileError, RunOptions, SliceOutcome};
use crate::sync::lookup::{self, MAX_ASSET_IDS};
use crate::sync::plan::{PlanContext, Source, plan_observations};
use crate::sync::store::{
    ATTEMPTS, Checkpoint, RowQuery, RunRow, RunStatus, WriteSet, is_lease_lost,
};
use crate::telemetry;
use crate::time::Timestamp;

/// A step is not begun unless this much time is left for it.
const TIME_FOR_A_STEP: Duration = Duration::from_secs(8);

/// How far an incremental run looks back beyond the start of the last good run: the search index
/// lags behind writes by seconds, and clocks are not perfect.
const OVERLAP: Duration = Duration::from_secs(300);

/// A run that would delete more than this many rows, and more than this share of them, stops.
const MASS_DELETE_COUNT: u64 = 20;
const MASS_DELETE_PERCENT: u64 = 10;

/// One invocation's work on a run.
pub(super) struct Slice<'a> {
    flow: &'a Reconcile,
    run: RunRow,
    stage: Stage,
    counters: Counters,
    options: RunOptions,
}

impl<'a> Slice<'a> {
    pub(super) fn begin(flow: &'a Reconcile, run: RunRow) -> Result<Self, ReconcileError> {
        let stage = match &run.checkpoint {
            Value::Object(state) if state.is_empty() => Stage::first(run.mode),
            state => Stage::deserialize(state).map_err(ReconcileError::Checkpoint)?,
        };
        Ok(Self {
            flow,
            stage,
            counters: Counters::deserialize(&run.counters).map_err(ReconcileError::Checkpoint)?,
            options: RunOptions::deserialize(&run.options).map_err(ReconcileError::Checkpoint)?,
            run,
        })
    }

    /// Reads one page ahead: while a page is written, the next one is on its way.
    pub(super) async fn walk(&mut self, deadline: Instant) -> Result<SliceOutcome, ReconcileError> {
        let mut ahead: Option<Page> = None;
        loop {
            if self.stage == Stage::Done {
                return self.finish(RunStatus::Succeeded, None).await;
            }
            if deadline.saturating_duration_since(Instant::now()) < TIME_FOR_A_STEP {
                self.flow.store.release_run(&self.run, None).await?;
                return Ok(SliceOutcome::Paused(Box::new(self.run.clone())));
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
            let reader = Reader {
                flow: self.flow,
                options: self.options,
                since: self.since(),
            };
            let reading: OptionFuture<_> = reads_ahead.then(|| reader.read(&next)).into();
            let (written, read) = futures::join!(self.write(page), reading);
            written?;
            ahead = read.transpose()?;
        }
    }

    async fn read(&self, stage: &Stage) -> Result<Page, ReconcileError> {
        if let Stage::Suspects { after, .. } = stage {
            return self.read_suspects(after).await;
        }
        let reader = Reader {
            flow: self.flow,
            options: self.options,
            since: self.since(),
        };
        reader.read(stage).await
    }

    /// The moment, on Cloudinary's clock, from which an incremental run looks for changes.
    fn since(&self) -> Timestamp {
        let micros = i64::try_from(OVERLAP.as_micros()).expect("minutes fit into 64 bits");
        Timestamp::from_micros(self.run.since_clock.unwrap_or(micros)).offset(-micros)
    }

    async fn read_suspects(&self, after: &str) -> Result<Page, ReconcileError> {
        let suspects = self
            .flow
            .store
            .fetch_suspects(&self.run, after, MAX_ASSET_IDS)
            .await?;
        let Some(last) = suspects.last() else {
            return Ok(Page {
                observations: Vec::new(),
                listed: Vec::new(),
                read_at: self.flow.cloudinary.cloud_now(),
                calls: 0,
                suspects: 0,
                next: Stage::Done,
            });
        };
        let next = Stage::Suspects {
            after: last.to_string(),
            cleared: true,
        };
        let wanted: Vec<_> = suspects.iter().map(|id| (id.clone(), None)).collect();
        let started = self.run.started_clock.map(Timestamp::from_micros);
        let looked = lookup::fetch_observations(&self.flow.cloudinary, &wanted, started).await?;
        Ok(Page {
            read_at: self.flow.cloudinary.cloud_now(),
            suspects: wanted.len() as u64,
            observations: looked.observations,
            listed: Vec::new(),
            calls: 1,
            next,
        })
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
        if self.counters.listed == 0 && count.live > 0 {
            let reason = format!(
                "Cloudinary listed nothing, and {} assets are live here",
                count.live
            );
            return Ok(Some(("empty_listing", reason)));
        }
        let too_many = count.suspects > MASS_DELETE_COUNT
            && count.suspects.saturating_mul(100) > count.live.saturating_mul(MASS_DELETE_PERCENT);
        Ok(too_many.then(|| {
            let reason = format!(
                "{} of {} live assets are missing in Cloudinary; if that is right, start a run with allow_mass_delete",
                count.suspects, count.live
            );
            ("mass_delete", reason)
        }))
    }

    /// Writes a page's difference together with the checkpoint behind it: two calls, unless the
    /// rows change meanwhile.
    async fn write(&mut self, mut page: Page) -> Result<(), ReconcileError> {
        self.run.started_clock.get_or_insert(page.read_at.micros());
        for _ in 0..ATTEMPTS {
            let rows = if page.observations.is_empty() {
                Vec::new()
            } else {
                self.flow.store.fetch_rows(&rows_concerned(&page)).await?
            };
            let context = PlanContext {
                source: Source::Reconcile,
                run_id: Some(self.run.id),
                // A suspect that is alive after all has to be seen to be alive.
                keep_clocks: page.suspects > 0,
                release: &[],
            };
            let plan = plan_observations(&rows, &page.observations, context, Uuid::new_v4);
            if !plan.displaced.is_empty() {
                let displaced: Vec<_> =
                    plan.displaced.iter().map(|id| (id.clone(), None)).collect();
                for chunk in displaced.chunks(MAX_ASSET_IDS) {
                    let newest = rows.iter().filter_map(|row| row.clocks.newest()).max();
                    let seen =
                        lookup::fetch_observations(&self.flow.cloudinary, chunk, newest).await?;
                    page.observations.extend(seen.observations);
                    page.calls += 1;
                }
                continue;
            }
            let mut counters = self.counters;
            counters.listed += page.listed.len() as u64;
            counters.pages += u64::from(page.suspects == 0 && page.calls > 0);
            counters.suspects += page.suspects;
            counters.cloudinary_calls += page.calls;
            counters.tally.add(plan.tally);
            let checkpoint = Checkpoint {
                asset_ids: page.listed.clone(),
                ..Checkpoint::after(&self.run, to_value(&page.next), to_value(&counters))
            };
            let change = WriteSet {
                checkpoint: Some(checkpoint),
                ..WriteSet::of_plan(plan)
            };
            match self.flow.store.apply(&change).await {
                Ok(()) => {
                    self.run.step += 1;
                    self.counters = counters;
                    self.run.counters = to_value(&counters);
                    self.stage = page.next;
                    return Ok(());
                }
                Err(error) if is_lease_lost(&error) => return Err(ReconcileError::LeaseLost),
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ReconcileError::Contended)
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
            .await?;
        Ok(SliceOutcome::Finished(Box::new(run)))
    }

    /// Leaves the run where it can go on, or ends it if it never can. When that fails too, the
    /// lease runs out by itself.
    pub(super) async fn rest_after(&self, error: &ReconcileError) {
        let reason = Some((error.code(), telemetry::chain(error)));
        let reason = reason
            .as_ref()
            .map(|(code, message)| (*code, message.as_str()));
        let rested = if error.is_transient() {
            self.flow.store.release_run(&self.run, reason).await
        } else {
            let counters = to_value(&self.counters);
            let ended = self
                .flow
                .store
                .finish_run(&self.run, RunStatus::Failed, reason, &counters);
            ended.await.map(drop)
        };
        if let Err(error) = rested {
            tracing::warn!(run_id = %self.run.id, error = telemetry::chain(&error), "the lease is left to run out");
        }
    }
}

fn rows_concerned(page: &Page) -> RowQuery {
    RowQuery {
        ids: Vec::new(),
        asset_ids: page
            .observations
            .iter()
            .map(|seen| seen.asset_id.clone())
            .collect(),
        names: page
            .observations
            .iter()
            .filter_map(|seen| seen.seen_name().cloned())
            .collect(),
    }
}

fn to_value(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("plain data serialises")
}

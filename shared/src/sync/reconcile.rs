//! Walks Cloudinary page by page and repairs what notifications have missed.
//!
//! A run is cut into slices, each within one invocation. Every step of a slice (a page, a hundred
//! suspects) is one transaction that holds the difference, the counters and the place where to go
//! on, so a crash repeats at most one step, and repeating is harmless.

use std::time::{Duration, Instant};

use futures::future::OptionFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::lookup::{self, MAX_ASSET_IDS};
use super::plan::{PlanContext, Source, Tally, plan_observations};
use super::store::{
    ATTEMPTS, Checkpoint, Lead, Mode, RowQuery, RunRequest, RunRow, RunStatus, Store, WriteSet,
    is_lease_lost,
};
use crate::asset::{AssetId, ResourceType};
use crate::cloudinary::admin::ListPage;
use crate::cloudinary::search::{SearchQuery, SortOrder};
use crate::cloudinary::{Answer, Client, CloudinaryError, Resource};
use crate::observation::{Fact, Observation, Told};
use crate::supabase::SupabaseError;
use crate::telemetry;
use crate::time::Timestamp;

/// The most that Cloudinary lists in one call.
pub const MAX_PAGE: u16 = 500;

/// A step is not begun unless this much time is left for it.
const TIME_FOR_A_STEP: Duration = Duration::from_secs(8);

/// How far an incremental run looks back beyond the start of the last good run: the search index
/// lags behind writes by seconds, and clocks are not perfect.
const OVERLAP: Duration = Duration::from_secs(300);

/// A run that would delete more than this many rows, and more than this share of them, stops.
const MASS_DELETE_COUNT: u64 = 20;
const MASS_DELETE_PERCENT: u64 = 10;

/// Compares Cloudinary with the database.
#[derive(Clone, Debug)]
pub struct Reconcile {
    pub cloudinary: Client,
    pub store: Store,
}

/// What a run was asked to do, beyond its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunOptions {
    /// Assets in one listing call, 1 to [`MAX_PAGE`].
    pub batch_size: u16,
    /// Whether the run may delete as many rows as it finds missing.
    pub allow_mass_delete: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            batch_size: MAX_PAGE,
            allow_mass_delete: false,
        }
    }
}

/// How a slice ended.
#[derive(Debug)]
pub enum SliceOutcome {
    /// The run has ended, well or not.
    Finished(Box<RunRow>),
    /// Time is up; the run goes on from its checkpoint when somebody continues it.
    Paused(Box<RunRow>),
    /// Somebody else leads a run; nothing was done.
    Busy(Option<Box<RunRow>>),
    /// The run that was to be continued has ended already.
    Over,
}

/// Why a slice broke off. The run rests at its checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    #[error("Cloudinary could not be read")]
    Cloudinary(#[from] CloudinaryError),
    #[error("the database could not be read or written")]
    Store(#[from] SupabaseError),
    #[error("the rows of a page kept changing while it was planned")]
    Contended,
    #[error("another slice has taken the run over")]
    LeaseLost,
    #[error("the run's checkpoint is not readable")]
    Checkpoint(#[source] serde_json::Error),
}

impl ReconcileError {
    /// Whether the run may go on later without anybody's doing.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Cloudinary(source) => source.is_transient(),
            Self::Store(source) => source.is_transient(),
            Self::Contended | Self::LeaseLost => true,
            Self::Checkpoint(_) => false,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Cloudinary(source) => source.code(),
            Self::Store(_) => "database",
            Self::Contended => "contended",
            Self::LeaseLost => "lease_lost",
            Self::Checkpoint(_) => "checkpoint",
        }
    }
}

/// Where a run goes on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
enum Stage {
    /// Read everything, one resource type after the other.
    Listing {
        resource_type: ResourceType,
        cursor: Option<String>,
    },
    /// Read what the search index says has changed.
    Changes { cursor: Option<String> },
    /// Look at live rows that the listing has not shown.
    Suspects { after: String, cleared: bool },
    /// Nothing is left but to say so.
    Done,
}

/// What a run has done so far.
#[derive(Clone, Copy, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    pub listed: u64,
    pub pages: u64,
    pub suspects: u64,
    pub cloudinary_calls: u64,
    #[serde(flatten)]
    pub tally: Tally,
}

/// What one read of Cloudinary has brought, and where to read on.
struct Page {
    observations: Vec<Observation>,
    /// The assets that were listed alive; empty for steps that list nothing.
    listed: Vec<AssetId>,
    read_at: Timestamp,
    calls: u64,
    suspects: u64,
    next: Stage,
}

impl Reconcile {
    /// Starts a run and works on it until it ends or `deadline` comes near. A run that rests is
    /// brought to its end first.
    pub async fn start(
        &self,
        request: &RunRequest,
        deadline: Instant,
    ) -> Result<SliceOutcome, ReconcileError> {
        loop {
            let lead = self.store.lead_run(request).await?;
            let is_older = matches!(lead, Lead::Resumed { .. });
            match self.work(lead, deadline).await? {
                SliceOutcome::Finished(_) if is_older => {}
                outcome => return Ok(outcome),
            }
        }
    }

    /// Works on a run that another slice has left.
    pub async fn resume(
        &self,
        run_id: Uuid,
        deadline: Instant,
    ) -> Result<SliceOutcome, ReconcileError> {
        let lead = self.store.continue_run(run_id).await?;
        self.work(lead, deadline).await
    }

    async fn work(&self, lead: Lead, deadline: Instant) -> Result<SliceOutcome, ReconcileError> {
        let run = match lead {
            Lead::Started { run } | Lead::Resumed { run } => run,
            Lead::Busy { run } => return Ok(SliceOutcome::Busy(run.map(Box::new))),
            Lead::Over => return Ok(SliceOutcome::Over),
        };
        let mut slice = Slice::begin(self, run)?;
        match slice.walk(deadline).await {
            Ok(outcome) => Ok(outcome),
            Err(ReconcileError::LeaseLost) => Err(ReconcileError::LeaseLost),
            Err(error) => {
                slice.rest_after(&error).await;
                Err(error)
            }
        }
    }
}

/// One invocation's work on a run.
struct Slice<'a> {
    flow: &'a Reconcile,
    run: RunRow,
    stage: Stage,
    counters: Counters,
    options: RunOptions,
}

impl<'a> Slice<'a> {
    fn begin(flow: &'a Reconcile, run: RunRow) -> Result<Self, ReconcileError> {
        let stage = match &run.checkpoint {
            Value::Object(state) if state.is_empty() => first_stage(run.mode),
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
    async fn walk(&mut self, deadline: Instant) -> Result<SliceOutcome, ReconcileError> {
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
        let observations =
            lookup::fetch_observations(&self.flow.cloudinary, &wanted, started).await?;
        Ok(Page {
            read_at: self.flow.cloudinary.cloud_now(),
            suspects: wanted.len() as u64,
            observations,
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
            };
            let plan = plan_observations(&rows, &page.observations, context, Uuid::new_v4);
            if !plan.displaced.is_empty() {
                let displaced: Vec<_> =
                    plan.displaced.iter().map(|id| (id.clone(), None)).collect();
                for chunk in displaced.chunks(MAX_ASSET_IDS) {
                    let newest = rows.iter().filter_map(|row| row.clocks.newest()).max();
                    let seen =
                        lookup::fetch_observations(&self.flow.cloudinary, chunk, newest).await?;
                    page.observations.extend(seen);
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
    async fn rest_after(&self, error: &ReconcileError) {
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

/// Reads pages of Cloudinary, whatever is written meanwhile.
struct Reader<'a> {
    flow: &'a Reconcile,
    options: RunOptions,
    since: Timestamp,
}

impl Reader<'_> {
    async fn read(&self, stage: &Stage) -> Result<Page, ReconcileError> {
        match stage {
            Stage::Listing {
                resource_type,
                cursor,
            } => self.read_listing(*resource_type, cursor.as_deref()).await,
            Stage::Changes { cursor } => self.read_changes(cursor.clone()).await,
            Stage::Suspects { .. } | Stage::Done => unreachable!("only listings are read ahead"),
        }
    }

    async fn read_listing(
        &self,
        resource_type: ResourceType,
        cursor: Option<&str>,
    ) -> Result<Page, ReconcileError> {
        let page = ListPage {
            max_results: self.options.batch_size,
            next_cursor: cursor,
        };
        let answer = match self
            .flow
            .cloudinary
            .list_resources(resource_type, page)
            .await
        {
            // An expired cursor costs a repetition of this listing, not the run.
            Err(error) if error.is_cursor_expired() && cursor.is_some() => {
                let page = ListPage {
                    max_results: self.options.batch_size,
                    next_cursor: None,
                };
                self.flow
                    .cloudinary
                    .list_resources(resource_type, page)
                    .await?
            }
            answer => answer?,
        };
        let next = match answer.value.next_cursor.clone() {
            Some(cursor) => Stage::Listing {
                resource_type,
                cursor: Some(cursor),
            },
            None => after_listing(resource_type),
        };
        Ok(Page::listed(answer.map(|listing| listing.resources), next))
    }

    /// The search index names what has changed; what it looks like now is read from the store
    /// itself, since the index lags and leaves fields out.
    async fn read_changes(&self, cursor: Option<String>) -> Result<Page, ReconcileError> {
        let since = self.since;
        let query = SearchQuery {
            expression: format!(
                r#"updated_at>="{since}" OR uploaded_at>="{since}" OR created_at>="{since}""#
            ),
            sort_by: vec![("created_at".to_owned(), SortOrder::Ascending)],
            max_results: self.options.batch_size,
            next_cursor: cursor,
            fields: Vec::new(),
        };
        let answer = match self.flow.cloudinary.search(&query).await {
            Err(error) if error.is_cursor_expired() && query.next_cursor.is_some() => {
                let query = SearchQuery {
                    next_cursor: None,
                    ..query
                };
                self.flow.cloudinary.search(&query).await?
            }
            answer => answer?,
        };
        let read_at = answer.observed_at;
        let found = answer.value.resources.iter();
        let wanted: Vec<_> = found
            .filter_map(|asset| Some((asset.asset_id.clone()?, None)))
            .collect();
        let mut observations = Vec::with_capacity(wanted.len());
        let mut calls = 1;
        for chunk in wanted.chunks(MAX_ASSET_IDS) {
            observations
                .extend(lookup::fetch_observations(&self.flow.cloudinary, chunk, None).await?);
            calls += 1;
        }
        let next = match answer.value.next_cursor {
            Some(cursor) => Stage::Changes {
                cursor: Some(cursor),
            },
            None => Stage::Done,
        };
        Ok(Page {
            listed: alive(&observations),
            observations,
            read_at,
            calls,
            suspects: 0,
            next,
        })
    }
}

impl Page {
    fn listed(answer: Answer<Vec<Resource>>, next: Stage) -> Self {
        let at = answer.observed_at;
        let observations: Vec<Observation> = answer
            .value
            .iter()
            .filter_map(|resource| Observation::of_resource(resource, at, Told::Everything))
            .collect();
        Self {
            listed: alive(&observations),
            observations,
            read_at: at,
            calls: 1,
            suspects: 0,
            next,
        }
    }
}

fn alive(observations: &[Observation]) -> Vec<AssetId> {
    let alive = observations
        .iter()
        .filter(|seen| matches!(seen.fact, Fact::Seen(_)));
    alive.map(|seen| seen.asset_id.clone()).collect()
}

fn first_stage(mode: Mode) -> Stage {
    match mode {
        Mode::Full => Stage::Listing {
            resource_type: ResourceType::ALL[0],
            cursor: None,
        },
        Mode::Incremental => Stage::Changes { cursor: None },
    }
}

fn after_listing(resource_type: ResourceType) -> Stage {
    let mut types = ResourceType::ALL
        .into_iter()
        .skip_while(|kind| *kind != resource_type);
    match types.nth(1) {
        Some(resource_type) => Stage::Listing {
            resource_type,
            cursor: None,
        },
        None => Stage::Suspects {
            after: String::new(),
            cleared: false,
        },
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
            .filter_map(|seen| match &seen.fact {
                Fact::Seen(sighting) => Some(sighting.name.clone()),
                Fact::Gone(_) => None,
            })
            .collect(),
    }
}

fn to_value(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("plain data serialises")
}

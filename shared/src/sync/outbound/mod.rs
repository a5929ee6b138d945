//! Carries out in Cloudinary what was decided here.
//!
//! A row is held by one worker at a time (its claim). The worker looks at the asset, makes the
//! calls that its intent still asks for, and looks again; what it sees is written as an
//! observation, and only that ends wishes. A worker that dies leaves a claim that runs out, and a
//! row that is still pending: whoever comes next begins with a look.

mod conclude;
mod perform;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

pub use self::conclude::{Conclusion, Findings, Held, Next, Outcome, Outcomes, newest_known};
use self::perform::perform;
use super::lookup::{self, MAX_ASSET_IDS, stamp};
use super::operations::plan_operations;
use super::restless::Restless;
use super::retry::{CLAIM, Failure};
use super::store::{ATTEMPTS, RowQuery, Store, WriteSet};
use crate::asset::DeliveryName;
use crate::cloudinary::{Client, CloudinaryError};
use crate::deadline::{Deadline, TO_HAND_ON, TO_WRITE};
use crate::observation::{Fact, Observation};
use crate::queue::{self, Queue};
use crate::row::AssetRow;
use crate::supabase::SupabaseError;
use crate::telemetry;
use crate::time::Timestamp;

/// How often a worker goes on by itself with rows for which something newer was decided
/// meanwhile, or of which the next part can be done now.
const ROUNDS: usize = 3;

/// Deletes are put together only while this much of the hour's quota is left.
const QUOTA_FOR_BULK: u32 = 100;

/// Carries intents out.
#[derive(Clone, Debug)]
pub struct Outbound {
    pub cloudinary: Client,
    pub store: Store,
    /// Where intents wait for another attempt.
    pub queue: Queue,
}

/// Why an intent is not settled. Its message stays in the queue; the row stays pending.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    #[error("Cloudinary could not be asked")]
    Cloudinary(#[source] Arc<CloudinaryError>),
    #[error("the rows could not be read or written")]
    Store(#[source] Arc<SupabaseError>),
    #[error("the rows kept changing while the answers were written")]
    Contended,
    #[error("another worker is carrying the row's intent out")]
    Busy,
}

/// What became of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// Nothing that the row wished for is left.
    Done,
    /// There was nothing to do.
    Overtaken,
    /// It failed; the row says why, and a later attempt is due unless it was refused for good.
    Failed,
}

impl Outbound {
    /// The same, for one invocation: calls to Cloudinary end while there is time to write, and the
    /// writing ends while there is time to answer.
    #[must_use]
    pub fn until(&self, end: Deadline) -> Self {
        Self {
            cloudinary: self.cloudinary.until(end.earlier(TO_WRITE)),
            store: self.store.until(end.earlier(TO_HAND_ON)),
            queue: self.queue.until(end),
        }
    }

    /// Carries a batch out, beginning nothing after `deadline`; the answer has one result for
    /// each message, in their order.
    pub async fn carry_out(
        &self,
        messages: &[queue::Outbound],
        deadline: Instant,
    ) -> Vec<Result<Settled, OutboundError>> {
        let mut open: BTreeSet<Uuid> = messages
            .iter()
            .map(|message| message.asset_row_id)
            .collect();
        let mut results = BTreeMap::new();
        for _ in 0..ROUNDS {
            if open.is_empty() || Instant::now() >= deadline {
                break;
            }
            let wanted = std::mem::take(&mut open);
            match self.round(&wanted, deadline).await {
                Ok(round) => {
                    open = round.again;
                    results.extend(round.results);
                }
                Err(error) => {
                    results.extend(wanted.into_iter().map(|row| (row, Err(error.again()))));
                }
            }
        }
        self.send_again(open.into_iter().map(|row| (row, Duration::ZERO)))
            .await;
        let result = |message: &queue::Outbound| match results.get(&message.asset_row_id) {
            None => Ok(Settled::Overtaken),
            Some(Ok(settled)) => Ok(*settled),
            Some(Err(error)) => Err(error.again()),
        };
        messages.iter().map(result).collect()
    }

    async fn round(
        &self,
        wanted: &BTreeSet<Uuid>,
        deadline: Instant,
    ) -> Result<Round, OutboundError> {
        let claim = Uuid::new_v4();
        let claimed = self.store.claim_intents(wanted, claim, CLAIM).await;
        let claimed = claimed.map_err(|error| OutboundError::Store(error.into()))?;
        let busy = claimed.busy.into_iter();
        let mut round = Round {
            results: busy.map(|row| (row, Err(OutboundError::Busy))).collect(),
            again: BTreeSet::new(),
        };
        if claimed.rows.is_empty() {
            return Ok(round);
        }
        let held = Held {
            claim,
            rows: claimed.rows,
        };
        let hold = Hold { flow: self, held };
        let outcome = hold.carry_out(deadline).await?;
        // SQS cannot hold a message back for longer: then the row waits for the drain.
        let due = outcome.due.into_iter();
        self.send_again(due.filter(|(_, delay)| *delay <= queue::MAX_DELAY))
            .await;
        round.results.extend(
            outcome
                .settled
                .into_iter()
                .map(|(row, settled)| (row, Ok(settled))),
        );
        round.again = outcome.again;
        Ok(round)
    }

    /// Failing to send delays an intent until the next drain, and loses nothing.
    async fn send_again(&self, rows: impl Iterator<Item = (Uuid, Duration)>) {
        for (asset_row_id, delay) in rows {
            let message = queue::Outbound { asset_row_id };
            if let Err(error) = self.queue.send_after(&message, delay).await {
                telemetry::log_error("an intent waits for the next drain", &error);
                return;
            }
        }
    }

    async fn look(
        &self,
        rows: &[&AssetRow],
        seen: &[Observation],
    ) -> Result<Vec<Observation>, CloudinaryError> {
        let newest = newest_known(rows.iter().copied(), seen);
        let wanted: Vec<_> = rows
            .iter()
            .map(|row| (row.cloudinary_asset_id.clone(), Some(row.observed_name())))
            .collect();
        let mut looked = Vec::with_capacity(wanted.len());
        for chunk in wanted.chunks(MAX_ASSET_IDS) {
            looked.extend(lookup::fetch_observations(&self.cloudinary, chunk, newest).await?);
        }
        Ok(looked)
    }

    /// Whether the hour's quota allows to put deletes together.
    fn has_quota(&self) -> bool {
        let quota = self.cloudinary.newest_quota();
        quota.is_none_or(|quota| {
            quota.remaining > QUOTA_FOR_BULK || quota.reset <= self.cloudinary.cloud_now()
        })
    }
}

struct Round {
    results: BTreeMap<Uuid, Result<Settled, OutboundError>>,
    again: BTreeSet<Uuid>,
}

/// Rows that this worker alone carries out, and what it does so with.
struct Hold<'a> {
    flow: &'a Outbound,
    held: Held,
}

impl Hold<'_> {
    async fn carry_out(self, deadline: Instant) -> Result<Conclusion, OutboundError> {
        let rows: Vec<&AssetRow> = self.held.rows.iter().collect();
        let looked = match self.flow.look(&rows, &[]).await {
            Ok(looked) => looked,
            Err(error) => return self.give_back(&error).await,
        };
        // What is seen may settle or cancel an intent, before anything is done.
        let before = self.write(&looked, None).await?;
        let held: Vec<AssetRow> = before
            .into_iter()
            .filter(|row| row.intent_claim == Some(self.held.claim))
            .collect();
        let operations = plan_operations(&held, self.flow.has_quota());
        let touched = operations.rows();
        // Afterwards there is a look at what was done, so a call that hangs ends before.
        let cloudinary = self.flow.cloudinary.until(Deadline::at(deadline));
        let mut outcomes = perform(&cloudinary, operations, deadline).await;

        let mut seen = looked;
        let changed = held.iter().filter(|row| touched.contains(&row.id));
        let unsure: Vec<&AssetRow> = changed
            .filter(|row| match outcomes.get(&row.id) {
                Some(Outcome::Gone(at)) => {
                    seen.push(Observation {
                        asset_id: row.cloudinary_asset_id.clone(),
                        at: stamp(*at, newest_known([*row], &seen)),
                        fact: Fact::Gone(Some(row.observed_name())),
                    });
                    false
                }
                _ => true,
            })
            .collect();
        if !unsure.is_empty() {
            match self.flow.look(&unsure, &seen).await {
                Ok(looked) => seen.extend(looked),
                Err(error) => {
                    let unseen = Outcome::Unseen(Failure::of(&error));
                    outcomes.extend(unsure.into_iter().map(|row| (row.id, unseen.clone())));
                }
            }
        }
        let after = self.write(&seen, Some(&outcomes)).await?;
        Ok(self.held.conclude(&after, &outcomes, Timestamp::now()))
    }

    /// Nothing was done; the rows say why, and wait for another attempt.
    async fn give_back(&self, error: &CloudinaryError) -> Result<Conclusion, OutboundError> {
        let unseen = Outcome::Unseen(Failure::of(error));
        let ids = self.held.rows.iter().map(|row| row.id);
        let outcomes = ids.map(|id| (id, unseen.clone())).collect();
        let after = self.write(&[], Some(&outcomes)).await?;
        Ok(self.held.conclude(&after, &outcomes, Timestamp::now()))
    }

    /// Writes what was seen, and in the end what became of the calls, planning anew when rows
    /// change meanwhile. A row that does not come to rest is left out, and its claim runs out.
    /// Answers the held rows as they are then, but for their revisions.
    async fn write(
        &self,
        seen: &[Observation],
        outcomes: Option<&Outcomes>,
    ) -> Result<Vec<AssetRow>, OutboundError> {
        let mut seen = seen.to_vec();
        let mut names = Vec::new();
        let mut restless = Restless::default();
        for _ in 0..ATTEMPTS {
            names.extend(seen.iter().filter_map(|seen| seen.seen_name().cloned()));
            let rows = self.read(&seen, &names).await?;
            let found = Findings {
                rows: &rows,
                names: &names,
                seen: &seen,
                outcomes,
            };
            let (now, chance) = (Timestamp::now(), rand::random());
            let plan = match self.held.plan(found, now, chance, Uuid::new_v4) {
                Next::Read(more) => {
                    names.extend(more);
                    continue;
                }
                Next::Look(assets) => {
                    let rows = rows.iter();
                    let rows = rows.filter(|row| assets.contains(&row.cloudinary_asset_id));
                    let looked = self.flow.look(&rows.collect::<Vec<_>>(), &seen).await;
                    let looked = looked.map_err(|error| OutboundError::Cloudinary(error.into()))?;
                    seen.extend(looked);
                    continue;
                }
                Next::Write(plan) => restless.leave_out(&rows, *plan),
            };
            let mut after = plan.over(rows);
            if outcomes.is_none() {
                // Nothing may be done on what was known of it before the look.
                after.retain(|row| !restless.is_left_out(row));
            }
            if plan.is_empty() {
                return Ok(after);
            }
            let change = WriteSet::of_plan(plan).timed(None, now);
            match self.flow.store.apply(&change).await {
                Ok(()) => return Ok(after),
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(OutboundError::Store(error.into())),
            }
        }
        Err(OutboundError::Contended)
    }

    /// The held rows, those of the assets that were seen, and whoever holds these names.
    async fn read(
        &self,
        seen: &[Observation],
        names: &[DeliveryName],
    ) -> Result<Vec<AssetRow>, OutboundError> {
        let query = RowQuery {
            ids: self.held.rows.iter().map(|row| row.id).collect(),
            asset_ids: seen.iter().map(|seen| seen.asset_id.clone()).collect(),
            names: names.to_vec(),
        };
        let rows = self.flow.store.fetch_rows(&query).await;
        rows.map_err(|error| OutboundError::Store(error.into()))
    }
}

impl OutboundError {
    /// Whether the intent may be settled later without anybody's doing.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Cloudinary(source) => source.is_transient(),
            Self::Store(source) => source.is_transient(),
            Self::Contended | Self::Busy => true,
        }
    }

    /// The same error for another message of the batch.
    fn again(&self) -> Self {
        match self {
            Self::Cloudinary(source) => Self::Cloudinary(source.clone()),
            Self::Store(source) => Self::Store(source.clone()),
            Self::Contended => Self::Contended,
            Self::Busy => Self::Busy,
        }
    }
}

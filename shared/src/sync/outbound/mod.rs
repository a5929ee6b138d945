//! Carries decisions made here out in Cloudinary.
//!
//! A row is held by one worker at a time (its claim). The worker looks at the asset, makes the
//! calls that its intent still asks for, and looks again. Its look is written as an observation,
//! and only that ends wishes. A worker that dies leaves a claim that runs out, and a row that is
//! still pending. The next worker begins with a look.

mod claim;
mod conclude;
mod outcome;
mod perform;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

pub use self::claim::{ClaimPolicy, note_failures, rows_after};
pub use self::conclude::ClaimConclusion;
pub use self::outcome::{MessageOutcome, RowOutcome, RowOutcomes};
use self::perform::perform;
use super::clients::SyncClients;
use super::fence::LibraryFence;
use super::marker::FenceStanding;
use super::operations::plan_operations;
use super::quota_guard::QuotaGuard;
use super::retry::{CLAIM, IntentFailure};
use super::settle::{PlanEvidence, SettleError, Settlement, SettlementDriver, WriteOutcome};
use super::store::{ClaimedRows, WriteSet};
use crate::asset::AssetId;
use crate::cloudinary::CloudinaryError;
use crate::deadline::Deadline;
use crate::queue::{self, FailureProspect, MessageFailure, SqsQueue};
use crate::row::AssetRow;
use crate::supabase::SupabaseError;
use crate::telemetry;
use crate::time::Timestamp;

/// The number of rounds in which a worker goes on by itself. A row gets another round for a newer
/// decision, or if its next part can be done now.
const ROUNDS: usize = 3;

/// Deletes are put together only while this much of the hour's quota is left.
const QUOTA_FOR_BULK: u32 = 100;

/// Carries intents out.
#[derive(Clone, Debug)]
pub struct Outbound {
    pub clients: SyncClients,
    /// Where intents wait for another attempt.
    pub queue: SqsQueue,
}

/// Reasons why an intent is not settled. Its message stays in the queue; the row stays pending.
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

impl Outbound {
    /// See [`SyncClients::until`].
    #[must_use]
    pub fn until(&self, end: Deadline) -> Self {
        Self {
            clients: self.clients.until(end),
            queue: self.queue.until(end),
        }
    }

    /// Carries a batch out, beginning nothing after `deadline`; the answer has one result for
    /// each message, in their order.
    pub async fn carry_out(
        &self,
        messages: &[queue::IntentMessage],
        deadline: Instant,
    ) -> Vec<Result<MessageOutcome, OutboundError>> {
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
        let result = |message: &queue::IntentMessage| match results.get(&message.asset_row_id) {
            None => Ok(MessageOutcome::Overtaken),
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
        let (claimed, unknown) = self.claim(wanted, claim).await?;
        let busy = claimed.busy.into_iter();
        let mut round = Round {
            results: busy.map(|row| (row, Err(OutboundError::Busy))).collect(),
            again: claimed.left,
        };
        if claimed.rows.is_empty() {
            return Ok(round);
        }
        let outcome = self
            .carry_out_claimed(claim, claimed.rows, unknown, deadline)
            .await?;
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
        round.again.extend(outcome.again);
        Ok(round)
    }

    /// Claims rows where the library may be written to. The first claim from a new place looks whose it is; if that
    /// fails, the failure is the rows'.
    async fn claim(
        &self,
        wanted: &BTreeSet<Uuid>,
        claim: Uuid,
    ) -> Result<(ClaimedRows, Option<IntentFailure>), OutboundError> {
        let fence = LibraryFence {
            clients: &self.clients,
        };
        let place = fence.place().await;
        let store = &self.clients.store;
        let claim = async |place| {
            let claimed = store.claim_intents(wanted, claim, CLAIM, place).await;
            claimed.map_err(|error| OutboundError::Store(error.into()))
        };
        let claimed = claim(Some(&place)).await?;
        if claimed.fence != Some(FenceStanding::Unknown) {
            return Ok((claimed, None));
        }
        match fence.look().await {
            Ok(_) => Ok((claim(Some(&place)).await?, None)),
            Err(SettleError::Look(error)) => {
                Ok((claim(None).await?, Some(IntentFailure::of(&error))))
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Failing to send delays an intent until the next drain, and loses nothing.
    async fn send_again(&self, rows: impl Iterator<Item = (Uuid, Duration)>) {
        for (asset_row_id, delay) in rows {
            let message = queue::IntentMessage { asset_row_id };
            if let Err(error) = self.queue.send_after(&message, delay).await {
                telemetry::log_error("an intent waits for the next drain", &error);
                return;
            }
        }
    }

    async fn carry_out_claimed(
        &self,
        claim: Uuid,
        rows: Vec<AssetRow>,
        unknown: Option<IntentFailure>,
        deadline: Instant,
    ) -> Result<ClaimConclusion, OutboundError> {
        let mut policy = ClaimPolicy::new(claim, rows.clone());
        if let Some(failure) = unknown {
            policy.rest(&failure);
        }
        let mut settlement = Settlement::new(policy, PlanEvidence::default()).looking_from(rows);
        // What is seen may settle or cancel an intent, before anything is done.
        let mut after = self.settle(&mut settlement).await?;
        let (mut policy, mut evidence) = settlement.into_parts();
        if !policy.is_over() {
            let held = policy.held(after);
            let operations = plan_operations(&held, self.has_quota());
            // Afterwards there is a look at what was done, so a call that hangs ends before.
            let cloudinary = self.clients.cloudinary.until(Deadline::at(deadline));
            let outcomes = perform(&cloudinary, operations, deadline).await;
            policy.take_outcomes(&held, outcomes, &mut evidence);
            let refused: Vec<AssetId> = policy.refused().cloned().collect();
            let mut settlement = Settlement::new(policy, evidence)
                .looking_from(held)
                .without(&refused);
            after = self.settle(&mut settlement).await?;
            (policy, _) = settlement.into_parts();
        }
        Ok(policy.conclude(&after, Timestamp::now()))
    }

    /// Writes the observations, and in the end the failures. Answers the rows as they are then, but
    /// for their revisions.
    async fn settle(
        &self,
        settlement: &mut Settlement<ClaimPolicy>,
    ) -> Result<Vec<AssetRow>, OutboundError> {
        let driver = SettlementDriver {
            clients: &self.clients,
            quota: QuotaGuard::People,
        };
        let mut after = Vec::new();
        while let Some(mut plan) = driver.next_plan(settlement).await? {
            let now = Timestamp::now();
            note_failures(settlement, &mut plan, now, rand::random());
            after = rows_after(settlement, &plan);
            let written = if plan.is_empty() {
                WriteOutcome::Applied
            } else {
                let change = WriteSet::of_plan(plan).timed(None, now);
                WriteOutcome::of(self.clients.store.apply(&change).await)
                    .map_err(SettleError::Store)?
            };
            settlement.take_written(written)?;
        }
        Ok(after)
    }

    /// Tells whether the hour's quota allows to put deletes together.
    fn has_quota(&self) -> bool {
        let quota = self.clients.cloudinary.newest_quota();
        quota.is_none_or(|quota| {
            quota.remaining > QUOTA_FOR_BULK || quota.reset <= self.clients.cloudinary.cloud_now()
        })
    }
}

struct Round {
    results: BTreeMap<Uuid, Result<MessageOutcome, OutboundError>>,
    again: BTreeSet<Uuid>,
}

impl From<SettleError> for OutboundError {
    fn from(error: SettleError) -> Self {
        match error {
            SettleError::Look(source) => Self::Cloudinary(source.into()),
            SettleError::Store(source) => Self::Store(source.into()),
            SettleError::Contended | SettleError::Reserve(_) | SettleError::ValuesRefused(_) => {
                Self::Contended
            }
        }
    }
}

impl MessageFailure for OutboundError {
    fn prospect(&self) -> FailureProspect {
        match self {
            Self::Cloudinary(source) => source.prospect(),
            Self::Store(source) => source.prospect(),
            Self::Contended | Self::Busy => FailureProspect::Passing(Duration::ZERO),
        }
    }
}

impl OutboundError {
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

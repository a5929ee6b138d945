//! From a batch of notifications to rows.

mod accepted;
mod effect;
mod policy;
mod record;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use uuid::Uuid;

pub use self::accepted::AcceptedNotification;
pub use self::effect::{KnownRows, NotificationEffect};
pub use self::policy::{MovedFolders, NotificationPolicy};
use super::clients::SyncClients;
use super::notification::NotificationMeaning;
use super::plan::WritePlan;
use super::quota_guard::QuotaGuard;
use super::settle::{PlanEvidence, SettleError, Settlement, SettlementDriver, WriteOutcome};
use super::store::{NotificationRecord, NotificationVerdict, WriteSet};
use crate::cloudinary::CloudinaryError;
use crate::deadline::Deadline;
use crate::queue::{self, FailureProspect, IntentMessage, MessageFailure, SqsQueue};
use crate::supabase::SupabaseError;
use crate::telemetry::{self, metrics};
use crate::time::Timestamp;

/// The number of a moved folder's assets that are looked at right away; the rest is
/// reconciliation's.
const FOLDER_LIMIT: u32 = 1_000;

/// Applies notifications to the database.
#[derive(Clone, Debug)]
pub struct Ingest {
    pub clients: SyncClients,
    /// Takes what the notifications themselves give cause to send. Without it the next drain sends that.
    pub outbound: Option<SqsQueue>,
}

/// Reasons why a notification could not be applied. It stays in its queue and is tried again.
#[derive(Clone, Debug, thiserror::Error)]
pub enum IngestError {
    #[error("could not look at the changed assets")]
    Fetch(#[source] Arc<CloudinaryError>),
    #[error("could not read or write the rows")]
    Store(#[source] Arc<SupabaseError>),
    #[error("the rows kept changing while the change was planned")]
    Contended,
}

impl IngestError {
    /// Tells whether the same notification may succeed later without anybody's doing.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Fetch(source) => source.is_transient(),
            Self::Store(source) => source.is_transient(),
            Self::Contended => true,
        }
    }
}

impl MessageFailure for IngestError {
    fn prospect(&self) -> FailureProspect {
        match self {
            Self::Fetch(source) => source.prospect(),
            Self::Store(source) => source.prospect(),
            Self::Contended => FailureProspect::Passing(Duration::ZERO),
        }
    }
}

impl IngestError {
    /// Tells that fewer messages at once may succeed: one of them is at fault, or they are too many.
    fn asks_for_less(&self) -> bool {
        let is_about_size = matches!(self, Self::Store(source) if source.is_about_size());
        is_about_size || !self.is_transient()
    }
}

impl From<SettleError> for IngestError {
    fn from(error: SettleError) -> Self {
        match error {
            SettleError::Look(source) => Self::Fetch(source.into()),
            SettleError::Store(source) => Self::Store(source.into()),
            SettleError::Contended | SettleError::Reserve(_) | SettleError::ValuesRefused(_) => {
                Self::Contended
            }
        }
    }
}

/// The verdict of each notification of a batch, in their order.
pub type BatchVerdicts = Vec<Result<NotificationVerdict, IngestError>>;

/// Tells CloudWatch how old the news was that changed a row, and how much was not understood.
fn log_verdicts(accepted: &[AcceptedNotification], verdicts: &BatchVerdicts, now: Timestamp) {
    let with = |wanted: NotificationVerdict| {
        let each = accepted.iter().zip(verdicts);
        each.filter(move |(_, verdict)| matches!(verdict, Ok(verdict) if *verdict == wanted))
    };
    let ages: Vec<f64> = with(NotificationVerdict::Applied)
        .filter_map(|(accepted, _)| Some(accepted.age(now)?.as_secs_f64()))
        .collect();
    metrics::record_values(&metrics::NOTIFICATION_FRESHNESS, &ages);
    let parked = with(NotificationVerdict::Parked).count();
    if parked > 0 {
        metrics::record(&[(&metrics::NOTIFICATIONS_PARKED, parked as f64)]);
    }
}

impl Ingest {
    /// See [`SyncClients::until`].
    #[must_use]
    pub fn until(&self, end: Deadline) -> Self {
        Self {
            clients: self.clients.until(end),
            outbound: self.outbound.as_ref().map(|queue| queue.until(end)),
        }
    }

    /// Applies a batch; the answer has one result for each message, in their order.
    ///
    /// A message whose values no row can hold, or whose rows do not come to rest, takes no other
    /// with it. Those that tell a state are applied before those that only hint at one, and need looks. A batch that the database cannot even be asked about is tried again in halves, unless
    /// the cause passes by itself: then all of it waits.
    pub async fn apply_batch(&self, messages: Vec<queue::NotificationMessage>) -> BatchVerdicts {
        let accepted: Vec<AcceptedNotification> = messages
            .into_iter()
            .map(AcceptedNotification::read)
            .collect();
        let mut results = BTreeMap::new();
        // A look that hangs must not hold up what needs none.
        let (hints, told) = (0..accepted.len()).partition(|at| accepted[*at].is_hint());
        let mut open: Vec<Vec<usize>> = vec![hints, told];
        while let Some(mut part) = open.pop() {
            let batch: Vec<_> = part.iter().map(|at| accepted[*at].clone()).collect();
            match self.settle(batch).await {
                Ok(verdicts) => results.extend(part.into_iter().zip(verdicts)),
                Err(error) if !error.asks_for_less() || part.len() == 1 => {
                    results.extend(part.into_iter().map(|at| (at, Err(error.clone()))));
                }
                Err(_) => {
                    let second = part.split_off(part.len() / 2);
                    open.extend([second, part]);
                }
            }
        }
        let verdicts = results.into_values().collect();
        log_verdicts(&accepted, &verdicts, Timestamp::now());
        verdicts
    }

    async fn settle(
        &self,
        accepted: Vec<AcceptedNotification>,
    ) -> Result<BatchVerdicts, IngestError> {
        if accepted.is_empty() {
            return Ok(BatchVerdicts::new());
        }
        let folders = self.fetch_moved(&accepted).await?;
        let policy = NotificationPolicy::new(accepted, folders);
        let mut settlement = Settlement::new(policy, PlanEvidence::default());
        let driver = SettlementDriver {
            clients: &self.clients,
            quota: QuotaGuard::People,
        };
        let mut verdicts = BatchVerdicts::new();
        while let Some(plan) = driver.next_plan(&mut settlement).await? {
            let now = Timestamp::now();
            // What was seen is kept even where every notification has to wait for the rest of its looks.
            let changes_nothing = plan.is_empty();
            let proven = plan.proven_rows();
            let (change, given) = record(&settlement, plan, now);
            verdicts = given;
            let change = change.timed(None, now);
            let written = if changes_nothing && change.notifications.is_empty() {
                WriteOutcome::Applied
            } else {
                let answer = WriteOutcome::of(self.clients.store.apply(&change).await);
                answer.map_err(|error| IngestError::Store(error.into()))?
            };
            if matches!(written, WriteOutcome::Applied) {
                self.send_on(&proven).await;
            }
            settlement.take_written(written)?;
        }
        Ok(verdicts)
    }

    /// Sends rows that have something to be carried out in Cloudinary. What SQS refuses waits for the drain.
    async fn send_on(&self, rows: &[Uuid]) {
        let Some(outbound) = self.outbound.as_ref().filter(|_| !rows.is_empty()) else {
            return;
        };
        let messages = rows.iter().copied().map(IntentMessage::of_row);
        let outcome = outbound.send_batch(&messages.collect::<Vec<_>>()).await;
        if let Some((_, error)) = outcome.failed.first() {
            telemetry::log_error("a proof of an upload waits for the drain", error);
        }
    }

    /// The assets under every folder that a notification says has moved.
    async fn fetch_moved(
        &self,
        accepted: &[AcceptedNotification],
    ) -> Result<MovedFolders, IngestError> {
        let folders: BTreeSet<&String> = accepted
            .iter()
            .filter_map(|accepted| match &accepted.read.as_ref().ok()?.says {
                NotificationMeaning::FolderMoved { from } => Some(from),
                _ => None,
            })
            .collect();
        try_join_all(folders.into_iter().map(async |folder| {
            let ids = self
                .clients
                .store
                .fetch_folder_ids(folder, FOLDER_LIMIT)
                .await?;
            Ok((folder.clone(), ids))
        }))
        .await
        .map(MovedFolders::from_iter)
        .map_err(|error: SupabaseError| IngestError::Store(error.into()))
    }
}

/// Adds the notifications to a plan, and gives each its verdict (pure).
///
/// One that has to wait is not recorded, so that it is applied when it comes again. After days it is parked.
pub fn record(
    settlement: &Settlement<NotificationPolicy>,
    mut plan: WritePlan,
    now: Timestamp,
) -> (WriteSet, BatchVerdicts) {
    let policy = settlement.policy();
    policy.note_arrivals(&mut plan.audit);
    let unstable: BTreeSet<_> = settlement.unstable_assets().collect();
    let mut verdicts = BatchVerdicts::new();
    let mut records: Vec<NotificationRecord> = Vec::new();
    for (accepted, effect) in policy.effects() {
        let refused = effect
            .asset_ids()
            .find_map(|id| settlement.refused().get(id));
        let wait = if let Some(error) = policy.obstacle(effect) {
            Some(IngestError::Fetch(error.clone()))
        } else {
            let is_unstable = effect.asset_ids().any(|id| unstable.contains(id));
            (refused.is_none() && is_unstable).then_some(IngestError::Contended)
        };
        let verdict = match (wait, refused) {
            (Some(error), _) if accepted.has_waited_long(now) => {
                records.push(accepted.record_given_up(effect, &error));
                NotificationVerdict::Parked
            }
            (Some(error), _) => {
                verdicts.push(Err(error));
                continue;
            }
            (None, Some(reason)) => {
                records.push(accepted.record_refused(effect, reason));
                NotificationVerdict::Parked
            }
            (None, None) => {
                let verdict = effect.verdict(&plan);
                records.push(accepted.record(effect, verdict));
                verdict
            }
        };
        verdicts.push(Ok(verdict));
    }
    let change = WriteSet {
        notifications: records,
        ..WriteSet::of_plan(plan)
    };
    (change, verdicts)
}

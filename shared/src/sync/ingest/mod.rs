//! From a batch of notifications to rows: parse, fetch what only a fetch can tell, plan, write.

mod accepted;
mod batch;
mod concern;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::try_join_all;
use uuid::Uuid;

pub use self::accepted::Accepted;
pub use self::batch::{Batch, moments_of_change, newest_moment, note_arrivals, rows_concerned};
pub use self::concern::{Concern, Known};
use super::lookup::{self, MAX_ASSET_IDS};
use super::notification::Says;
use super::plan::{KeepClocks, PlanContext, Source, plan_observations};
use super::store::{ATTEMPTS, Store, Verdict, WriteSet};
use crate::asset::{AssetId, DeliveryName};
use crate::cloudinary::{Client, CloudinaryError};
use crate::deadline::{Deadline, TO_HAND_ON, TO_WRITE};
use crate::queue;
use crate::supabase::SupabaseError;
use crate::telemetry::metrics;
use crate::time::Timestamp;

/// How many assets of a moved folder are looked at right away; the rest is reconciliation's.
const FOLDER_LIMIT: u32 = 1_000;

const CONTEXT: PlanContext<'_> = PlanContext {
    source: Source::Webhook,
    run_id: None,
    keep_clocks: KeepClocks::Always,
    release: &[],
};

/// Applies notifications to the database.
#[derive(Clone, Debug)]
pub struct Ingest {
    pub cloudinary: Client,
    pub store: Store,
}

/// Why a notification could not be applied. It stays in its queue and is tried again.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error("could not look at the changed assets")]
    Fetch(#[source] Arc<CloudinaryError>),
    #[error("could not read or write the rows")]
    Store(#[source] Arc<SupabaseError>),
    #[error("the rows kept changing while the change was planned")]
    Contended,
}

impl IngestError {
    /// Whether the same notification may succeed later without anybody's doing.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Fetch(source) => source.is_transient(),
            Self::Store(source) => source.is_transient(),
            Self::Contended => true,
        }
    }

    /// Whether a single message of a batch may have brought it about.
    fn spoils_a_batch(&self) -> bool {
        match self {
            Self::Fetch(_) => false,
            Self::Store(source) => !source.is_transient(),
            Self::Contended => true,
        }
    }
}

/// Tells CloudWatch how old the news was that changed a row, and how much was not understood.
fn tell(accepted: &[Accepted], results: &[Result<Verdict, IngestError>], now: Timestamp) {
    let with = |wanted: Verdict| {
        let each = accepted.iter().zip(results);
        each.filter(move |(_, result)| matches!(result, Ok(verdict) if *verdict == wanted))
    };
    let ages: Vec<f64> = with(Verdict::Applied)
        .filter_map(|(accepted, _)| Some(accepted.age(now)?.as_secs_f64()))
        .collect();
    metrics::record_values(&metrics::NOTIFICATION_FRESHNESS, &ages);
    let parked = with(Verdict::Parked).count();
    if parked > 0 {
        metrics::record(&[(&metrics::NOTIFICATIONS_PARKED, parked as f64)]);
    }
}

impl Ingest {
    /// The same, for one invocation: calls to Cloudinary end while there is time to write, and the
    /// writing ends while there is time to answer.
    #[must_use]
    pub fn until(&self, end: Deadline) -> Self {
        Self {
            cloudinary: self.cloudinary.until(end.earlier(TO_WRITE)),
            store: self.store.until(end.earlier(TO_HAND_ON)),
        }
    }

    /// Applies a batch; the answer has one result for each message, in their order.
    ///
    /// A message that the database refuses for good, or whose row does not come to rest, must not
    /// take the others with it: such a batch is tried again in halves.
    pub async fn apply_batch(
        &self,
        messages: Vec<queue::Notification>,
    ) -> Vec<Result<Verdict, IngestError>> {
        let accepted: Vec<Accepted> = messages.into_iter().map(Accepted::read).collect();
        let mut results = BTreeMap::new();
        let mut open = vec![(0, accepted.len())];
        while let Some((start, end)) = open.pop() {
            let applied = self.apply_together(&accepted[start..end]).await;
            let spoils = applied
                .iter()
                .any(|result| matches!(result, Err(error) if error.spoils_a_batch()));
            if spoils && end - start > 1 {
                let middle = start.midpoint(end);
                open.extend([(start, middle), (middle, end)]);
            } else {
                results.extend((start..end).zip(applied));
            }
        }
        let results: Vec<_> = results.into_values().collect();
        tell(&accepted, &results, Timestamp::now());
        results
    }

    async fn apply_together(&self, accepted: &[Accepted]) -> Vec<Result<Verdict, IngestError>> {
        let mut batch = Batch::default();
        for _ in 0..ATTEMPTS {
            match self.try_apply(accepted, &mut batch).await {
                Ok(Some(results)) => return results,
                Ok(None) => {}
                Err(error) if error.is_conflict() => {}
                Err(error) => {
                    let error = Arc::new(error);
                    return accepted
                        .iter()
                        .map(|_| Err(IngestError::Store(error.clone())))
                        .collect();
                }
            }
        }
        accepted
            .iter()
            .map(|_| Err(IngestError::Contended))
            .collect()
    }

    /// `None` when more rows have to be read first.
    async fn try_apply(
        &self,
        accepted: &[Accepted],
        batch: &mut Batch,
    ) -> Result<Option<Vec<Result<Verdict, IngestError>>>, SupabaseError> {
        let folders = self.fetch_moved(accepted).await?;
        let query = rows_concerned(accepted, batch, &folders);
        let rows = self.store.fetch_rows(&query).await?;
        batch.note_rows(&rows);
        let known = Known::of(&rows);
        let mut concerns: Vec<Concern> = accepted
            .iter()
            .map(|accepted| Concern::of(accepted, &known, &folders))
            .collect();

        let newest = newest_moment(accepted, &rows);
        let wanted: BTreeMap<AssetId, Option<DeliveryName>> = concerns
            .iter()
            .flat_map(|concern| &concern.to_fetch)
            .map(|(id, name)| (id.clone(), name.clone()))
            .collect();
        self.fetch_missing(wanted, newest, batch).await;
        let changed = moments_of_change(accepted, &concerns);
        let mut observations = batch.observations(&changed);
        for concern in &mut concerns {
            concern.failed = concern
                .to_fetch
                .keys()
                .find_map(|id| batch.failed.get(id).cloned());
            if concern.failed.is_none() {
                observations.extend(concern.told.iter().cloned());
            }
        }

        let mut plan = plan_observations(&rows, &observations, CONTEXT, Uuid::new_v4);
        if !plan.displaced.is_empty() {
            // A look from an earlier attempt is what made them appear to hold the name.
            let displaced = plan.displaced.drain(..);
            let displaced = displaced.inspect(|id| drop(batch.fetched.remove(id)));
            let displaced = displaced.map(|id| (id, None)).collect();
            self.fetch_missing(displaced, newest, batch).await;
            observations.extend(batch.observations(&changed));
            plan = plan_observations(&rows, &observations, CONTEXT, Uuid::new_v4);
            if let Some(error) = plan.displaced.iter().find_map(|id| batch.failed.get(id)) {
                let failed = |_| Err(IngestError::Fetch(error.clone()));
                return Ok(Some(accepted.iter().map(failed).collect()));
            }
        }
        let unread = plan.unread_names(&query.names);
        if !unread.is_empty() {
            batch.names.extend(unread);
            return Ok(None);
        }

        let results: Vec<_> = concerns
            .iter()
            .map(|concern| concern.result(&plan))
            .collect();
        note_arrivals(&mut plan.audit, accepted, &concerns);
        let records = accepted.iter().zip(&concerns).zip(&results);
        let change = WriteSet {
            notifications: records
                .filter_map(|((accepted, concern), result)| {
                    Some(accepted.record(concern, *result.as_ref().ok()?))
                })
                .collect(),
            ..WriteSet::of_plan(plan)
        }
        .timed(None, Timestamp::now());
        if !change.notifications.is_empty() {
            self.store.apply(&change).await?;
        }
        Ok(Some(results))
    }

    /// The assets under every folder that a notification says has moved.
    async fn fetch_moved(
        &self,
        accepted: &[Accepted],
    ) -> Result<BTreeMap<String, Vec<AssetId>>, SupabaseError> {
        let folders: BTreeSet<&String> = accepted
            .iter()
            .filter_map(|accepted| match &accepted.read.as_ref().ok()?.says {
                Says::FolderMoved { from } => Some(from),
                _ => None,
            })
            .collect();
        try_join_all(folders.into_iter().map(async |folder| {
            let ids = self.store.fetch_folder_ids(folder, FOLDER_LIMIT).await?;
            Ok((folder.clone(), ids))
        }))
        .await
        .map(BTreeMap::from_iter)
    }

    /// Fetches what is wanted and not fetched yet. What cannot be fetched now is remembered as
    /// failed: the notifications that need it go back to the queue, the others go on.
    async fn fetch_missing(
        &self,
        mut wanted: BTreeMap<AssetId, Option<DeliveryName>>,
        newest: Option<Timestamp>,
        batch: &mut Batch,
    ) {
        wanted.retain(|id, _| !batch.fetched.contains_key(id));
        let wanted: Vec<_> = wanted.into_iter().collect();
        for chunk in wanted.chunks(MAX_ASSET_IDS) {
            match lookup::fetch_observations(&self.cloudinary, chunk, newest).await {
                Ok(looked) => {
                    batch
                        .failed
                        .retain(|id, _| !chunk.iter().any(|(fetched, _)| fetched == id));
                    batch
                        .fetched
                        .extend(looked.into_iter().map(|seen| (seen.asset_id.clone(), seen)));
                }
                Err(error) => {
                    let error = Arc::new(error);
                    batch
                        .failed
                        .extend(chunk.iter().map(|(id, _)| (id.clone(), error.clone())));
                }
            }
        }
    }
}

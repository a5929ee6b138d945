//! From a batch of notifications to rows: parse, fetch what only a fetch can tell, plan, write.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::future::try_join_all;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::lookup::{self, MAX_ASSET_IDS};
use super::notification::{AssetRef, NotUnderstood, Notification, Says, parse_notification};
use super::plan::{Change, Plan, PlanContext, Source, plan_observations};
use super::store::{ATTEMPTS, NotificationRecord, RowQuery, Store, Verdict, WriteSet};
use crate::asset::{AssetId, DeliveryName};
use crate::cloudinary::{Client, CloudinaryError};
use crate::observation::{Fact, Observation};
use crate::queue;
use crate::row::AssetRow;
use crate::supabase::SupabaseError;
use crate::time::Timestamp;

/// How many assets of a moved folder are looked at right away; the rest is reconciliation's.
const FOLDER_LIMIT: u32 = 1_000;

const CONTEXT: PlanContext = PlanContext {
    source: Source::Webhook,
    run_id: None,
    keep_clocks: true,
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
}

/// An accepted notification, read.
struct Accepted {
    digest: String,
    message: queue::Notification,
    read: Result<Notification, NotUnderstood>,
}

impl Ingest {
    /// Applies a batch; the answer has one result for each message, in their order.
    ///
    /// A message that the database refuses for good must not take the others with it, so a batch
    /// that is refused is tried again one by one.
    pub async fn apply_batch(
        &self,
        messages: Vec<queue::Notification>,
    ) -> Vec<Result<Verdict, IngestError>> {
        let accepted: Vec<Accepted> = messages.into_iter().map(Accepted::read).collect();
        let results = self.apply_together(&accepted).await;
        let refused = results.iter().any(
            |result| matches!(result, Err(IngestError::Store(error)) if !error.is_transient()),
        );
        if !refused || accepted.len() == 1 {
            return results;
        }
        let mut results = Vec::with_capacity(accepted.len());
        for single in accepted {
            results.extend(self.apply_together(std::slice::from_ref(&single)).await);
        }
        results
    }

    async fn apply_together(&self, accepted: &[Accepted]) -> Vec<Result<Verdict, IngestError>> {
        let mut batch = Batch::default();
        for _ in 0..ATTEMPTS {
            match self.try_apply(accepted, &mut batch).await {
                Ok(results) => return results,
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

    async fn try_apply(
        &self,
        accepted: &[Accepted],
        batch: &mut Batch,
    ) -> Result<Vec<Result<Verdict, IngestError>>, SupabaseError> {
        let folders = self.fetch_moved(accepted).await?;
        let rows = self
            .store
            .fetch_rows(&rows_concerned(accepted, batch, &folders))
            .await?;
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
        let mut observations: Vec<Observation> = batch.fetched.values().cloned().collect();
        for concern in &mut concerns {
            concern.failed = concern
                .to_fetch
                .keys()
                .find_map(|id| batch.failed.get(id).cloned());
            if concern.failed.is_none() {
                observations.append(&mut concern.told);
            }
        }

        let mut plan = plan_observations(&rows, &observations, CONTEXT, Uuid::new_v4);
        if !plan.displaced.is_empty() {
            let displaced = plan.displaced.drain(..).map(|id| (id, None)).collect();
            self.fetch_missing(displaced, newest, batch).await;
            observations.extend(batch.fetched.values().cloned());
            plan = plan_observations(&rows, &observations, CONTEXT, Uuid::new_v4);
            if let Some(error) = plan.displaced.iter().find_map(|id| batch.failed.get(id)) {
                return Ok(accepted
                    .iter()
                    .map(|_| Err(IngestError::Fetch(error.clone())))
                    .collect());
            }
        }

        let results: Vec<_> = concerns
            .iter()
            .map(|concern| concern.result(&plan))
            .collect();
        let records = accepted.iter().zip(&concerns).zip(&results);
        let change = WriteSet {
            notifications: records
                .filter_map(|((accepted, concern), result)| {
                    Some(accepted.record(concern, *result.as_ref().ok()?))
                })
                .collect(),
            ..WriteSet::of_plan(plan)
        };
        if !change.notifications.is_empty() {
            self.store.apply(&change).await?;
        }
        Ok(results)
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
                Ok(observations) => {
                    batch
                        .failed
                        .retain(|id, _| !chunk.iter().any(|(fetched, _)| fetched == id));
                    batch.fetched.extend(
                        observations
                            .into_iter()
                            .map(|seen| (seen.asset_id.clone(), seen)),
                    );
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

/// What is kept between the attempts of one batch: what was fetched stays true.
#[derive(Default)]
struct Batch {
    fetched: BTreeMap<AssetId, Observation>,
    failed: BTreeMap<AssetId, Arc<CloudinaryError>>,
}

/// The rows by what notifications call them.
struct Known<'a> {
    by_id: BTreeMap<&'a AssetId, &'a AssetRow>,
    by_name: BTreeMap<DeliveryName, &'a AssetId>,
}

impl<'a> Known<'a> {
    fn of(rows: &'a [AssetRow]) -> Self {
        let live = rows.iter().filter(|row| row.is_live());
        Self {
            by_id: rows
                .iter()
                .map(|row| (&row.cloudinary_asset_id, row))
                .collect(),
            by_name: live
                .map(|row| (row.name(), &row.cloudinary_asset_id))
                .collect(),
        }
    }

    /// Whether an upload may have cleared what it does not mention: it replaced content that is
    /// known here. A version counts seconds, so the moment decides between two of one second.
    fn has_older_content(&self, upload: &Observation) -> bool {
        let Fact::Seen(sighting) = &upload.fact else {
            return false;
        };
        let version = sighting.content.as_ref().map(|content| content.version);
        self.by_id.get(&upload.asset_id).is_some_and(|row| {
            (row.cloudinary_version, row.clocks.content) < (version, Some(upload.at.micros()))
        })
    }
}

/// What one notification asks for.
#[derive(Default)]
struct Concern {
    told: Vec<Observation>,
    to_fetch: BTreeMap<AssetId, Option<DeliveryName>>,
    /// Names that no row here answers to.
    unresolved: usize,
    failed: Option<Arc<CloudinaryError>>,
    parked: Option<String>,
}

impl Concern {
    fn of(
        accepted: &Accepted,
        known: &Known<'_>,
        folders: &BTreeMap<String, Vec<AssetId>>,
    ) -> Self {
        let mut concern = Self::default();
        match accepted
            .read
            .as_ref()
            .map(|notification| &notification.says)
        {
            Err(reason) => concern.parked = Some(reason.to_string()),
            Ok(Says::Nothing) => {}
            Ok(Says::Deleted(gone)) => concern.told.clone_from(gone),
            Ok(Says::Uploaded(upload)) => {
                if known.has_older_content(upload) {
                    concern.to_fetch.insert(upload.asset_id.clone(), None);
                }
                concern.told.push((**upload).clone());
            }
            Ok(Says::Changed(assets)) => assets
                .iter()
                .for_each(|asset| concern.look_at(asset, known)),
            Ok(Says::FolderMoved { from }) => {
                let ids = folders.get(from).into_iter().flatten();
                concern.to_fetch.extend(ids.map(|id| (id.clone(), None)));
            }
        }
        if concern.told.is_empty() && concern.to_fetch.is_empty() && concern.unresolved > 0 {
            concern.parked =
                Some("it names, without ids, only assets that are not known here".to_owned());
        }
        concern
    }

    fn look_at(&mut self, asset: &AssetRef, known: &Known<'_>) {
        match asset {
            AssetRef::Id(id) => {
                self.to_fetch.insert(id.clone(), None);
            }
            AssetRef::Name(name) => match known.by_name.get(name) {
                Some(id) => {
                    self.to_fetch.insert((*id).clone(), Some(name.clone()));
                }
                None => self.unresolved += 1,
            },
        }
    }

    fn result(&self, plan: &Plan) -> Result<Verdict, IngestError> {
        if let Some(error) = &self.failed {
            return Err(IngestError::Fetch(error.clone()));
        }
        if self.parked.is_some() {
            return Ok(Verdict::Parked);
        }
        let changed = |id: &AssetId| {
            plan.changes
                .get(id)
                .is_some_and(|change| *change != Change::Unchanged)
        };
        Ok(if self.asset_ids().any(changed) {
            Verdict::Applied
        } else {
            Verdict::Superseded
        })
    }

    fn asset_ids(&self) -> impl Iterator<Item = &AssetId> {
        let told = self.told.iter().map(|observation| &observation.asset_id);
        told.chain(self.to_fetch.keys())
    }
}

impl Accepted {
    fn read(message: queue::Notification) -> Self {
        let body = message.body.as_bytes();
        let mut hash = Sha256::new();
        hash.update(message.signature_timestamp.to_string().as_bytes());
        hash.update(b"\n");
        hash.update(body);
        Self {
            digest: hex::encode(hash.finalize()),
            read: parse_notification(body),
            message,
        }
    }

    fn record(&self, concern: &Concern, verdict: Verdict) -> NotificationRecord {
        let read = self.read.as_ref().ok();
        let ids: BTreeSet<AssetId> = concern
            .asset_ids()
            .cloned()
            .chain(
                read.iter()
                    .flat_map(|notification| told_ids(&notification.says)),
            )
            .collect();
        let (body, body_is_base64) = storable(self.message.body.as_bytes());
        NotificationRecord {
            digest: self.digest.clone(),
            notification_type: read.map(|notification| notification.kind.clone()),
            triggered_at: read.and_then(|notification| notification.triggered_at),
            received_at: self.message.received_at,
            asset_ids: ids.into_iter().collect(),
            verdict,
            reason: concern.parked.clone(),
            body,
            body_is_base64,
        }
    }
}

/// PostgreSQL's text holds every character but NUL.
fn storable(body: &[u8]) -> (String, bool) {
    match std::str::from_utf8(body) {
        Ok(text) if !text.contains('\0') => (text.to_owned(), false),
        _ => (STANDARD.encode(body), true),
    }
}

fn told_ids(says: &Says) -> Vec<AssetId> {
    match says {
        Says::Uploaded(upload) => vec![upload.asset_id.clone()],
        Says::Deleted(gone) => gone.iter().map(|gone| gone.asset_id.clone()).collect(),
        Says::Changed(_) | Says::FolderMoved { .. } | Says::Nothing => Vec::new(),
    }
}

/// Every row that the batch may touch: the assets it names, and who holds their names now.
fn rows_concerned(
    accepted: &[Accepted],
    batch: &Batch,
    folders: &BTreeMap<String, Vec<AssetId>>,
) -> RowQuery {
    let mut ids: BTreeSet<AssetId> = batch
        .fetched
        .keys()
        .chain(folders.values().flatten())
        .cloned()
        .collect();
    let mut names: BTreeSet<DeliveryName> = batch.fetched.values().filter_map(seen_name).collect();
    for notification in accepted
        .iter()
        .filter_map(|accepted| accepted.read.as_ref().ok())
    {
        ids.extend(told_ids(&notification.says));
        match &notification.says {
            Says::Uploaded(upload) => names.extend(seen_name(upload)),
            Says::Changed(assets) => {
                for asset in assets {
                    match asset {
                        AssetRef::Id(id) => drop(ids.insert(id.clone())),
                        AssetRef::Name(name) => drop(names.insert(name.clone())),
                    }
                }
            }
            Says::Deleted(_) | Says::FolderMoved { .. } | Says::Nothing => {}
        }
    }
    RowQuery {
        ids: Vec::new(),
        asset_ids: ids.into_iter().collect(),
        names: names.into_iter().collect(),
    }
}

fn seen_name(observation: &Observation) -> Option<DeliveryName> {
    match &observation.fact {
        Fact::Seen(sighting) => Some(sighting.name.clone()),
        Fact::Gone(_) => None,
    }
}

/// The newest moment of Cloudinary's clock that was known before anything is fetched: a fetch
/// that follows it cannot have seen an older state.
fn newest_moment(accepted: &[Accepted], rows: &[AssetRow]) -> Option<Timestamp> {
    let triggered = accepted
        .iter()
        .filter_map(|accepted| accepted.read.as_ref().ok()?.triggered_at);
    let known = rows.iter().filter_map(|row| row.clocks.newest());
    triggered.chain(known).max()
}

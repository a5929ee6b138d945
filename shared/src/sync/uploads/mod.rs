//! Uploads that a function carries out: a row that waits, then the file, then Cloudinary's answer.
//!
//! The name is pinned before anything is sent, and nothing is replaced. So there is never more than
//! one asset to an upload. Its first news (the answer, its notification or a run) gives it the row
//! that waits. What a function leaves behind that dies, [`Uploads::resolve_due`] brings to an end.

mod record;
mod resolve;

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::Value;
use uuid::Uuid;

pub use self::record::{DueUpload, NewUpload, UploadGrant, UploadState, WaitingRow};
use super::clients::SyncClients;
use super::fence::LibraryFence;
use super::lookup::stamp;
use super::plan;
use super::quota_guard::QuotaGuard;
use super::retry::{FailureKind, IntentFailure};
use super::settle::{ListingPolicy, PlanEvidence, SettleError, SettlementDriver};
use super::store::ATTEMPTS;
use crate::asset::ResourceType;
use crate::cloudinary::upload::{UploadOptions, UploadSource};
use crate::cloudinary::{CloudinaryAnswer, CloudinaryError, CloudinaryResource, RefusalKind};
use crate::deadline::Deadline;
use crate::observation::{AbsenceMeaning, Observation};
use crate::supabase::SupabaseError;
use crate::telemetry;
use crate::upload::proof::PROOF_KEY;
use crate::upload::{ChosenName, UploadKind, UploadProof, UploadRefusal, Uploader};

/// The seconds that a row waits before others look for its upload: longer than a function runs, and
/// than Cloudinary fetches.
const OPEN_SECONDS: u32 = 300;

/// Carries uploads out.
#[derive(Clone, Debug)]
pub struct Uploads {
    pub clients: SyncClients,
}

/// A wanted upload, checked and named.
#[derive(Debug, Clone)]
pub struct WantedUpload {
    pub id: Uuid,
    pub kind: UploadKind,
    pub uploader: Uploader,
    pub named: ChosenName,
    pub resource_type: ResourceType,
    pub display_name: Option<String>,
    pub tags: Vec<String>,
    pub context: BTreeMap<String, String>,
    pub filename: Option<String>,
    /// Bytes, where they are known.
    pub file_size: Option<u64>,
    pub format: Option<String>,
    /// Formats that Cloudinary is to take, since it knows more of them than is known here; none
    /// means any.
    pub allowed_formats: Vec<String>,
}

/// The outcome of an upload.
#[derive(Debug)]
pub enum UploadOutcome {
    /// The asset is there, and this is its row.
    Stored(Value),
    /// It is not known yet; the row, if it could be read.
    Pending(Option<Value>),
}

/// Reasons why nothing was uploaded.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    #[error("{0}")]
    Refused(UploadRefusal),
    #[error("the upload could not be recorded")]
    Store(#[source] SupabaseError),
    #[error("Cloudinary did not take the file")]
    Cloudinary(#[source] CloudinaryError),
    #[error("whose library this is could not be found out")]
    Fence(#[source] SettleError),
}

impl Uploads {
    /// See [`SyncClients::until`].
    #[must_use]
    pub fn until(&self, end: Deadline) -> Self {
        Self {
            clients: self.clients.until(end),
        }
    }

    /// Records an upload before anything of it is signed or sent. The first from a new place looks whose the library is.
    ///
    /// # Errors
    /// When it may not be begun, or the database cannot be asked. Nothing is recorded then.
    pub async fn begin(&self, beginning: NewUpload) -> Result<UploadGrant, UploadError> {
        let fence = LibraryFence {
            clients: &self.clients,
        };
        let beginning = beginning.at(fence.place().await);
        for _ in 0..ATTEMPTS {
            match self.clients.store.begin_upload(&beginning).await {
                Ok(Err(UploadRefusal::FenceUnknown)) => {
                    fence.look().await.map_err(UploadError::Fence)?;
                }
                Ok(answer) => return answer.map_err(UploadError::Refused),
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(UploadError::Store(error)),
            }
        }
        Err(UploadError::Refused(UploadRefusal::Taken))
    }

    /// Uploads a file, waiting for Cloudinary until `deadline`.
    ///
    /// # Errors
    /// See [`UploadError`]: nothing was uploaded, and no row is left.
    pub async fn upload(
        &self,
        wanted: &WantedUpload,
        source: UploadSource,
        deadline: Instant,
    ) -> Result<UploadOutcome, UploadError> {
        let cloudinary = &self.clients.cloudinary;
        let begun = self.begin(wanted.beginning(cloudinary.cloud_now())).await?;
        let options = wanted.options(begun.proof);
        let sent = cloudinary.upload(source, &options);
        match tokio::time::timeout_at(deadline.into(), sent).await {
            Ok(Ok(answer)) if answer.value.existing == Some(true) => {
                self.lose(wanted, &answer).await
            }
            Ok(Ok(mut answer)) => {
                answer.observed_at = stamp(answer.observed_at, begun.newest());
                Ok(self.take_in(wanted.id, &answer).await)
            }
            Ok(Err(error)) if !may_have_arrived(&error) => {
                let message = telemetry::chain(&error);
                self.end(wanted.id, error.code(), &message).await;
                Err(UploadError::Cloudinary(error))
            }
            Ok(Err(error)) => {
                telemetry::log_error("whether a file was uploaded will show", &error);
                Ok(self.pending(wanted.id).await)
            }
            Err(_elapsed) => Ok(self.pending(wanted.id).await),
        }
    }

    /// The name was taken: nothing was uploaded, and its holder is worth knowing.
    async fn lose(
        &self,
        wanted: &WantedUpload,
        answer: &CloudinaryAnswer<CloudinaryResource>,
    ) -> Result<UploadOutcome, UploadError> {
        let refusal = UploadRefusal::Taken;
        self.end(wanted.id, refusal.code(), &refusal.to_string())
            .await;
        if let Err(error) = self.settle(seen_in(answer), from_the_api()).await {
            telemetry::log_error("an asset that was met waits for the next run", &error);
        }
        Err(UploadError::Refused(refusal))
    }

    async fn take_in(
        &self,
        id: Uuid,
        answer: &CloudinaryAnswer<CloudinaryResource>,
    ) -> UploadOutcome {
        // Its notification is on its way, and there is no time to look.
        let policy = from_the_api().beyond_doubt();
        if let Err(error) = self.settle(seen_in(answer), policy).await {
            telemetry::log_error("an uploaded asset waits for its notification", &error);
        }
        self.pending(id).await
    }

    /// Writes the observations.
    async fn settle(
        &self,
        evidence: PlanEvidence,
        policy: ListingPolicy,
    ) -> Result<(), SettleError> {
        let driver = SettlementDriver {
            clients: &self.clients,
            quota: QuotaGuard::People,
        };
        driver.settle_few(evidence, policy).await
    }

    /// Reads the upload's state; its notification may have come meanwhile.
    async fn pending(&self, id: Uuid) -> UploadOutcome {
        match self.clients.store.fetch_upload(id).await {
            Ok(UploadState {
                outcome: Some(outcome),
                item: Some(item),
            }) if outcome == "stored" => UploadOutcome::Stored(item),
            Ok(state) => UploadOutcome::Pending(state.item),
            Err(error) => {
                telemetry::log_error("how an upload stands could not be read", &error);
                UploadOutcome::Pending(None)
            }
        }
    }

    /// Ends the upload now, or leaves it to [`Uploads::resolve_due`].
    async fn end(&self, id: Uuid, code: &str, message: &str) {
        let ended = self.clients.store.end_upload(id, "refused", code, message);
        if let Err(error) = ended.await {
            telemetry::log_error("an upload that was refused waits for the drain", &error);
        }
    }
}

fn seen_in(answer: &CloudinaryAnswer<CloudinaryResource>) -> PlanEvidence {
    let seen = Observation::of_resource(
        &answer.value,
        answer.observed_at,
        AbsenceMeaning::WhatIsThere,
    );
    PlanEvidence::new(seen.into_iter().collect(), 1)
}

fn from_the_api() -> ListingPolicy {
    ListingPolicy::few(plan::ObservationSource::Api, None)
}

impl WantedUpload {
    fn beginning(&self, now: crate::time::Timestamp) -> NewUpload {
        let row = WaitingRow {
            resource_type: self.resource_type,
            original_filename: self.filename.clone(),
            file_size: self.file_size,
            format: self.format.clone(),
            display_name: self.display_name.clone(),
            folder: self.named.folder.clone(),
            tags: self.tags.iter().cloned().collect(),
            context: self.context.clone(),
            metadata: Value::Object(serde_json::Map::new()),
        };
        NewUpload::new(
            self.id,
            self.uploader,
            &self.named,
            false,
            now,
            OPEN_SECONDS,
        )
        .with_row(self.kind, row)
    }

    fn options(&self, proof: UploadProof) -> UploadOptions {
        let folder = Some(self.named.folder.clone()).filter(|folder| !folder.is_empty());
        let proof =
            (proof == UploadProof::Context).then(|| (PROOF_KEY.to_owned(), self.id.to_string()));
        UploadOptions {
            resource_type: Some(self.resource_type),
            delivery_type: Some("upload".to_owned()),
            public_id: Some(self.named.public_id.clone()),
            asset_folder: folder,
            display_name: self.display_name.clone(),
            tags: self.tags.clone(),
            context: self.context.clone().into_iter().chain(proof).collect(),
            allowed_formats: self.allowed_formats.clone(),
            overwrite: Some(false),
            ..UploadOptions::default()
        }
    }
}

/// Tells whether the file may have been stored although the answer says otherwise, or did not come.
fn may_have_arrived(error: &CloudinaryError) -> bool {
    IntentFailure::of(error).kind == FailureKind::Unknown
        || matches!(error.refusal(), Some(RefusalKind::Server { .. }))
}

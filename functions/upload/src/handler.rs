//! `GET /api/cloudinary/upload` tells the rules; `POST` signs, ingests an address, or uploads.

use std::time::{Duration, Instant};

use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, RequestExt, Response};
use media_sync::cloudinary::CloudinaryClient;
use media_sync::cloudinary::upload::UploadSource;
use media_sync::deadline::{self, Deadline};
use media_sync::http::auth::{authenticate, require_account, require_writer};
use media_sync::http::{Problem, QueryParameters, reply, respond};
use media_sync::queue::{IntentMessage, SqsQueue};
use media_sync::row::SyncStatus;
use media_sync::settings::LiveRules;
use media_sync::supabase::jwt::TokenVerifier;
use media_sync::sync::uploads::{NewUpload, UploadOutcome, Uploads, WantedUpload};
use media_sync::telemetry;
use media_sync::time::Timestamp;
use media_sync::upload::{UploadBounds, UploadRules, Uploader};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::host::look_up;
use crate::planned::{PlannedSignature, PlannedUpload, is_of_rules};
use crate::rules::{address, describe};

/// Kept free at the end of an invocation, to write down the upload's outcome.
const MARGIN: Duration = Duration::from_secs(5);

const STORED: &str = "The file is in Cloudinary and in the database.";
const PENDING: &str = "Cloudinary has not answered yet. The row becomes synced when the file is there, and goes if it does not come.";

/// The part of a stored row that tells whether Cloudinary has more to do.
#[derive(Debug, Deserialize)]
struct UploadedRow {
    id: Uuid,
    sync_status: SyncStatus,
}

/// Signs and uploads in the name of the caller.
#[derive(Debug)]
pub(crate) struct UploadRequests {
    pub(crate) verifier: TokenVerifier,
    pub(crate) rules: LiveRules,
    pub(crate) uploads: Uploads,
    pub(crate) outbound: SqsQueue,
}

impl UploadRequests {
    pub(crate) async fn handle(&self, request: Request) -> Response<Body> {
        respond(request, async |request| {
            let caller = authenticate(&self.verifier, request.headers(), Timestamp::now()).await?;
            require_account(&caller)?;
            let uploader = Uploader {
                id: caller.sub,
                role: caller.user_role,
            };
            QueryParameters::parse(request.uri().query(), &[])?;
            match *request.method() {
                Method::GET => {
                    let end = Deadline::of_request(request);
                    self.describe(uploader, end).await
                }
                Method::POST => {
                    require_writer(&caller)?;
                    let end = Deadline::of_request(request);
                    self.until(end).post(request, uploader, end).await
                }
                _ => Err(Problem::method_not_allowed("GET, POST")),
            }
        })
        .await
    }

    /// The same, for one invocation.
    fn until(&self, end: Deadline) -> Self {
        Self {
            verifier: self.verifier.clone(),
            rules: self.rules.clone(),
            uploads: self.uploads.until(end),
            outbound: self.outbound.until(end),
        }
    }

    /// Rules that refuse are looked for once more: they may have been changed.
    async fn post(
        &self,
        request: &Request,
        uploader: Uploader,
        end: Deadline,
    ) -> Result<Response<Body>, Problem> {
        let rules = self.rules.current(end).await?;
        let refused = match self.post_under(request, &rules, uploader).await {
            Err(problem) if is_of_rules(&problem) => problem,
            answered => return answered,
        };
        match self.rules.renewed_if_due(&rules).await {
            Some(newer) => self.post_under(request, &newer, uploader).await,
            None => Err(refused),
        }
    }

    async fn post_under(
        &self,
        request: &Request,
        rules: &UploadRules,
        uploader: Uploader,
    ) -> Result<Response<Body>, Problem> {
        let deadline = request.lambda_context_ref().map_or_else(
            || Instant::now() + MARGIN,
            |context| deadline::before_the_end(context, MARGIN),
        );
        let id = Uuid::new_v4();
        match PlannedUpload::plan(request, rules, uploader, id).await? {
            PlannedUpload::Signed(planned) => self.sign(*planned, rules, uploader, id).await,
            PlannedUpload::Remote(file, wanted, source) => {
                look_up(&file).await?;
                self.carry_out(*wanted, source, deadline).await
            }
            PlannedUpload::File(wanted, source) => self.carry_out(*wanted, source, deadline).await,
        }
    }

    async fn sign(
        &self,
        planned: PlannedSignature,
        rules: &UploadRules,
        uploader: Uploader,
        id: Uuid,
    ) -> Result<Response<Body>, Problem> {
        let PlannedSignature {
            signable,
            resource_type,
        } = planned;
        let cloudinary = self.cloudinary();
        let now = cloudinary.cloud_now();
        let valid = rules.valid_seconds;
        let named = &signable.named;
        let beginning = NewUpload::new(id, uploader, named, signable.overwrite, now, valid);
        let beginning = beginning.within(UploadBounds::from(rules));
        let begun = self.uploads.begin(beginning).await?;
        let credentials = cloudinary.credentials().await;
        let signable = signable.with_proof(begun.proof, id);
        let mut answer = signable.sign(begun.overwrite, now, valid, &credentials);
        let expires_at = now.offset(i64::from(valid) * 1_000_000);
        answer.insert(
            "upload".to_owned(),
            json!({
                "id": id, "url": address(resource_type, &credentials),
                "expires_at": expires_at, "max_bytes": rules.max_bytes,
            }),
        );
        Ok(reply::json(StatusCode::OK, &answer))
    }

    async fn carry_out(
        &self,
        wanted: WantedUpload,
        source: UploadSource,
        deadline: Instant,
    ) -> Result<Response<Body>, Problem> {
        let uploaded = self.uploads.upload(&wanted, source, deadline).await?;
        if let UploadOutcome::Stored(item) = &uploaded {
            self.send_on(item).await;
        }
        let (status, word, message, item) = match uploaded {
            UploadOutcome::Stored(item) => (StatusCode::CREATED, "stored", STORED, Some(item)),
            UploadOutcome::Pending(item) => (StatusCode::ACCEPTED, "pending", PENDING, item),
        };
        let answer = json!({
            "upload_id": wanted.id, "status": word, "public_id": wanted.named.public_id,
            "item": item, "message": message,
        });
        Ok(reply::json(status, &answer))
    }

    /// Sends a row that has the upload's proof to remove. What SQS refuses waits for the drain.
    async fn send_on(&self, item: &Value) {
        let Ok(row) = UploadedRow::deserialize(item) else {
            return;
        };
        if row.sync_status != SyncStatus::Pending {
            return;
        }
        let message = IntentMessage::of_row(row.id);
        let outcome = self.outbound.send_batch(&[message]).await;
        if let Some((_, error)) = outcome.failed.first() {
            telemetry::log_error("a proof of an upload waits for the drain", error);
        }
    }

    fn cloudinary(&self) -> &CloudinaryClient {
        &self.uploads.clients.cloudinary
    }

    async fn describe(&self, uploader: Uploader, end: Deadline) -> Result<Response<Body>, Problem> {
        let rules = self.rules.current(end).await?;
        let credentials = self.cloudinary().credentials().await;
        let answer = describe(uploader, &rules, &credentials);
        Ok(reply::json(StatusCode::OK, &answer))
    }
}

//! The record of uploads that begin here, as the database keeps it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::asset::ResourceType;
use crate::supabase::SupabaseError;
use crate::sync::marker::{LibraryOwner, LibraryPlace};
use crate::sync::store::MirrorStore;
use crate::time::Timestamp;
use crate::upload::{ChosenName, UploadBounds, UploadKind, UploadProof, UploadRefusal, Uploader};
use crate::user_role::UserRole;

/// The seconds that our clock may be ahead of Cloudinary's without an upload being taken for an
/// older one.
const CLOCK_SLACK: i64 = 60;

/// The seconds after its time in which an upload may still be stored: a large file may begin in
/// time and end later.
const TIME_TO_ARRIVE: i64 = 3600;

/// The number of one user's uploads that may be under way.
const MOST_OPEN: u32 = 200;

/// The number of names that one user's signatures may keep from others. Names that are chosen here
/// keep nothing from anybody.
const MOST_RESERVED: u32 = 20;

/// An upload that begins.
#[derive(Debug, Clone, Serialize)]
pub struct NewUpload {
    id: Uuid,
    kind: UploadKind,
    uploader: Uuid,
    role: UserRole,
    public_id: String,
    is_name_given: bool,
    folder: String,
    resource_type: Option<ResourceType>,
    overwrite: bool,
    since_version: i64,
    until_version: i64,
    open_seconds: u32,
    most_open: u32,
    most_reserved: u32,
    row: Option<WaitingRow>,
    place: Option<LibraryPlace>,
    bounds: Option<UploadBounds>,
}

/// The known values of an asset that is not there yet.
#[derive(Debug, Clone, Serialize)]
pub struct WaitingRow {
    pub resource_type: ResourceType,
    pub original_filename: Option<String>,
    pub file_size: Option<u64>,
    pub format: Option<String>,
    pub display_name: Option<String>,
    pub folder: String,
    pub tags: BTreeSet<String>,
    pub context: BTreeMap<String, String>,
    pub metadata: Value,
}

/// The state of an upload.
#[derive(Debug, Clone, Deserialize)]
pub struct UploadState {
    /// `stored`, `refused`, `lost`, or nothing yet.
    pub outcome: Option<String>,
    /// Its row, as the API shows it.
    pub item: Option<Value>,
}

/// An upload whose row still waits although its time is over.
#[derive(Debug, Clone, Deserialize)]
pub struct DueUpload {
    pub id: Uuid,
    pub resource_type: ResourceType,
    pub delivery_type: String,
    pub public_id: String,
}

impl NewUpload {
    /// An upload that begins at `now`, on Cloudinary's clock, and whose name is kept for it for
    /// `open_seconds`.
    pub fn new(
        id: Uuid,
        uploader: Uploader,
        named: &ChosenName,
        overwrite: bool,
        now: Timestamp,
        open_seconds: u32,
    ) -> Self {
        let seconds = now.micros().div_euclid(1_000_000);
        Self {
            id,
            kind: UploadKind::Signed,
            uploader: uploader.id,
            role: uploader.role,
            public_id: named.public_id.clone(),
            is_name_given: named.is_given,
            folder: named.folder.clone(),
            resource_type: None,
            overwrite,
            since_version: seconds - CLOCK_SLACK,
            until_version: seconds + i64::from(open_seconds) + TIME_TO_ARRIVE,
            open_seconds,
            most_open: MOST_OPEN,
            most_reserved: MOST_RESERVED,
            row: None,
            place: None,
            bounds: None,
        }
    }

    /// The same for a file that a function sends, with the row that waits for it.
    #[must_use]
    pub fn with_row(mut self, kind: UploadKind, row: WaitingRow) -> Self {
        self.kind = kind;
        self.resource_type = Some(row.resource_type);
        self.row = Some(row);
        self
    }

    /// The same, judged by these bounds once its file has come.
    #[must_use]
    pub fn within(mut self, bounds: UploadBounds) -> Self {
        self.bounds = Some(bounds);
        self
    }

    /// The same from this place, which may lie behind another's fence.
    #[must_use]
    pub fn at(mut self, place: LibraryPlace) -> Self {
        self.place = Some(place);
        self
    }
}

/// The database's grant to an upload that begins.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct UploadGrant {
    /// True if it may replace what has its name.
    pub overwrite: bool,
    /// The proof that its asset has to bring.
    pub proof: UploadProof,
    newest_clock: Option<i64>,
}

impl UploadGrant {
    /// The newest known moment of deleted assets of its name, which it may bring back. Uploads from
    /// now on are newer, whatever the local clock says.
    pub fn newest(&self) -> Option<Timestamp> {
        self.newest_clock.map(Timestamp::from_micros)
    }
}

#[derive(Debug, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum Answer {
    Begun(UploadGrant),
    Taken,
    Reserved,
    NotYours,
    TooMany,
    OverBudget { wait_seconds: u64 },
    OutsidePrefix { prefix: String },
    Fenced { owner: Option<String> },
    FenceUnknown,
}

impl MirrorStore {
    /// Records an upload before anything of it is signed or sent.
    ///
    /// # Errors
    /// When the database cannot be asked, or refuses the write. The inner error is the upload's.
    pub async fn begin_upload(
        &self,
        beginning: &NewUpload,
    ) -> Result<Result<UploadGrant, UploadRefusal>, SupabaseError> {
        let arguments = json!({"p_upload": beginning});
        let answer = self
            .supabase
            .rpc("media_sync_begin_upload", &arguments)
            .await?;
        Ok(match answer {
            Answer::Begun(begun) => Ok(begun),
            Answer::Taken => Err(UploadRefusal::Taken),
            Answer::Reserved => Err(UploadRefusal::Reserved),
            Answer::NotYours => Err(UploadRefusal::NotYours),
            Answer::TooMany => Err(UploadRefusal::TooMany),
            Answer::OverBudget { wait_seconds } => Err(UploadRefusal::OverBudget {
                wait: Duration::from_secs(wait_seconds),
            }),
            Answer::OutsidePrefix { prefix } => Err(UploadRefusal::OutsidePrefix(prefix)),
            Answer::Fenced { owner } => {
                Err(UploadRefusal::Fenced(owner.unwrap_or_else(|| {
                    LibraryOwner::default().words().to_owned()
                })))
            }
            Answer::FenceUnknown => Err(UploadRefusal::FenceUnknown),
        })
    }

    /// Ends an upload that came to nothing; one that has ended already is left as it is.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn end_upload(
        &self,
        id: Uuid,
        outcome: &'static str,
        code: &str,
        message: &str,
    ) -> Result<(), SupabaseError> {
        let arguments = json!({
            "p_id": id, "p_outcome": outcome, "p_error_code": code, "p_error_message": message,
        });
        self.supabase.rpc("media_sync_end_upload", &arguments).await
    }

    /// Uploads whose rows still wait although their time is over, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn fetch_due_uploads(&self, limit: usize) -> Result<Vec<DueUpload>, SupabaseError> {
        let arguments = json!({"p_limit": limit});
        self.supabase
            .rpc("media_sync_due_uploads", &arguments)
            .await
    }

    /// The state of an upload.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn fetch_upload(&self, id: Uuid) -> Result<UploadState, SupabaseError> {
        let arguments = json!({"p_id": id});
        self.supabase.rpc("media_sync_upload", &arguments).await
    }
}

//! Assets that come of uploads that began here: their rows and their owners (pure).

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::asset::ResourceType;
use crate::row::AssetRow;
use crate::time::Timestamp;
use crate::upload::proof::upload_named_by;
use crate::upload::{UploadKind, UploadProof};

/// Delivery type of all uploads that begin here.
const UPLOAD: &str = "upload";

/// An upload that began here, and that an asset may still come of.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct OpenUpload {
    pub id: Uuid,
    pub kind: UploadKind,
    pub uploader: Uuid,
    pub public_id: String,
    pub proof: UploadProof,
    /// True if it may replace the content of an asset that is there.
    pub overwrite: bool,
    /// The versions of its asset, in Unix seconds of Cloudinary's clock, both included.
    pub since_version: i64,
    pub until_version: i64,
    pub begun_at: Timestamp,
    /// The row of the upload's id that waits for the asset.
    pub waiting: Option<WaitingAsset>,
}

/// A row that waits for its asset.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub struct WaitingAsset {
    pub resource_type: ResourceType,
    pub revision: i64,
}

/// The end of an upload.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum UploadEnding {
    /// Its asset is there, in this row.
    Stored { id: Uuid, asset_row_id: Uuid },
    /// The asset of this row has the name that the upload's row waited under.
    Refused {
        id: Uuid,
        #[serde(skip)]
        name_holder: Uuid,
    },
}

impl UploadEnding {
    pub(super) fn id(self) -> Uuid {
        match self {
            Self::Stored { id, .. } | Self::Refused { id, .. } => id,
        }
    }

    /// The row by which the upload ends.
    pub(super) fn asset_row_id(self) -> Uuid {
        match self {
            Self::Stored { asset_row_id, .. } => asset_row_id,
            Self::Refused { name_holder, .. } => name_holder,
        }
    }
}

/// The effect of an upload on the row of an asset.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct JoinedUpload {
    /// The sender of the asset, where it has just come.
    pub(super) uploader: Option<Uuid>,
    /// True if the asset got the row that waited for it.
    pub(super) adopted: bool,
}

/// Uploads in search of their assets. Each ends once.
#[derive(Debug)]
pub(super) struct UploadJoin<'a> {
    open: Vec<&'a OpenUpload>,
    endings: Vec<UploadEnding>,
}

impl<'a> UploadJoin<'a> {
    pub(super) fn new(open: &'a [OpenUpload]) -> Self {
        Self {
            open: open.iter().collect(),
            endings: Vec::new(),
        }
    }

    pub(super) fn into_endings(self) -> Vec<UploadEnding> {
        self.endings
    }

    /// Finds the uploads that end with this row. A new asset gets the row that waits for it, and
    /// every new or returning one its owner. Where the proof comes later than the asset, the owner
    /// does too.
    pub(super) fn join(&mut self, before: Option<&AssetRow>, row: &mut AssetRow) -> JoinedUpload {
        if self.open.is_empty() || !row.is_live() || row.delivery_type != UPLOAD {
            return JoinedUpload::default();
        }
        let waiting = self.waiting_under_name_of(row);
        let joined = match before.filter(|before| before.is_live()) {
            Some(before) => {
                self.end_replacing(before, row);
                match before.uploaded_by {
                    Some(_) => JoinedUpload::default(),
                    None => self.join_proven(row),
                }
            }
            None => self.join_appearing(before, row),
        };
        if let Some(upload) = waiting.filter(|waiting| self.is_open(waiting)) {
            self.end(UploadEnding::Refused {
                id: upload.id,
                name_holder: row.id,
            });
        }
        joined
    }

    fn join_appearing(&mut self, before: Option<&AssetRow>, row: &mut AssetRow) -> JoinedUpload {
        let fitting = self.open.iter().filter(|upload| upload.brought(row));
        let likeliest = fitting.max_by_key(|upload| (upload.waiting.is_some(), upload.begun_at));
        let Some(upload) = likeliest.copied() else {
            return JoinedUpload::default();
        };
        let is_old_content =
            before.is_some_and(|before| has_equal_content(before, row) == Some(true));
        let is_proven_by_name = upload.proof == UploadProof::Name;
        if upload.kind == UploadKind::Signed && is_proven_by_name && is_old_content {
            // It is back in whatever way, and keeps its owner.
            return JoinedUpload::default();
        }
        let adopted = upload.waiting.filter(|_| before.is_none());
        if let Some(waiting) = adopted {
            row.id = upload.id;
            row.revision = waiting.revision;
        }
        self.store(upload, row, adopted.is_some())
    }

    /// Gives an asset that is there without an owner the sender that its context proves.
    fn join_proven(&mut self, row: &mut AssetRow) -> JoinedUpload {
        let brings_proof =
            |upload: &&&OpenUpload| upload.proof == UploadProof::Context && upload.brought(row);
        match self.open.iter().find(brings_proof).copied() {
            Some(upload) => self.store(upload, row, false),
            None => JoinedUpload::default(),
        }
    }

    fn store(&mut self, upload: &OpenUpload, row: &mut AssetRow, adopted: bool) -> JoinedUpload {
        row.uploaded_by = Some(upload.uploader);
        self.end(UploadEnding::Stored {
            id: upload.id,
            asset_row_id: row.id,
        });
        JoinedUpload {
            uploader: Some(upload.uploader),
            adopted,
        }
    }

    /// Ends the signed uploads that have replaced the content of their owner's asset.
    fn end_replacing(&mut self, before: &AssetRow, row: &AssetRow) {
        let is_newer = match (before.content.version, row.content.version) {
            (Some(before), Some(after)) if after > before => true,
            // Versions are seconds: within one only the content tells the two apart.
            (Some(old), Some(new)) if old == new => has_equal_content(before, row) == Some(false),
            _ => false,
        };
        if !is_newer {
            return;
        }
        let replaces = |upload: &&&OpenUpload| {
            upload.kind == UploadKind::Signed && upload.overwrite && upload.fits(row)
        };
        let replacing: Vec<_> = self.open.iter().filter(replaces).copied().collect();
        for upload in replacing {
            self.end(UploadEnding::Stored {
                id: upload.id,
                asset_row_id: row.id,
            });
        }
    }

    fn waiting_under_name_of(&self, row: &AssetRow) -> Option<&'a OpenUpload> {
        let waits = |upload: &&&OpenUpload| {
            upload.waits_as(row.resource_type) && upload.public_id == row.editable.public_id
        };
        self.open.iter().find(waits).copied()
    }

    fn is_open(&self, upload: &OpenUpload) -> bool {
        self.open.iter().any(|open| open.id == upload.id)
    }

    fn end(&mut self, ending: UploadEnding) {
        self.open.retain(|open| open.id != ending.id());
        self.endings.push(ending);
    }
}

impl OpenUpload {
    fn waits_as(&self, resource_type: ResourceType) -> bool {
        let waiting = self.waiting;
        waiting.is_some_and(|waiting| waiting.resource_type == resource_type)
    }

    /// Tells whether the row's asset came of this upload, as far as its proof tells.
    fn brought(&self, row: &AssetRow) -> bool {
        let is_proven = match self.proof {
            UploadProof::Name => true,
            UploadProof::Context => {
                upload_named_by(&row.observed_values().context) == Some(self.id)
            }
            UploadProof::None => false,
        };
        is_proven && self.fits(row)
    }

    /// Tells whether the row's asset may have come of this upload.
    fn fits(&self, row: &AssetRow) -> bool {
        let versions = self.since_version..=self.until_version;
        self.public_id == row.observed_values().public_id
            && row
                .content
                .version
                .is_some_and(|version| versions.contains(&version))
            // Images and videos of one name are two assets.
            && (self.waiting.is_none() || self.waits_as(row.resource_type))
    }
}

/// Compares the contents of two states of a row; `None` where one of them is not known.
fn has_equal_content(before: &AssetRow, after: &AssetRow) -> Option<bool> {
    let (before, after) = (before.content.etag.as_ref()?, after.content.etag.as_ref()?);
    Some(before == after)
}

#[cfg(test)]
mod tests;

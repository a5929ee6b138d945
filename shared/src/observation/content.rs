//! The bytes of an asset (pure).

use serde::{Deserialize, Serialize};

use crate::cloudinary::CloudinaryResource;
use crate::cloudinary::told_address::without_signature;
use crate::time::Timestamp;

/// The bytes of an asset and the facts that follow from them: replaced as a whole by an upload.
/// Named as the columns are.
///
/// No source tells everything (listings have neither `version_id` nor `etag`), so within one
/// version a field that is not told stays as it was.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct AssetContent {
    /// Unix seconds of the version, the first thing that orders contents; `None` while no content is
    /// known.
    #[serde(rename = "cloudinary_version")]
    pub version: Option<i64>,
    #[serde(rename = "cloudinary_version_id")]
    pub version_id: Option<String>,
    #[serde(rename = "cloudinary_etag")]
    pub etag: Option<String>,
    pub original_filename: Option<String>,
    /// Bytes.
    pub file_size: Option<i64>,
    /// Follows from format and name, and is never told.
    pub mime_type: Option<String>,
    pub format: Option<String>,
    /// Pixels.
    pub width: Option<i32>,
    /// Pixels.
    pub height: Option<i32>,
    /// Seconds.
    pub duration: Option<f64>,
    pub secure_url: Option<String>,
    pub url: Option<String>,
    #[serde(rename = "cloudinary_created_at")]
    pub created_at: Option<Timestamp>,
}

impl AssetContent {
    pub(super) fn of_resource(resource: &CloudinaryResource) -> Option<Self> {
        let pixels = |count: Option<i64>| count.and_then(|count| i32::try_from(count).ok());
        Some(Self {
            version: Some(resource.version?),
            version_id: resource.version_id.clone(),
            etag: resource.etag.clone(),
            original_filename: resource.original_filename.clone(),
            file_size: resource.bytes,
            mime_type: None,
            format: resource.format.clone(),
            width: pixels(resource.width),
            height: pixels(resource.height),
            duration: resource.duration,
            secure_url: resource.secure_url.as_deref().map(without_signature),
            url: resource.url.as_deref().map(without_signature),
            created_at: resource.created_at,
        })
    }

    /// Takes in what was told of the same version.
    pub fn take(&mut self, told: &Self, newer: bool) {
        take_newer(&mut self.file_size, &told.file_size, newer);
        take_newer(&mut self.format, &told.format, newer);
        take_newer(&mut self.width, &told.width, newer);
        take_newer(&mut self.height, &told.height, newer);
        take_newer(&mut self.duration, &told.duration, newer);
        take_newer(&mut self.secure_url, &told.secure_url, newer);
        take_newer(&mut self.url, &told.url, newer);
        take_newer(&mut self.created_at, &told.created_at, newer);
    }

    /// Takes in what names the stored bytes.
    pub fn take_stored(&mut self, told: &Self, newer: bool) {
        take_newer(&mut self.etag, &told.etag, newer);
        take_newer(&mut self.version_id, &told.version_id, newer);
        take_newer(&mut self.original_filename, &told.original_filename, newer);
    }
}

/// Within one version, a told value replaces an older one and fills an unknown one.
fn take_newer<T: Clone>(field: &mut Option<T>, told: &Option<T>, newer: bool) {
    if told.is_some() && (newer || field.is_none()) {
        field.clone_from(told);
    }
}

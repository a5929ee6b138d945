//! The bytes of an asset (pure).

use crate::cloudinary::Resource;
use crate::time::Timestamp;

/// The bytes of an asset and what follows from them: replaced as a whole by an upload.
///
/// No source tells everything (listings have neither `version_id` nor `etag`), so within one
/// version a field that is not told stays as it was.
#[derive(Clone, PartialEq, Debug)]
pub struct Content {
    /// Unix seconds of the version; the first thing that orders contents.
    pub version: i64,
    pub version_id: Option<String>,
    pub etag: Option<String>,
    pub original_filename: Option<String>,
    /// Bytes.
    pub file_size: Option<i64>,
    pub format: Option<String>,
    /// Pixels.
    pub width: Option<i32>,
    pub height: Option<i32>,
    /// Seconds.
    pub duration: Option<f64>,
    pub secure_url: Option<String>,
    pub url: Option<String>,
    pub created_at: Option<Timestamp>,
}

impl Content {
    pub(super) fn of_resource(resource: &Resource) -> Option<Self> {
        let pixels = |count: Option<i64>| count.and_then(|count| i32::try_from(count).ok());
        Some(Self {
            version: resource.version?,
            version_id: resource.version_id.clone(),
            etag: resource.etag.clone(),
            original_filename: resource.original_filename.clone(),
            file_size: resource.bytes,
            format: resource.format.clone(),
            width: pixels(resource.width),
            height: pixels(resource.height),
            duration: resource.duration,
            secure_url: resource.secure_url.clone(),
            url: resource.url.clone(),
            created_at: resource.created_at,
        })
    }
}

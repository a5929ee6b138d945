//! Evidence about the product environment (plain data).

use media_sync::cloudinary::ApiCredentials;
use media_sync::sync::marker::LibraryPlace;
use uuid::Uuid;

use super::super::http::ProbeAnswer;
use super::super::verdict::{ProbeResult, SkipReason};
use super::records::{AssetPlace, NotificationRecords};

/// Evidence about the product environment.
#[derive(Debug)]
pub struct CloudinaryEvidence {
    /// The credentials; the inner error is why they are none, without any part of them.
    pub credentials: ProbeResult<Result<ApiCredentials, String>>,
    /// `GET /ping`.
    pub ping: ProbeResult<AdminAnswer>,
    /// The last call, for its quota, and how many calls were made up to it since the first.
    pub last: ProbeResult<(AdminAnswer, u32)>,
    /// `GET /triggers`.
    pub triggers: ProbeResult<AdminAnswer>,
    /// The webhook's address.
    pub webhook: ProbeResult<String>,
    /// `GET /config?settings=true`.
    pub config: ProbeResult<AdminAnswer>,
    /// The database's record of notifications.
    pub notifications: ProbeResult<NotificationRecords>,
    /// The API keys of `CLOUDINARY_NOTIFICATION_SECRETS`.
    pub notification_keys: Vec<String>,
    /// Some rows' folders.
    pub places: ProbeResult<Vec<AssetPlace>>,
    /// The record of one picture.
    pub picture: ProbeResult<AdminAnswer>,
    /// `HEAD` of its thumbnail.
    pub thumbnail: ProbeResult<FileDelivery>,
    /// `HEAD` of one PDF.
    pub pdf: ProbeResult<FileDelivery>,
    /// The record of the library's marker.
    pub marker: ProbeResult<AdminAnswer>,
    /// The name of the database, as markers have it.
    pub own: ProbeResult<(Uuid, LibraryPlace)>,
}

/// An answer of the Admin API, with the headers that checks read.
#[derive(Debug, Clone)]
pub struct AdminAnswer {
    /// Status and body.
    pub answer: ProbeAnswer,
    /// When it was sent and received, in seconds of our clock.
    pub between: (i64, i64),
    /// Its `Date`, in seconds.
    pub date: Option<i64>,
    /// The Admin API's quota.
    pub quota: Option<HourlyQuota>,
}

/// The hourly quota as one answer told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourlyQuota {
    /// Calls an hour.
    pub limit: u32,
    /// Calls that are left.
    pub remaining: u32,
    /// When it is full again, in seconds.
    pub reset: i64,
}

/// The delivery of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDelivery {
    /// The status code.
    pub status: u16,
    /// `X-Cld-Error`.
    pub error: Option<String>,
}

impl CloudinaryEvidence {
    /// Evidence of an environment that nobody asked.
    pub(in super::super) fn without(skip: &SkipReason) -> Self {
        Self {
            credentials: Err(skip.clone()),
            ping: Err(skip.clone()),
            last: Err(skip.clone()),
            triggers: Err(skip.clone()),
            webhook: Err(skip.clone()),
            config: Err(skip.clone()),
            notifications: Err(skip.clone()),
            notification_keys: Vec::new(),
            places: Err(skip.clone()),
            picture: Err(skip.clone()),
            thumbnail: Err(skip.clone()),
            pdf: Err(skip.clone()),
            marker: Err(skip.clone()),
            own: Err(skip.clone()),
        }
    }
}

/// The skip where the credentials are refused.
pub(super) fn unusable() -> SkipReason {
    SkipReason::because("Cloudinary does not take the credentials (cld-credentials, cld-region)")
}

/// The answer, if Cloudinary took the credentials.
pub(super) fn accepted(call: &ProbeResult<AdminAnswer>) -> ProbeResult<&AdminAnswer> {
    let call = call.as_ref().map_err(SkipReason::clone)?;
    match call.answer.status {
        200 => Ok(call),
        400 | 401 | 403 => Err(unusable()),
        _ => Err(SkipReason::because(format!(
            "Cloudinary answers {}: {}",
            call.answer.status,
            call.answer.message()
        ))),
    }
}

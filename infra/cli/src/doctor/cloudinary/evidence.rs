//! Evidence about the product environment (plain data).

use media_sync::cloudinary::ApiCredentials;

use super::super::http::Answer;
use super::super::verdict::{Probe, Skip};
use super::records::{Notifications, Place};

/// Evidence about the product environment.
#[derive(Debug)]
pub struct CloudinaryEvidence {
    /// The credentials; the inner error is why they are none, without any part of them.
    pub credentials: Probe<Result<ApiCredentials, String>>,
    /// `GET /ping`.
    pub ping: Probe<Call>,
    /// The last call, for its quota, and how many calls were made up to it since the first.
    pub last: Probe<(Call, u32)>,
    /// `GET /triggers`.
    pub triggers: Probe<Call>,
    /// The webhook's address.
    pub webhook: Probe<String>,
    /// `GET /config?settings=true`.
    pub config: Probe<Call>,
    /// The database's record of notifications.
    pub notifications: Probe<Notifications>,
    /// The API keys of `CLOUDINARY_NOTIFICATION_SECRETS`.
    pub notification_keys: Vec<String>,
    /// Some rows' folders.
    pub places: Probe<Vec<Place>>,
    /// The record of one picture.
    pub picture: Probe<Call>,
    /// `HEAD` of its thumbnail.
    pub thumbnail: Probe<Delivered>,
    /// `HEAD` of one PDF.
    pub pdf: Probe<Delivered>,
}

/// An answer of the Admin API, with the headers that checks read.
#[derive(Debug, Clone)]
pub struct Call {
    /// Status and body.
    pub answer: Answer,
    /// When it was sent and received, in seconds of our clock.
    pub between: (i64, i64),
    /// Its `Date`, in seconds.
    pub date: Option<i64>,
    /// The Admin API's quota.
    pub quota: Option<Quota>,
}

/// The hourly quota as one answer told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Calls an hour.
    pub limit: u32,
    /// Calls that are left.
    pub remaining: u32,
    /// When it is full again, in seconds.
    pub reset: i64,
}

/// The delivery of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The status code.
    pub status: u16,
    /// `X-Cld-Error`.
    pub error: Option<String>,
}

impl CloudinaryEvidence {
    /// Evidence of an environment that nobody asked.
    pub(in super::super) fn without(skip: &Skip) -> Self {
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
        }
    }
}

/// The skip where the credentials are refused.
pub(super) fn unusable() -> Skip {
    Skip::because("Cloudinary does not take the credentials (cld-credentials, cld-region)")
}

/// The answer, if Cloudinary took the credentials.
pub(super) fn accepted(call: &Probe<Call>) -> Probe<&Call> {
    let call = call.as_ref().map_err(Skip::clone)?;
    match call.answer.status {
        200 => Ok(call),
        400 | 401 | 403 => Err(unusable()),
        _ => Err(Skip::because(format!(
            "Cloudinary answers {}: {}",
            call.answer.status,
            call.answer.message()
        ))),
    }
}

//! The checks of a Cloudinary product environment.

mod account;
mod delivery;
mod folders;
mod notifications;
mod probe;
mod records;
mod trigger;

use media_sync::cloudinary::ApiCredentials;

use super::http::Answer;
use super::registry::{Check, Group};
use super::{Probe, Skip, Sources, limited};
use crate::configuration::{CLOUDINARY_URL, NOTIFICATION_SECRETS, Values};

pub use records::{Notifications, Place};

/// In the order of the report: a fault explains those below it.
pub const CHECKS: &[Check] = &[
    Check {
        id: "cld-credentials",
        group: Group::Cloudinary,
        title: "`CLOUDINARY_URL` is wrong, or its key and secret belong to different environments",
        why: "No call to Cloudinary succeeds, and no notification can be verified.",
        reads: "the form of `CLOUDINARY_URL`, `GET /ping`",
        judgement: |evidence| account::credentials(&evidence.cloudinary),
    },
    Check {
        id: "cld-region",
        group: Group::Cloudinary,
        title: "the account belongs to the API of another region",
        why: "Every call is refused, with credentials that are right.",
        reads: "the refusal of `GET /ping`",
        judgement: |evidence| account::region(&evidence.cloudinary),
    },
    Check {
        id: "cld-clock",
        group: Group::Cloudinary,
        title: "this machine's clock is off by more than a minute",
        why: "Signed addresses and uploads made here may be refused as stale.",
        reads: "the `Date` of an answer",
        judgement: |evidence| account::clock(&evidence.cloudinary),
    },
    Check {
        id: "cld-quota",
        group: Group::Cloudinary,
        title: "less than the reserve of the hourly quota is left, or somebody else uses it up",
        why: "Reconciliation rests until the next hour, and the media library's own pages may fail.",
        reads: "the rate-limit headers of two answers",
        judgement: |evidence| account::quota(&evidence.cloudinary),
    },
    Check {
        id: "cld-trigger",
        group: Group::Cloudinary,
        title: "notifications do not reach the webhook, or in a form that it refuses",
        why: "Changes made in Cloudinary wait for the next reconciliation.",
        reads: "`GET /triggers`, beside `--webhook-url`",
        judgement: |evidence| trigger::trigger(&evidence.cloudinary),
    },
    Check {
        id: "cld-notification-key",
        group: Group::Cloudinary,
        title: "notifications are signed with a key that is not known here",
        why: "The webhook refuses them all, and changes made in Cloudinary wait for the next reconciliation.",
        reads: "the record of refused notifications, with the `signature_key` that they name",
        judgement: |evidence| notifications::key(&evidence.cloudinary),
    },
    Check {
        id: "cld-algorithm",
        group: Group::Cloudinary,
        title: "the account signs with another hash than `CLOUDINARY_URL` says",
        why: "Signed uploads and addresses may be refused.",
        reads: "the newest recorded notification",
        judgement: |evidence| notifications::algorithm(&evidence.cloudinary),
    },
    Check {
        id: "cld-folder-mode",
        group: Group::Cloudinary,
        title: "the folders are fixed where dynamic ones were mirrored, or the other way round",
        why: "The folders in lists are not those of the account, and moves are carried out otherwise than asked.",
        reads: "`GET /config?settings=true`, one asset's record, and some rows",
        judgement: |evidence| folders::mode(&evidence.cloudinary),
    },
    Check {
        id: "cld-strict",
        group: Group::Cloudinary,
        title: "strict transformations: thumbnails answer 401",
        why: "Lists show no pictures.",
        reads: "`HEAD` of one picture's thumbnail",
        judgement: |evidence| delivery::strict(&evidence.cloudinary),
    },
    Check {
        id: "cld-pdf",
        group: Group::Cloudinary,
        title: "delivery of PDF files is blocked",
        why: "Their addresses answer 401 for everybody.",
        reads: "`HEAD` of one PDF",
        judgement: |evidence| delivery::pdf(&evidence.cloudinary),
    },
    Check {
        id: "cld-backup",
        group: Group::Cloudinary,
        title: "backups are off",
        why: "A deleted asset cannot be restored.",
        reads: "one asset's record",
        judgement: |evidence| delivery::backup(&evidence.cloudinary),
    },
];

/// Evidence about the product environment.
#[derive(Debug)]
pub struct Evidence {
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

impl Evidence {
    /// Asks Cloudinary, one call after the other, so that they can be told from others' calls.
    pub async fn gather(sources: &Sources<'_>) -> Self {
        let url = sources.settings.get(CLOUDINARY_URL);
        let credentials = url
            .ok_or_else(|| Skip::needs(CLOUDINARY_URL))
            .map(|url| ApiCredentials::parse(url).map_err(|error| error.to_string()));
        let webhook = sources
            .webhook
            .ok_or_else(|| Skip::needs("a deployed stack, --webhook-url or WEBHOOK_URL"));
        let account = async {
            match &credentials {
                Ok(Ok(credentials)) => probe::ask(&sources.http, credentials).await,
                Ok(Err(_)) => Self::without(&unusable()),
                Err(skip) => Self::without(skip),
            }
        };
        let (mut evidence, (notifications, places)) = tokio::join!(account, records::read(sources));
        evidence.notifications = notifications;
        evidence.places = places;
        evidence.notification_keys = notification_keys(sources.settings);
        evidence.webhook = webhook.map(str::to_owned);
        evidence.credentials = credentials;
        evidence
    }

    pub(super) fn without(skip: &Skip) -> Self {
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

/// The keys only: their secrets are nobody's business here.
fn notification_keys(settings: &Values) -> Vec<String> {
    let text = settings.get(NOTIFICATION_SECRETS).unwrap_or_default();
    let secrets: serde_json::Map<_, _> = serde_json::from_str(text).unwrap_or_default();
    secrets.into_iter().map(|(key, _)| key).collect()
}

fn unusable() -> Skip {
    Skip::because("Cloudinary does not take the credentials (cld-credentials, cld-region)")
}

/// The answer, if Cloudinary took the credentials.
fn accepted(call: &Probe<Call>) -> Probe<&Call> {
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

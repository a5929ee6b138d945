//! The database's answer to a request, and its sentence (pure).

use http::{HeaderName, HeaderValue, Response};
use lambda_http::Body;
use serde::Deserialize;
use serde_json::Value;

use super::change::RequestedChange;
use crate::queue::IntentMessage;
use crate::row::SyncStatus;

/// Marks such an answer.
const IDEMPOTENT_REPLAY: HeaderName = HeaderName::from_static("idempotent-replay");

/// The database's answer.
#[derive(Debug, Deserialize)]
pub(super) struct Requested {
    pub(super) done: Vec<Done>,
    pub(super) failed: Vec<Value>,
    #[serde(default)]
    replayed: bool,
}

/// One changed asset.
#[derive(Debug, Deserialize)]
pub(super) struct Done {
    pub(super) public_id: String,
    pub(super) asset_id: Option<String>,
    pub(super) sync_status: SyncStatus,
    /// The tag of its new state.
    pub(super) etag: Option<String>,
    /// Its row, if the request named no other asset.
    pub(super) asset: Option<Value>,
    #[serde(flatten)]
    pub(super) intent: IntentMessage,
}

impl Done {
    /// Tells whether Cloudinary is to follow. What is only known here needs nothing more.
    pub(super) fn is_pending(&self) -> bool {
        self.sync_status == SyncStatus::Pending
    }
}

impl Requested {
    /// The answer, marked if it is the first one again.
    pub(super) fn mark(&self, mut response: Response<Body>) -> Response<Body> {
        if self.replayed {
            let mark = HeaderValue::from_static("true");
            response.headers_mut().insert(IDEMPOTENT_REPLAY, mark);
        }
        response
    }
}

/// Says how many assets have changed, and what follows.
pub(super) fn message(change: RequestedChange, requested: &Requested) -> String {
    let word = change.done();
    let done = match requested.done.len() {
        0 => format!("Nothing was {word}."),
        count if requested.done.iter().any(Done::is_pending) => {
            format!("{count} {word} here; Cloudinary follows.")
        }
        count => format!("{count} {word}; Cloudinary has nothing to do."),
    };
    match requested.failed.len() {
        0 => done,
        failures => format!("{done} {failures} failed."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requested(statuses: &[SyncStatus], failures: usize) -> Requested {
        let done = statuses.iter().map(|status| Done {
            public_id: "a".to_owned(),
            asset_id: None,
            sync_status: *status,
            etag: None,
            asset: None,
            intent: IntentMessage {
                asset_row_id: uuid::Uuid::nil(),
            },
        });
        Requested {
            done: done.collect(),
            failed: vec![Value::Null; failures],
            replayed: false,
        }
    }

    #[test]
    fn the_message_says_what_follows() {
        for (statuses, failures, expected) in [
            (
                &[SyncStatus::Pending, SyncStatus::Synced][..],
                0,
                "2 updated here; Cloudinary follows.",
            ),
            (
                &[SyncStatus::Synced],
                2,
                "1 updated; Cloudinary has nothing to do. 2 failed.",
            ),
            (&[], 1, "Nothing was updated. 1 failed."),
        ] {
            assert_eq!(
                message(RequestedChange::Edit, &requested(statuses, failures)),
                expected
            );
        }
    }
}

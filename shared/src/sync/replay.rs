//! Sends recorded notifications to their queue again, as they came.
//!
//! Applying one twice is harmless. It is for those that were parked and are understood by now, and
//! for rows that somebody has damaged.

use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::store::{MirrorStore, RecordedNotification};
use crate::queue::{NotificationMessage, RawBody, ReplayMessage, SendError, SqsQueue};
use crate::supabase::SupabaseError;

/// The number read at once: a body may have half a megabyte.
const PAGE: usize = 20;

/// Reasons why a replay broke off. What was sent before stays sent.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("could not read the recorded notifications")]
    Store(#[from] SupabaseError),
    #[error("could not send a recorded notification to its queue")]
    Send(#[source] SendError),
    #[error("the body of notification {digest} is not the base64 that it is said to be")]
    Body {
        digest: String,
        #[source]
        source: base64::DecodeError,
    },
}

impl ReplayError {
    /// Tells whether the same replay may succeed later without anybody's doing.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(source) => source.is_transient(),
            Self::Send(source) => source.is_transient(),
            Self::Body { .. } => false,
        }
    }
}

/// The progress of a replay.
#[derive(Debug)]
pub struct ReplayProgress {
    pub sent: usize,
    /// The rest when `deadline` has come.
    pub rest: Option<ReplayMessage>,
}

/// Sends what `wanted` describes, oldest first, until nothing is left or `deadline` has come.
///
/// # Errors
/// See [`ReplayError`].
pub async fn replay(
    store: &MirrorStore,
    notifications: &SqsQueue,
    mut wanted: ReplayMessage,
    deadline: Instant,
) -> Result<ReplayProgress, ReplayError> {
    let mut sent = 0;
    loop {
        if Instant::now() >= deadline {
            return Ok(ReplayProgress {
                sent,
                rest: Some(wanted),
            });
        }
        let page = store.fetch_recorded(&wanted, PAGE).await?;
        let is_last = page.len() < PAGE;
        if let Some(last) = page.last() {
            wanted.after = Some((last.received_at, last.digest.clone()));
        }
        let messages = page
            .into_iter()
            .map(as_it_came)
            .collect::<Result<Vec<_>, _>>()?;
        let outcome = notifications.send_batch(&messages).await;
        sent += outcome.sent;
        if let Some((_, error)) = outcome.failed.into_iter().next() {
            return Err(ReplayError::Send(error));
        }
        if is_last {
            return Ok(ReplayProgress { sent, rest: None });
        }
    }
}

/// The message that the webhook once sent: its hashed parts are the same, and so is its digest.
fn as_it_came(recorded: RecordedNotification) -> Result<NotificationMessage, ReplayError> {
    let body = if recorded.body_is_base64 {
        let digest = recorded.digest;
        STANDARD
            .decode(recorded.body)
            .map_err(|source| ReplayError::Body { digest, source })?
    } else {
        recorded.body.into_bytes()
    };
    Ok(NotificationMessage {
        received_at: recorded.received_at,
        signature_timestamp: recorded.signature_timestamp,
        replayed: true,
        algorithm: None,
        body: RawBody::new(body),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn text_and_base64_become_the_bytes_that_came() {
        let recorded = |body: &str, body_is_base64| RecordedNotification {
            digest: "d".to_owned(),
            received_at: Timestamp::from_secs(2),
            signature_timestamp: Timestamp::from_secs(1),
            body: body.to_owned(),
            body_is_base64,
        };
        let text = as_it_came(recorded("{\"a\":1}", false)).unwrap();
        assert_eq!(text.body.as_bytes(), b"{\"a\":1}");
        assert_eq!(text.signature_timestamp, Timestamp::from_secs(1));
        assert!(text.replayed);
        let bytes = as_it_came(recorded("AP8=", true)).unwrap();
        assert_eq!(bytes.body.as_bytes(), b"\x00\xff");
        assert!(as_it_came(recorded("?", true)).is_err());
    }
}

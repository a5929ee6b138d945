//! An accepted notification: read, and how it is recorded (pure).

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::concern::Concern;
use crate::asset::AssetId;
use crate::queue;
use crate::sync::notification::{NotUnderstood, Notification, Says, parse_notification};
use crate::sync::store::{NotificationRecord, Verdict};
use crate::time::Timestamp;

/// An accepted notification, read.
#[derive(Clone, Debug)]
pub struct Accepted {
    pub digest: String,
    pub message: queue::Notification,
    pub read: Result<Notification, NotUnderstood>,
}

impl Accepted {
    /// Reads a message.
    pub fn read(message: queue::Notification) -> Self {
        let body = message.body.as_bytes();
        let mut hash = Sha256::new();
        hash.update(message.signature_timestamp.to_string().as_bytes());
        hash.update(b"\n");
        hash.update(body);
        Self {
            digest: hex::encode(hash.finalize()),
            read: parse_notification(body),
            message,
        }
    }

    /// How old the change is that it tells of. A replay says nothing of how fast news travels.
    pub fn age(&self, now: Timestamp) -> Option<Duration> {
        let triggered_at = self.read.as_ref().ok().and_then(|read| read.triggered_at);
        let happened_at = triggered_at.unwrap_or(self.message.signature_timestamp);
        (!self.message.replayed).then(|| now.since(happened_at))
    }

    /// The record when no row can hold the values that it tells: it is kept for a person.
    pub fn record_refused(&self, concern: &Concern, reason: &str) -> NotificationRecord {
        let mut record = self.record(concern, Verdict::Parked);
        record.reason = Some(format!("no row can hold what it tells: {reason}"));
        record
    }

    /// How it is recorded, once its verdict is known.
    pub fn record(&self, concern: &Concern, verdict: Verdict) -> NotificationRecord {
        let read = self.read.as_ref().ok();
        let ids: BTreeSet<AssetId> = concern
            .asset_ids()
            .cloned()
            .chain(
                read.iter()
                    .flat_map(|notification| told_ids(&notification.says)),
            )
            .collect();
        let (body, body_is_base64) = storable(self.message.body.as_bytes());
        NotificationRecord {
            digest: self.digest.clone(),
            signature_timestamp: self.message.signature_timestamp,
            signature_algorithm: self.message.algorithm,
            notification_type: read.map(|notification| notification.kind.clone()),
            triggered_at: read.and_then(|notification| notification.triggered_at),
            received_at: self.message.received_at,
            asset_ids: ids.into_iter().collect(),
            verdict,
            reason: concern.parked.clone(),
            body,
            body_is_base64,
        }
    }
}

/// PostgreSQL's text holds every character but NUL.
fn storable(body: &[u8]) -> (String, bool) {
    match std::str::from_utf8(body) {
        Ok(text) if !text.contains('\0') => (text.to_owned(), false),
        _ => (STANDARD.encode(body), true),
    }
}

pub(super) fn told_ids(says: &Says) -> Vec<AssetId> {
    match says {
        Says::Uploaded(upload) => vec![upload.asset_id.clone()],
        Says::Deleted(gone) => gone.iter().map(|gone| gone.asset_id.clone()).collect(),
        Says::Changed(_) | Says::FolderMoved { .. } | Says::Nothing => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::RawBody;

    #[test]
    fn the_age_of_news_is_counted_from_the_change_else_from_the_signature() {
        let age = |body: &str, replayed| {
            let message = queue::Notification {
                received_at: Timestamp::from_secs(1_800_000_009),
                signature_timestamp: Timestamp::from_secs(1_800_000_005),
                replayed,
                algorithm: None,
                body: RawBody::new(body.as_bytes().to_vec()),
            };
            let age = Accepted::read(message).age(Timestamp::from_secs(1_800_000_010));
            age.map(|age| age.as_millis())
        };
        let dated = r#"{"notification_type":"create_folder","notification_context":{"triggered_at":"2027-01-15T08:00:01.500Z"}}"#;
        assert_eq!(age(dated, false), Some(8_500));
        assert_eq!(age("{}", false), Some(5_000));
        assert_eq!(age(dated, true), None);
    }
}

//! An accepted notification: read, and how it is recorded (pure).

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::concern::Concern;
use crate::asset::AssetId;
use crate::queue;
use crate::sync::notification::{NotUnderstood, Notification, Says, parse_notification};
use crate::sync::store::{NotificationRecord, Verdict};

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

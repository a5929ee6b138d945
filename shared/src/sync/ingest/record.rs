//! The record of an accepted notification (pure).

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::IngestError;
use super::accepted::AcceptedNotification;
use super::effect::NotificationEffect;
use crate::asset::AssetId;
use crate::sync::store::{NotificationRecord, NotificationVerdict};
use crate::telemetry::chain;

impl AcceptedNotification {
    /// The record when it has waited too long for something that should pass: it is kept for a person, and for a replay.
    pub fn record_given_up(
        &self,
        effect: &NotificationEffect,
        error: &IngestError,
    ) -> NotificationRecord {
        let mut record = self.record(effect, NotificationVerdict::Parked);
        record.reason = Some(format!("it waited for days: {}", chain(error)));
        record
    }

    /// The record when no row can hold the values that it tells: it is kept for a person.
    pub fn record_refused(&self, effect: &NotificationEffect, reason: &str) -> NotificationRecord {
        let mut record = self.record(effect, NotificationVerdict::Parked);
        record.reason = Some(format!("no row can hold its values: {reason}"));
        record
    }

    /// The record of it, once its verdict is known.
    pub fn record(
        &self,
        effect: &NotificationEffect,
        verdict: NotificationVerdict,
    ) -> NotificationRecord {
        let read = self.read.as_ref().ok();
        let ids: BTreeSet<AssetId> = effect
            .asset_ids()
            .cloned()
            .chain(
                read.iter()
                    .flat_map(|notification| notification.says.asset_ids()),
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
            reason: effect.parked.clone(),
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

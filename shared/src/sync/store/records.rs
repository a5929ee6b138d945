//! Claims and records (plain data).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::row::AssetRow;
use crate::sync::marker::FenceStanding;
use crate::time::Timestamp;

/// The rows of a claim.
#[derive(Debug, Deserialize)]
pub struct ClaimedRows {
    pub rows: Vec<AssetRow>,
    /// Rows with an intent that somebody else is carrying out.
    pub busy: BTreeSet<Uuid>,
    /// Rows that this answer had no room for. They are not claimed.
    pub left: BTreeSet<Uuid>,
    /// The standing behind which nothing is claimed, or else another. A former database tells none.
    #[serde(default)]
    pub fence: Option<FenceStanding>,
}

/// A notification as it is kept in `media_notifications`.
#[derive(Debug, Clone, Deserialize)]
pub struct RecordedNotification {
    pub digest: String,
    pub received_at: Timestamp,
    pub signature_timestamp: Timestamp,
    pub body: String,
    pub body_is_base64: bool,
}

/// The number of removed records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgedRecords {
    pub notifications: u64,
    pub runs: u64,
    pub uploads: u64,
    pub audit: u64,
    pub idempotency_keys: u64,
}

impl PurgedRecords {
    /// Tells whether there were fewer than `limit` of each kind.
    pub fn is_below(&self, limit: u64) -> bool {
        let counts = [
            self.notifications,
            self.runs,
            self.uploads,
            self.audit,
            self.idempotency_keys,
        ];
        counts.into_iter().all(|count| count < limit)
    }
}

//! The answer of `media_sync_health` (plain data).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::runs::{RunMode, RunStatus};
use crate::cloudinary::signature::SignatureAlgorithm;
use crate::sync::marker::FenceState;
use crate::time::Timestamp;

/// The state of the mirror, as `media_sync_health` tells it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MirrorHealth {
    /// When the last good full run ended.
    pub last_full: Option<Timestamp>,
    /// When the last good run of either kind ended.
    pub last_good: Option<Timestamp>,
    pub last_run: Option<LastRun>,
    pub current_run: Option<CurrentRun>,
    pub pending: u64,
    /// Deletes that are held as a mass delete until an administrator allows them.
    #[serde(default)]
    pub held_deletes: u64,
    pub errors: u64,
    /// To whom the library belongs.
    #[serde(default)]
    pub fence: Option<FenceState>,
    /// When the oldest decision was made that is still pending.
    pub oldest_pending: Option<Timestamp>,
    pub quota: Option<Value>,
    /// When the newest notification was received.
    #[serde(default)]
    pub last_notification: Option<Timestamp>,
    /// When the last good run ended that found changes, the first import left out.
    #[serde(default)]
    pub last_found: Option<Timestamp>,
    /// The webhook's refusals, newest first.
    #[serde(default)]
    pub refusals: Vec<RefusalSummary>,
    /// The size of the audit trail with its indexes.
    #[serde(default)]
    pub trail_bytes: Option<u64>,
    /// The newest migration that the database records.
    #[serde(default)]
    pub schema_version: Option<String>,
}

/// The notifications that were refused for one reason and claim one API key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalSummary {
    /// When the last one came.
    pub at: Timestamp,
    pub first_at: Timestamp,
    pub reason: String,
    /// The key that they claim to be signed with. Nothing proves it.
    pub signature_key: Option<String>,
    pub algorithm: Option<SignatureAlgorithm>,
    /// About how many there were.
    pub count: u64,
}

/// The newest run that has failed and was not made up for, else the newest that has ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LastRun {
    pub run_id: Uuid,
    pub mode: RunMode,
    pub status: RunStatus,
    pub error_code: Option<String>,
    pub finished_at: Timestamp,
}

/// The run that goes on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CurrentRun {
    pub run_id: Uuid,
    pub started_at: Timestamp,
    pub heartbeat_at: Timestamp,
    pub resume_at: Option<Timestamp>,
    pub error_code: Option<String>,
    /// The number of tries that ended for `error_code`, without coming further.
    #[serde(default)]
    pub failures: u32,
}

//! Queries, and the writes of one transaction (plain data).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::runs::{RunMode, RunRow, RunStatus, RunTrigger};
use crate::asset::{AssetId, DeliveryName};
use crate::cloudinary::QuotaReading;
use crate::cloudinary::signature::SignatureAlgorithm;
use crate::row::AssetRow;
use crate::sync::plan::{AuditEntry, OpenUpload, UploadEnding, WritePlan};
use crate::time::Timestamp;

/// The seconds that a leader may be silent before another takes the run over. Longer than any
/// function's timeout.
const LEASE_SECONDS: u32 = 120;

/// Which rows to read: those with these ids, those that hold these names, and those that these
/// public ids may mean.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RowQuery {
    #[serde(rename = "p_ids")]
    pub ids: Vec<Uuid>,
    #[serde(rename = "p_asset_ids")]
    pub asset_ids: Vec<AssetId>,
    #[serde(rename = "p_names")]
    pub names: Vec<DeliveryName>,
    #[serde(rename = "p_public_ids")]
    pub public_ids: Vec<String>,
}

impl RowQuery {
    /// Tells whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn len(&self) -> usize {
        self.ids.len() + self.asset_ids.len() + self.names.len() + self.public_ids.len()
    }

    /// Two queries that ask for the same, each for about half of it; `None` for a single row.
    pub(super) fn halves(mut self) -> Option<[Self; 2]> {
        fn take<T>(from: &mut Vec<T>, wanted: &mut usize) -> Vec<T> {
            let count = from.len().min(*wanted);
            *wanted -= count;
            from.drain(..count).collect()
        }
        let mut wanted = self.len() / 2;
        if wanted == 0 {
            return None;
        }
        let first = Self {
            ids: take(&mut self.ids, &mut wanted),
            asset_ids: take(&mut self.asset_ids, &mut wanted),
            names: take(&mut self.names, &mut wanted),
            public_ids: take(&mut self.public_ids, &mut wanted),
        };
        Some([first, self])
    }
}

/// The rows that were asked for, and the uploads that assets of their names may come of.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct MirrorRows {
    pub rows: Vec<AssetRow>,
    pub uploads: Vec<OpenUpload>,
}

impl MirrorRows {
    /// Takes another answer in. A row may have been asked for in two ways.
    pub(super) fn take(&mut self, other: Self) {
        for row in other.rows {
            if self.rows.iter().all(|known| known.id != row.id) {
                self.rows.push(row);
            }
        }
        for upload in other.uploads {
            if self.uploads.iter().all(|known| known.id != upload.id) {
                self.uploads.push(upload);
            }
        }
    }
}

impl From<Vec<AssetRow>> for MirrorRows {
    fn from(rows: Vec<AssetRow>) -> Self {
        Self {
            rows,
            uploads: Vec::new(),
        }
    }
}

/// One transaction: rows, their audit trail, their causes, and a run's progress.
#[derive(Debug, Default, Serialize)]
pub struct WriteSet {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<RunCheckpoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_run: Option<FinishedRun>,
    pub inserts: Vec<AssetRow>,
    pub updates: Vec<AssetRow>,
    /// The uploads that were known to the plan. Were there others of its names, an asset could be
    /// one of theirs, and the plan is refused.
    pub known_uploads: Vec<Uuid>,
    pub uploads: Vec<UploadEnding>,
    pub notifications: Vec<NotificationRecord>,
    pub audit: Vec<AuditEntry>,
}

impl WriteSet {
    /// The writes of a plan.
    pub fn of_plan(plan: WritePlan) -> Self {
        Self {
            inserts: plan.inserts,
            updates: plan.updates,
            known_uploads: plan.known_uploads,
            uploads: plan.uploads,
            audit: plan.audit,
            ..Self::default()
        }
    }

    /// Notes the duration in each audit entry written at `now`. Without a request or a notification
    /// it is measured from `begun`, if that is known.
    #[must_use]
    pub fn timed(mut self, begun: Option<Timestamp>, now: Timestamp) -> Self {
        for entry in &mut self.audit {
            entry.since = entry.since.or(begun);
            entry.note_time(now);
        }
        self
    }

    /// A run's place in the history, and nothing else.
    pub fn of_run(run: FinishedRun) -> Self {
        Self {
            finished_run: Some(run),
            ..Self::default()
        }
    }
}

/// The progress of a run. Written only by the lease's holder, and only once per step.
#[derive(Debug, Clone, Serialize)]
pub struct RunCheckpoint {
    pub run_id: Uuid,
    pub lease: Uuid,
    pub lease_seconds: u32,
    pub step: i64,
    pub state: Value,
    pub counters: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_clock: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor_clock: Option<i64>,
    /// The findings of a dry run so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<Value>,
    /// The prediction, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_in_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<QuotaReading>,
    /// The assets that this step has seen alive.
    pub asset_ids: Vec<AssetId>,
}

impl RunCheckpoint {
    /// The checkpoint that follows the known state of `run`.
    pub fn after(run: &RunRow, state: Value, counters: Value) -> Self {
        Self {
            run_id: run.id,
            lease: run.lease,
            lease_seconds: LEASE_SECONDS,
            step: run.step,
            state,
            counters,
            started_clock: run.started_clock,
            floor_clock: run.floor_clock,
            drift: None,
            ends_in_seconds: None,
            quota: None,
            asset_ids: Vec::new(),
        }
    }
}

/// A run that had no steps, recorded in the transaction of its writes.
#[derive(Debug, Clone, Serialize)]
pub struct FinishedRun {
    pub id: Uuid,
    pub mode: RunMode,
    pub trigger: RunTrigger,
    pub requested_by: Option<Uuid>,
    pub options: Value,
    pub dry_run: bool,
    pub drift: Option<Value>,
    pub status: RunStatus,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    pub counters: Value,
    pub started_at: Timestamp,
    pub quota: Option<QuotaReading>,
}

/// A row of `media_notifications`.
#[derive(Debug, Clone, Serialize)]
pub struct NotificationRecord {
    pub digest: String,
    /// The timestamp hashed together with the body; a replay needs it to have the same digest.
    pub signature_timestamp: Timestamp,
    pub signature_algorithm: Option<SignatureAlgorithm>,
    pub notification_type: Option<String>,
    pub triggered_at: Option<Timestamp>,
    pub received_at: Timestamp,
    pub asset_ids: Vec<AssetId>,
    pub verdict: NotificationVerdict,
    pub reason: Option<String>,
    pub body: String,
    pub body_is_base64: bool,
}

/// The fate of an accepted notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NotificationVerdict {
    /// It changed a row.
    Applied,
    /// Its news was known already, or is older than the row's knowledge.
    Superseded,
    /// It could not be understood, and is kept for a person.
    Parked,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_ask_for_everything_once_and_end_with_single_rows() {
        let ids: Vec<Uuid> = (0..5).map(Uuid::from_u128).collect();
        let asset = AssetId::parse(&"a".repeat(32)).unwrap();
        let query = RowQuery {
            ids: ids.clone(),
            asset_ids: vec![asset.clone()],
            names: Vec::new(),
            public_ids: vec!["mug".to_owned()],
        };
        let (mut open, mut single) = (vec![query], Vec::new());
        while let Some(query) = open.pop() {
            match query.clone().halves() {
                Some(halves) => open.extend(halves),
                None => single.push(query),
            }
        }
        assert_eq!(single.len(), 7);
        let mut asked: Vec<Uuid> = single.iter().flat_map(|query| query.ids.clone()).collect();
        asked.sort();
        assert_eq!(asked, ids);
        let assets = single.iter().flat_map(|query| &query.asset_ids);
        assert!(assets.eq([&asset]));
    }
}

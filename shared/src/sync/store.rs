//! The database as the workers see it: the RPCs of `infra/supabase/migrations`, typed.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::health::Mirror;
use super::plan::{AuditEntry, Plan};
use crate::asset::{AssetId, DeliveryName};
use crate::cloudinary::QuotaReading;
use crate::queue::{Outbound, Replay};
use crate::row::AssetRow;
use crate::supabase::{Supabase, SupabaseError};
use crate::time::Timestamp;

/// How often a plan is made anew when rows change under it, before its cause goes back to where
/// it came from.
pub const ATTEMPTS: usize = 8;

/// How long a leader may be silent before somebody else takes the run over, in seconds. Longer
/// than any function's timeout.
const LEASE_SECONDS: u32 = 120;

/// The database, called with the project's secret key.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) supabase: Supabase,
}

/// Which rows to read: those with these ids, and those that hold these names.
#[derive(Debug, Default, Serialize)]
pub struct RowQuery {
    #[serde(rename = "p_ids")]
    pub ids: Vec<Uuid>,
    #[serde(rename = "p_asset_ids")]
    pub asset_ids: Vec<AssetId>,
    #[serde(rename = "p_names")]
    pub names: Vec<DeliveryName>,
}

/// One transaction: rows, their audit trail, what caused them, and how far a run has come.
#[derive(Debug, Default, Serialize)]
pub struct WriteSet {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_run: Option<FinishedRun>,
    pub inserts: Vec<AssetRow>,
    pub updates: Vec<AssetRow>,
    pub notifications: Vec<NotificationRecord>,
    pub audit: Vec<AuditEntry>,
}

impl WriteSet {
    /// What a plan writes.
    pub fn of_plan(plan: Plan) -> Self {
        Self {
            inserts: plan.inserts,
            updates: plan.updates,
            audit: plan.audit,
            ..Self::default()
        }
    }

    /// Notes in the audit trail how long everything took that is written at `now`; what nobody has
    /// waited for is measured from `begun`, if that is known.
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

/// How far a run has come. Written only by who holds the lease, and only once per step.
#[derive(Debug, Clone, Serialize)]
pub struct Checkpoint {
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
    /// What a dry run has found so far.
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

impl Checkpoint {
    /// The checkpoint that follows what is known of `run`.
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

/// A run that had no steps, recorded in the transaction of what it has written.
#[derive(Debug, Clone, Serialize)]
pub struct FinishedRun {
    pub id: Uuid,
    pub mode: Mode,
    pub trigger: &'static str,
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
    /// What was hashed together with the body; a replay needs it to have the same digest.
    pub signature_timestamp: Timestamp,
    pub notification_type: Option<String>,
    pub triggered_at: Option<Timestamp>,
    pub received_at: Timestamp,
    pub asset_ids: Vec<AssetId>,
    pub verdict: Verdict,
    pub reason: Option<String>,
    pub body: String,
    pub body_is_base64: bool,
}

/// What became of an accepted notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It changed a row.
    Applied,
    /// What it says was known already, or is older than what is known.
    Superseded,
    /// It could not be understood, and is kept for a person.
    Parked,
}

/// A row of `sync_runs`, as far as its leader needs it.
#[derive(Debug, Clone, Deserialize)]
pub struct RunRow {
    pub id: Uuid,
    pub mode: Mode,
    pub status: RunStatus,
    pub options: Value,
    pub checkpoint: Value,
    pub counters: Value,
    pub step: i64,
    pub lease: Uuid,
    /// The start, certainly not before it, in microseconds on Cloudinary's clock.
    pub started_clock: Option<i64>,
    /// The start, certainly not after it.
    pub floor_clock: Option<i64>,
    pub since_clock: Option<i64>,
    pub dry_run: bool,
    pub drift: Option<Value>,
    /// Until then the run rests for the sake of the quota.
    pub resume_at: Option<Timestamp>,
    pub predicted_end: Option<Timestamp>,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

impl RunRow {
    /// How long after `now` nothing may be done for this run.
    pub fn resume_in(&self, now: Timestamp) -> Duration {
        self.resume_at
            .map_or(Duration::ZERO, |moment| moment.since(now))
    }
}

/// How much a run looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Everything: finds what was created, changed and deleted.
    Full,
    /// What changed since the last good run: finds what was created and changed.
    Incremental,
    /// Some assets, by name; says nothing of the others.
    Named,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    Running,
    Succeeded,
    Failed,
    /// It stopped on purpose, because going on would have done harm.
    Stopped,
}

/// Who asked for a run, and with what.
#[derive(Debug, Clone, Serialize)]
pub struct RunRequest {
    #[serde(rename = "p_mode")]
    pub mode: Mode,
    #[serde(rename = "p_trigger")]
    pub trigger: &'static str,
    #[serde(rename = "p_requested_by")]
    pub requested_by: Option<Uuid>,
    #[serde(rename = "p_options")]
    pub options: Value,
}

/// Whether the caller now leads a run.
#[derive(Debug, Deserialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Lead {
    Started(Led),
    /// Taken over where its last leader left it.
    Resumed(Led),
    /// The run waits for Cloudinary's quota, until its `resume_at`.
    Resting {
        run: RunRow,
    },
    /// Somebody else leads a run, or it is not one for the caller to lead.
    Busy {
        run: Option<RunRow>,
    },
    /// The run that was asked for has ended.
    Over,
}

/// A run to lead, and what its leader has to know besides.
#[derive(Debug, Deserialize)]
pub struct Led {
    pub run: RunRow,
    /// Live rows here.
    pub live: u64,
    pub quota: Option<QuotaReading>,
}

/// Why a run rests, and for how long.
#[derive(Debug, Default, Clone, Copy)]
pub struct Rest<'a> {
    /// A stable word, and a text for people.
    pub reason: Option<(&'a str, &'a str)>,
    /// Nobody is to go on before; otherwise anybody may at once.
    pub at_least: Option<Duration>,
    pub quota: Option<QuotaReading>,
}

/// How much a complete listing has not shown.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct SuspectCount {
    pub suspects: u64,
    pub live: u64,
}

/// What a claim has got.
#[derive(Debug, Deserialize)]
pub struct Claimed {
    pub rows: Vec<AssetRow>,
    /// Rows with an intent that somebody else is carrying out.
    pub busy: BTreeSet<Uuid>,
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

/// How much was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purged {
    pub notifications: u64,
    pub runs: u64,
    pub uploads: u64,
    pub audit: u64,
    pub idempotency_keys: u64,
}

impl Purged {
    /// Whether there were fewer than `limit` of each kind.
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

/// A live row that a complete listing has not shown.
#[derive(Debug, Clone, Deserialize)]
pub struct Suspect {
    pub asset_id: AssetId,
    /// Microseconds on Cloudinary's clock.
    pub alive: Option<i64>,
}

impl Store {
    pub fn new(supabase: Supabase) -> Self {
        Self { supabase }
    }

    pub async fn fetch_rows(&self, query: &RowQuery) -> Result<Vec<AssetRow>, SupabaseError> {
        self.supabase.rpc("media_sync_rows", query).await
    }

    /// The ids of live assets in `folder` and below it, at most `limit`.
    pub async fn fetch_folder_ids(
        &self,
        folder: &str,
        limit: u32,
    ) -> Result<Vec<AssetId>, SupabaseError> {
        let arguments = json!({"p_folder": folder, "p_limit": limit});
        self.supabase.rpc("media_sync_folder_ids", &arguments).await
    }

    /// Writes a change as one transaction, or nothing.
    ///
    /// # Errors
    /// [`SupabaseError::is_conflict`] when a row has changed since it was read: read and plan
    /// again. [`is_lease_lost`] when the run has another leader.
    pub async fn apply(&self, change: &WriteSet) -> Result<(), SupabaseError> {
        let arguments = json!({"p_change": change});
        self.supabase.rpc("media_sync_apply", &arguments).await
    }

    /// Takes rows whose intents are to be carried out. Nobody else gets them until they are
    /// released by a plan with this claim, or `time` has passed.
    pub async fn claim_intents(
        &self,
        ids: &BTreeSet<Uuid>,
        claim: Uuid,
        time: Duration,
    ) -> Result<Claimed, SupabaseError> {
        let arguments = json!({"p_ids": ids, "p_claim": claim, "p_seconds": time.as_secs()});
        self.supabase
            .rpc("media_sync_claim_intents", &arguments)
            .await
    }

    /// Takes intents that are due to be sent; they are due again after `idle_seconds`.
    pub async fn claim_waiting_intents(
        &self,
        idle_seconds: u32,
        limit: u32,
    ) -> Result<Vec<Outbound>, SupabaseError> {
        let arguments = json!({"p_idle_seconds": idle_seconds, "p_limit": limit});
        self.supabase
            .rpc("media_sync_waiting_intents", &arguments)
            .await
    }

    /// A page of recorded notifications, oldest first, as they came.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn fetch_recorded(
        &self,
        wanted: &Replay,
        limit: usize,
    ) -> Result<Vec<RecordedNotification>, SupabaseError> {
        let arguments = json!({
            "p_since": wanted.since,
            "p_until": wanted.until,
            "p_asset_id": wanted.asset_id,
            "p_after_received": wanted.after.as_ref().map(|(received, _)| received),
            "p_after_digest": wanted.after.as_ref().map(|(_, digest)| digest),
            "p_limit": limit,
        });
        self.supabase
            .rpc("media_sync_notifications", &arguments)
            .await
    }

    /// Removes at most `limit` of each kind of records: what is older than `days`, idempotency keys of
    /// more than a day, and entries of the audit trail that are older than `audit_days`.
    ///
    /// # Errors
    /// When the database cannot be asked, or `audit_days` is less than it allows.
    pub async fn purge(
        &self,
        days: u32,
        audit_days: u32,
        limit: u32,
    ) -> Result<Purged, SupabaseError> {
        let arguments = json!({"p_days": days, "p_limit": limit, "p_audit_days": audit_days});
        self.supabase.rpc("media_sync_purge", &arguments).await
    }

    /// Starts a run, or takes over the one that nobody leads.
    pub async fn lead_run(&self, request: &RunRequest) -> Result<Lead, SupabaseError> {
        self.supabase.rpc("media_sync_lead_run", request).await
    }

    /// Takes over this run, if nobody leads it and it has not ended.
    pub async fn continue_run(&self, run_id: Uuid) -> Result<Lead, SupabaseError> {
        let arguments = json!({"p_run_id": run_id});
        self.supabase.rpc("media_sync_lead_run", &arguments).await
    }

    /// Gives the lease back without ending the run; answers the run as it rests.
    ///
    /// # Errors
    /// [`is_lease_lost`] when somebody else leads it.
    pub async fn release_run(&self, run: &RunRow, rest: Rest<'_>) -> Result<RunRow, SupabaseError> {
        let arguments = json!({
            "p_run_id": run.id,
            "p_lease": run.lease,
            "p_error_code": rest.reason.map(|(code, _)| code),
            "p_error_message": rest.reason.map(|(_, message)| message),
            "p_rest_seconds": rest.at_least.map(|rest| rest.as_secs_f64()),
            "p_quota": rest.quota,
        });
        self.supabase
            .rpc("media_sync_release_run", &arguments)
            .await
    }

    /// Shares what an answer of Cloudinary's told of the quota; an older reading changes nothing.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn note_quota(&self, reading: QuotaReading) -> Result<(), SupabaseError> {
        let arguments = json!({"p_quota": reading});
        self.supabase.rpc("media_sync_note_quota", &arguments).await
    }

    /// How the mirror stands, for those who watch over it.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn fetch_health(&self) -> Result<Mirror, SupabaseError> {
        self.supabase.rpc("media_sync_health", &json!({})).await
    }

    /// How many rows are live.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn count_live(&self) -> Result<u64, SupabaseError> {
        #[derive(Deserialize)]
        struct Statistics {
            total_assets: u64,
        }
        let statistics: Statistics = self.supabase.rpc("media_statistics", &json!({})).await?;
        Ok(statistics.total_assets)
    }

    pub async fn count_suspects(&self, run: &RunRow) -> Result<SuspectCount, SupabaseError> {
        let arguments = json!({"p_run_id": run.id});
        self.supabase
            .rpc("media_sync_count_suspects", &arguments)
            .await
    }

    /// Suspects in the order of their ids, from after `after` on, and when each was last seen alive.
    pub async fn fetch_suspects(
        &self,
        run: &RunRow,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Suspect>, SupabaseError> {
        let arguments = json!({"p_run_id": run.id, "p_after": after, "p_limit": limit});
        self.supabase.rpc("media_sync_suspects", &arguments).await
    }

    /// Ends a run. The database grants success only to a run whose result it can confirm.
    pub async fn finish_run(
        &self,
        run: &RunRow,
        status: RunStatus,
        error: Option<(&str, &str)>,
        counters: &Value,
    ) -> Result<RunRow, SupabaseError> {
        let arguments = json!({
            "p_run_id": run.id,
            "p_lease": run.lease,
            "p_status": status,
            "p_error_code": error.map(|(code, _)| code),
            "p_error_message": error.map(|(_, message)| message),
            "p_counters": counters,
        });
        self.supabase.rpc("media_sync_finish_run", &arguments).await
    }
}

/// Whether the database refused a write because somebody else leads the run now.
pub fn is_lease_lost(error: &SupabaseError) -> bool {
    matches!(error, SupabaseError::Refused { code, .. } if code == "PT409")
}

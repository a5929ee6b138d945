//! The database as the workers see it: the RPCs of `infra/supabase/migrations`, typed.

mod mirror_health;
mod records;
mod runs;
mod write;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

pub use self::mirror_health::{CurrentRun, LastRun, MirrorHealth, RefusalSummary};
pub use self::records::{ClaimedRows, PurgedRecords, RecordedNotification};
pub use self::runs::{
    LeadOutcome, LeadingRun, RunMode, RunRequest, RunRest, RunRow, RunStatus, RunTrigger,
    SuspectCount, SuspectRow,
};
pub use self::write::{
    FinishedRun, MirrorRows, NotificationRecord, NotificationVerdict, RowQuery, RunCheckpoint,
    WriteSet,
};
use crate::asset::AssetId;
use crate::cloudinary::QuotaReading;
use crate::deadline::Deadline;
use crate::queue::{IntentMessage, RefusedNotifications, ReplayMessage};
use crate::supabase::{DataApi, SupabaseError};
use crate::sync::marker::LibraryPlace;

/// The number of new plans when rows change under them, before the cause goes back to its queue.
pub const ATTEMPTS: usize = 8;

/// The database, called with the project's secret key.
#[derive(Clone, Debug)]
pub struct MirrorStore {
    pub(super) supabase: DataApi,
}

impl MirrorStore {
    pub fn new(supabase: DataApi) -> Self {
        Self { supabase }
    }

    /// The Supabase project's address.
    pub fn address(&self) -> &Url {
        self.supabase.base()
    }

    /// The same database, asked nothing that cannot be answered before this moment.
    #[must_use]
    pub fn until(&self, deadline: Deadline) -> Self {
        Self {
            supabase: self.supabase.until(deadline),
        }
    }

    pub async fn fetch_rows(&self, query: &RowQuery) -> Result<MirrorRows, SupabaseError> {
        self.supabase.rpc("media_sync_rows", query).await
    }

    /// The same in as many answers as the rows need, where one would be too large.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn fetch_rows_in_parts(&self, query: RowQuery) -> Result<MirrorRows, SupabaseError> {
        let mut open = vec![query];
        let mut read = MirrorRows::default();
        while let Some(query) = open.pop() {
            match self.fetch_rows(&query).await {
                Ok(part) => read.take(part),
                Err(error) if error.is_about_size() => {
                    open.extend(query.halves().ok_or(error)?);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(read)
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
    /// released by a plan with this claim, or `time` has passed. From a place behind another's fence
    /// nobody gets any.
    pub async fn claim_intents(
        &self,
        ids: &BTreeSet<Uuid>,
        claim: Uuid,
        time: Duration,
        place: Option<&LibraryPlace>,
    ) -> Result<ClaimedRows, SupabaseError> {
        let seconds = time.as_secs();
        let arguments =
            json!({"p_ids": ids, "p_claim": claim, "p_seconds": seconds, "p_place": place});
        self.supabase
            .rpc("media_sync_claim_intents", &arguments)
            .await
    }

    /// Takes intents that are due to be sent; they are due again after `idle_seconds`.
    pub async fn claim_waiting_intents(
        &self,
        idle_seconds: u32,
        limit: u32,
    ) -> Result<Vec<IntentMessage>, SupabaseError> {
        let arguments = json!({"p_idle_seconds": idle_seconds, "p_limit": limit});
        self.supabase
            .rpc("media_sync_waiting_intents", &arguments)
            .await
    }

    /// Lets the deletes go that were held until now as a mass delete. Answers their number.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn allow_deletes(&self, by: Uuid) -> Result<u64, SupabaseError> {
        let arguments = json!({"p_by": by});
        self.supabase
            .rpc("media_sync_allow_deletes", &arguments)
            .await
    }

    /// The same, if these are exactly the plan's; `None` if they are not.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn allow_planned_deletes(
        &self,
        by: Uuid,
        plan: Uuid,
    ) -> Result<Option<u64>, SupabaseError> {
        let arguments = json!({"p_by": by, "p_plan": plan});
        self.supabase
            .rpc("media_sync_allow_deletes", &arguments)
            .await
    }

    /// A page of recorded notifications, oldest first, as they came.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn fetch_recorded(
        &self,
        wanted: &ReplayMessage,
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

    /// Records notifications that the webhook refused.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn note_refusals(
        &self,
        refused: &[RefusedNotifications],
    ) -> Result<(), SupabaseError> {
        let arguments = json!({"p_refusals": refused});
        self.supabase
            .rpc("media_sync_note_refusals", &arguments)
            .await
    }

    /// Removes at most `limit` of each kind of records: those older than `days`, idempotency keys
    /// of more than a day, and audit entries older than `audit_days`.
    ///
    /// # Errors
    /// When the database cannot be asked, or `audit_days` is less than it allows.
    pub async fn purge(
        &self,
        days: u32,
        audit_days: u32,
        limit: u32,
    ) -> Result<PurgedRecords, SupabaseError> {
        let arguments = json!({"p_days": days, "p_limit": limit, "p_audit_days": audit_days});
        self.supabase.rpc("media_sync_purge", &arguments).await
    }

    /// Leaves an entry in the audit trail that Cloudinary's triggers were repaired.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn note_triggers(&self, details: &Value) -> Result<(), SupabaseError> {
        let arguments = json!({"p_details": details});
        self.supabase
            .rpc("media_sync_note_triggers", &arguments)
            .await
    }

    /// Starts a run, or takes over the one that nobody leads.
    pub async fn lead_run(&self, request: &RunRequest) -> Result<LeadOutcome, SupabaseError> {
        self.supabase.rpc("media_sync_lead_run", request).await
    }

    /// Takes over this run, if nobody leads it and it has not ended.
    pub async fn continue_run(&self, run_id: Uuid) -> Result<LeadOutcome, SupabaseError> {
        let arguments = json!({"p_run_id": run_id});
        self.supabase.rpc("media_sync_lead_run", &arguments).await
    }

    /// Gives the lease back without ending the run; answers the run as it rests.
    ///
    /// # Errors
    /// [`is_lease_lost`] when somebody else leads it.
    pub async fn release_run(
        &self,
        run: &RunRow,
        rest: RunRest<'_>,
    ) -> Result<RunRow, SupabaseError> {
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

    /// Shares an answer's reading of the quota; an older reading changes nothing.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn note_quota(&self, reading: QuotaReading) -> Result<(), SupabaseError> {
        let arguments = json!({"p_quota": reading});
        self.supabase.rpc("media_sync_note_quota", &arguments).await
    }

    /// Reads the state of the mirror, for those who watch over it at this place.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn fetch_health(&self, place: &LibraryPlace) -> Result<MirrorHealth, SupabaseError> {
        let arguments = json!({"p_place": place});
        self.supabase.rpc("media_sync_health", &arguments).await
    }

    /// Counts the live rows.
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

    /// The run that has made a plan which still holds.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn find_plan(&self, plan: Uuid) -> Result<Option<Uuid>, SupabaseError> {
        let arguments = json!({"p_hash": plan});
        self.supabase.rpc("media_sync_find_plan", &arguments).await
    }

    pub async fn count_suspects(&self, run: &RunRow) -> Result<SuspectCount, SupabaseError> {
        let arguments = json!({"p_run_id": run.id});
        self.supabase
            .rpc("media_sync_count_suspects", &arguments)
            .await
    }

    /// Suspects in the order of their ids, from after `after` on, and each row's knowledge.
    pub async fn fetch_suspects(
        &self,
        run: &RunRow,
        after: &str,
        limit: usize,
    ) -> Result<Vec<SuspectRow>, SupabaseError> {
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

/// Tells whether the database refused a write because somebody else leads the run now.
pub fn is_lease_lost(error: &SupabaseError) -> bool {
    matches!(error, SupabaseError::Refused { code, .. } if code == "PT410")
}

//! Runs as the Data API shows them, and their outcomes (pure but for the reading).

mod failure;
pub mod follow;
pub mod patience;
mod progress;

use media_sync::supabase::DataApi;
use media_sync::sync::store::{RunMode, RunStatus};
use media_sync::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::failure::Failure;

/// Codes of runs that wait for Cloudinary's hourly quota.
const QUOTA: [&str; 2] = ["quota_reserve", "cloudinary_quota"];

/// A run as `describe_run` in the database tells it.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct RunDescription {
    /// Its id.
    pub run_id: Uuid,
    /// The run's extent.
    pub mode: RunMode,
    /// `schedule`, `api` or `invocation`.
    pub trigger: String,
    /// True for one that only compares.
    pub dry_run: bool,
    /// Its state.
    pub status: RunStatus,
    /// A stable word for its failure, or for the reason of its wait.
    pub error_code: Option<String>,
    /// The same for people.
    pub error_message: Option<String>,
    /// Its work so far.
    #[serde(default)]
    pub counters: RunNumbers,
    /// When it began.
    pub started_at: Timestamp,
    /// Its last sign of life.
    #[serde(default, skip_serializing)]
    pub heartbeat_at: Option<Timestamp>,
    /// Absent while it goes on.
    pub finished_at: Option<Timestamp>,
    /// Until then it rests.
    pub resume_at: Option<Timestamp>,
    /// By its pace so far.
    pub predicted_end: Option<Timestamp>,
    /// Where a dry run was asked for by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Value>,
}

/// The counters that commands show.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RunNumbers {
    /// Assets that Cloudinary listed.
    pub listed: u64,
    /// Assets that the listing did not show, and that were looked at.
    pub suspects: u64,
    /// Rows made.
    pub created: u64,
    /// Rows changed.
    pub updated: u64,
    /// Rows marked deleted.
    pub deleted: u64,
    /// Rows found right.
    pub unchanged: u64,
}

/// The mirror as `media_sync_overview` tells it.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct RunOverview {
    /// True when nothing waits, nothing was refused, and the last run was good.
    pub is_synced: bool,
    /// When the last good run ended.
    pub last_sync: Option<Timestamp>,
    /// Decisions that wait to be carried out in Cloudinary.
    pub pending_operations: u64,
    /// Of the run that goes on, or of the last one.
    pub last_error: Option<String>,
    /// Live rows.
    pub stats: RowStats,
    /// The run that goes on.
    pub current_run: Option<RunDescription>,
    /// The newest ten.
    pub recent_runs: Vec<RunDescription>,
    /// Cloudinary's hourly quota, as told last.
    pub quota: Option<RunQuota>,
    /// The run that was asked for.
    #[serde(default, skip_serializing)]
    pub run: Option<RunDescription>,
}

/// Live rows by their standing.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize)]
pub struct RowStats {
    /// All of them.
    pub total_assets: u64,
    /// With a decision that waits.
    pub pending_assets: u64,
    /// With one that Cloudinary refused.
    pub error_assets: u64,
}

/// Cloudinary's hourly quota.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
pub struct RunQuota {
    /// Calls an hour.
    pub limit: i64,
    /// Those left.
    pub remaining: i64,
    /// When all are there again.
    pub reset_at: Timestamp,
    /// When Cloudinary told it.
    pub seen_at: Timestamp,
}

/// Reads the overview, with one run if it is named.
///
/// # Errors
/// When the Data API does not answer or refuses.
pub async fn overview(supabase: &DataApi, run: Option<Uuid>) -> Result<RunOverview, Failure> {
    let arguments = json!({"p_run_id": run});
    Ok(supabase.rpc("media_sync_overview", &arguments).await?)
}

/// The state of a run, for somebody who waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStanding {
    /// It works.
    Working,
    /// It waits for Cloudinary's quota until then.
    RestsForQuota(Timestamp),
    /// A fault made it rest; it is tried again by itself.
    RestsAfterFault,
    /// It has ended well, and a dry run has found no difference.
    Done,
    /// A dry run has found differences.
    Differs,
    /// It has failed or was stopped.
    Failed,
}

impl RunDescription {
    /// Judges the run at `now`.
    pub fn standing(&self, now: Timestamp) -> RunStanding {
        match self.status {
            RunStatus::Failed | RunStatus::Stopped => RunStanding::Failed,
            RunStatus::Succeeded if self.dry_run && self.differences() > 0 => RunStanding::Differs,
            RunStatus::Succeeded => RunStanding::Done,
            RunStatus::Running => {
                let code = self.error_code.as_deref();
                let waits = code.is_some_and(|code| QUOTA.contains(&code));
                match self.resume_at.filter(|until| waits && *until > now) {
                    Some(until) => RunStanding::RestsForQuota(until),
                    None if code.is_some() && !waits => RunStanding::RestsAfterFault,
                    None => RunStanding::Working,
                }
            }
        }
    }

    /// Assets that a dry run has found otherwise on the two sides.
    pub fn differences(&self) -> u64 {
        let kinds = ["missing_here", "missing_there", "different"];
        match &self.drift {
            None => self.counters.created + self.counters.updated + self.counters.deleted,
            Some(drift) => kinds
                .into_iter()
                .filter_map(|kind| drift[kind]["count"].as_u64())
                .sum(),
        }
    }

    /// Assets that are done. Those of a listing and suspects together are at most the live rows and what is new.
    pub fn done(&self) -> u64 {
        self.counters.listed + self.counters.suspects
    }

    /// The result in one line.
    pub fn result(&self) -> String {
        let RunNumbers {
            created,
            updated,
            deleted,
            unchanged,
            ..
        } = self.counters;
        let tense = if self.dry_run { "would be " } else { "" };
        format!(
            "{created} {tense}created, {updated} {tense}updated, {deleted} {tense}deleted, {unchanged} equal"
        )
    }

    /// `full`, `incremental` or `named`.
    pub fn mode_word(&self) -> &'static str {
        match self.mode {
            RunMode::Full => "full",
            RunMode::Incremental => "incremental",
            RunMode::Named => "named",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn run(changes: &Value) -> RunDescription {
        let mut value = json!({
            "run_id": Uuid::nil(), "mode": "full", "trigger": "invocation", "dry_run": false, "status": "running",
            "error_code": null, "error_message": null, "counters": {}, "started_at": NOW, "finished_at": null,
            "resume_at": null, "predicted_end": null,
        });
        for (key, change) in changes.as_object().unwrap() {
            value[key] = change.clone();
        }
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn runs_work_rest_or_have_ended() {
        let later = Timestamp::from_secs(1_800_000_600);
        for (changes, expected) in [
            (json!({}), RunStanding::Working),
            (
                json!({"error_code": "quota_reserve", "resume_at": later}),
                RunStanding::RestsForQuota(later),
            ),
            (
                json!({"error_code": "quota_reserve", "resume_at": NOW}),
                RunStanding::Working,
            ),
            (json!({"resume_at": later}), RunStanding::Working),
            (
                json!({"error_code": "database"}),
                RunStanding::RestsAfterFault,
            ),
            (json!({"status": "succeeded"}), RunStanding::Done),
            (
                json!({"status": "succeeded", "counters": {"created": 3}}),
                RunStanding::Done,
            ),
            (
                json!({"status": "succeeded", "dry_run": true, "counters": {"unchanged": 3}}),
                RunStanding::Done,
            ),
            (
                json!({"status": "succeeded", "dry_run": true, "drift": {"different": {"count": 1}}}),
                RunStanding::Differs,
            ),
            (
                json!({"status": "stopped", "error_code": "mass_delete"}),
                RunStanding::Failed,
            ),
            (json!({"status": "failed"}), RunStanding::Failed),
        ] {
            assert_eq!(run(&changes).standing(NOW), expected, "{changes}");
        }
    }

    #[test]
    fn differences_are_those_of_the_drift() {
        let drift = json!({"missing_here": {"count": 2}, "missing_there": {"count": 1}, "different": {"count": 4}});
        let told = run(&json!({"dry_run": true, "drift": drift}));
        assert_eq!(told.differences(), 7);
        assert_eq!(
            run(&json!({"counters": {"created": 1, "unchanged": 2}})).result(),
            "1 created, 0 updated, 0 deleted, 2 equal"
        );
    }
}

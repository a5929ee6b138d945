//! Runs, as the database keeps them (plain data).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::asset::AssetId;
use crate::cloudinary::QuotaReading;
use crate::observation::AssetClocks;
use crate::time::Timestamp;

/// A row of `sync_runs`, as far as its leader needs it.
#[derive(Debug, Clone, Deserialize)]
pub struct RunRow {
    pub id: Uuid,
    pub mode: RunMode,
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
    /// The deletes that a stopped or a dry run has found.
    pub plan: Option<Value>,
    /// Until then the run rests for the sake of the quota.
    pub resume_at: Option<Timestamp>,
    pub predicted_end: Option<Timestamp>,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

impl RunRow {
    /// The time after `now` in which nothing may be done for this run.
    pub fn resume_in(&self, now: Timestamp) -> Duration {
        self.resume_at
            .map_or(Duration::ZERO, |moment| moment.since(now))
    }
}

/// The scope of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunMode {
    /// Everything: finds created, changed and deleted assets.
    Full,
    /// Changes since the last good run: finds created and changed assets.
    Incremental,
    /// Some assets, by name; says nothing of the others.
    Named,
}

/// The state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    Running,
    Succeeded,
    Failed,
    /// It stopped on purpose, because going on would have done harm.
    Stopped,
}

/// The cause of a run, as the database names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunTrigger {
    Schedule,
    /// An administrator's request.
    Api,
    /// The function was invoked by hand.
    Invocation,
}

/// A request for a run: its author and its options.
#[derive(Debug, Clone, Serialize)]
pub struct RunRequest {
    #[serde(rename = "p_mode")]
    pub mode: RunMode,
    #[serde(rename = "p_trigger")]
    pub trigger: RunTrigger,
    #[serde(rename = "p_requested_by")]
    pub requested_by: Option<Uuid>,
    #[serde(rename = "p_options")]
    pub options: Value,
    /// True if a run that rests after a failure is given up for this one.
    #[serde(rename = "p_force")]
    pub force: bool,
}

/// The answer to a wish to lead a run.
#[derive(Debug, Deserialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum LeadOutcome {
    Started(LeadingRun),
    /// Taken over where its last leader left it.
    Resumed(LeadingRun),
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

/// A run to lead, and its leader's other facts.
#[derive(Debug, Deserialize)]
pub struct LeadingRun {
    pub run: RunRow,
    /// Live rows here.
    pub live: u64,
    pub quota: Option<QuotaReading>,
}

/// The reason and the length of a run's rest.
#[derive(Debug, Default, Clone, Copy)]
pub struct RunRest<'a> {
    /// A stable word, and a text for people.
    pub reason: Option<(&'a str, &'a str)>,
    /// Nobody is to go on before; otherwise anybody may at once.
    pub at_least: Option<Duration>,
    pub quota: Option<QuotaReading>,
}

/// The number of rows that a complete listing has not shown.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct SuspectCount {
    pub suspects: u64,
    pub live: u64,
    /// Stands for exactly these rows.
    pub plan: Option<Uuid>,
}

/// A live row that a complete listing has not shown.
#[derive(Debug, Clone, Deserialize)]
pub struct SuspectRow {
    pub asset_id: AssetId,
    pub clocks: AssetClocks,
}

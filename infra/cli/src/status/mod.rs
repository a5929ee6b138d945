//! The state of the mirror, and the things that deserve a look (pure).

mod table;

use std::collections::BTreeMap;

use media_sync::queue::{QueueBacklog, QueueName};
use media_sync::sync::health::{self, HealthFindings, RunSchedules};
use media_sync::sync::store::MirrorHealth;
use media_sync::time::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

pub use self::table::lines;
use crate::exit::Exit;
use crate::runs::{RunDescription, RunOverview, RunStanding};

/// Everything that was read.
#[derive(Debug)]
pub struct MirrorPicture {
    /// Runs, rows and the quota.
    pub overview: RunOverview,
    /// The moments that lateness is measured by.
    pub mirror: MirrorHealth,
    /// The queues by the words of `GET /health`, or nothing where the stack could not be asked.
    pub queues: Option<BTreeMap<&'static str, Result<QueueBacklog, &'static str>>>,
    /// The periods of runs, where they are known.
    pub schedules: RunSchedules,
}

/// One word for all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MirrorVerdict {
    /// Both sides are equal as far as anybody knows.
    InSync,
    /// Work is under way, which ends by itself.
    Working,
    /// Somebody should look.
    NeedsALook,
}

/// Something that deserves a look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatusConcern {
    /// A stable word.
    pub code: &'static str,
    /// The fact.
    pub seen: String,
    /// The command or the click.
    pub mend: &'static str,
}

/// The verdict and its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirrorJudgement {
    /// One word.
    pub verdict: MirrorVerdict,
    /// Empty unless somebody should look.
    pub looks: Vec<StatusConcern>,
}

impl MirrorVerdict {
    /// The exit code.
    pub const fn exit(self) -> Exit {
        match self {
            Self::InSync => Exit::Ok,
            Self::Working => Exit::TryAgain,
            Self::NeedsALook => Exit::Difference,
        }
    }
}

/// Judges the readings.
pub fn judge(picture: &MirrorPicture, now: Timestamp) -> MirrorJudgement {
    let findings = HealthFindings {
        database: Ok(picture.mirror.clone()),
        queues: picture.queues.clone().unwrap_or_default(),
        cloudinary: None,
    };
    let (_, reasons) = health::assess(&findings, picture.schedules, now);
    let first_import = is_first_import(picture, now);
    let mut looks: Vec<StatusConcern> = reasons
        .into_iter()
        .filter(|reason| !(first_import && reason.code == "never_reconciled"))
        .map(|reason| StatusConcern {
            code: reason.code,
            seen: reason.message,
            mend: mend(reason.code),
        })
        .collect();
    if picture.mirror.errors > 0 {
        looks.push(StatusConcern {
            code: "refused",
            seen: format!(
                "Cloudinary refused decisions made here for {} assets.",
                picture.mirror.errors
            ),
            mend: mend("refused"),
        });
    }
    let verdict = match looks.is_empty() {
        false => MirrorVerdict::NeedsALook,
        true if is_working(picture) => MirrorVerdict::Working,
        true => MirrorVerdict::InSync,
    };
    MirrorJudgement { verdict, looks }
}

/// A first run that makes progress is no fault.
fn is_first_import(picture: &MirrorPicture, now: Timestamp) -> bool {
    let run = picture.overview.current_run.as_ref();
    picture.mirror.last_full.is_none()
        && run.is_some_and(|run| !run.dry_run && run.standing(now) != RunStanding::RestsAfterFault)
}

fn is_working(picture: &MirrorPicture) -> bool {
    let waits =
        |depth: &Result<QueueBacklog, _>| depth.as_ref().is_ok_and(|depth| depth.total() > 0);
    let is_real = |run: &RunDescription| !run.dry_run;
    !picture.overview.is_synced
        || picture.overview.current_run.as_ref().is_some_and(is_real)
        || picture
            .queues
            .as_ref()
            .is_some_and(|queues| queues.values().any(waits))
}

fn mend(code: &str) -> &'static str {
    match code {
        "dead_letters" => {
            "mediasync redrive QUEUE --dry-run shows them; mend the cause, then mediasync redrive QUEUE"
        }
        "queue" => "allow sqs:GetQueueAttributes to the role or user of AWS's credentials",
        "schema_behind" => "mediasync migrate",
        "schema_ahead" => "deploy the release that migrated the database",
        "never_reconciled" => "mediasync sync --full",
        "reconciliation_late" => {
            "mediasync doctor; the log of the function reconcile says why runs do not succeed"
        }
        "deletes_held" => {
            "if they were meant, POST /api/cloudinary/sync with allow_mass_delete; if not, restore them"
        }
        "library_fenced" => {
            "mediasync fence shows the owner; mediasync fence take takes the library over"
        }
        "run_stuck" => {
            "the log of the function reconcile says why; POST /api/cloudinary/sync with force begins another run"
        }
        "no_notifications" => "mediasync webhooks ensure",
        "quota_spent" => {
            "wait for the full hour; mediasync status shows when the quota is full again"
        }
        "last_run" => {
            "mediasync sync --full --dry-run shows the differences; docs/operate/daily.md explains the codes"
        }
        "pending_for_long" => {
            "the log of the function outbound_worker says why it is not carried out"
        }
        "refused" => {
            "GET /api/cloudinary/media?sync_status=error shows them; mend the cause, then ask for another attempt \
             (docs/operate/daily.md)"
        }
        _ => "mediasync doctor",
    }
}

/// The whole picture as data.
pub fn to_json(picture: &MirrorPicture, judgement: &MirrorJudgement) -> Value {
    let queues = picture.queues.as_ref().map(|queues| {
        let told = |name: &str| match queues.get(name) {
            Some(Ok(depth)) => json!(depth),
            Some(Err(code)) => json!({"error": code}),
            None => Value::Null,
        };
        let one = |queue: QueueName| {
            let (own, dead) = queue.health_words();
            let value = json!({"queue": told(own), "dead_letters": told(dead)});
            (queue.word().to_owned(), value)
        };
        Value::Object(QueueName::ALL.into_iter().map(one).collect())
    });
    json!({
        "status": judgement.verdict,
        "looks": judgement.looks,
        "assets": picture.overview.stats,
        "last_full": picture.mirror.last_full,
        "last_good": picture.mirror.last_good,
        "oldest_pending": picture.mirror.oldest_pending,
        "current_run": picture.overview.current_run,
        "recent_runs": picture.overview.recent_runs,
        "queues": queues,
        "quota": picture.overview.quota,
    })
}

#[cfg(test)]
mod tests;

//! Explains an asset's state and the next step, in sentences for people (pure).

use serde::{Deserialize, Serialize};

use crate::intent::Intent;
use crate::row::SyncStatus;
use crate::sync::advice::remedy;
use crate::time::Timestamp;

/// The facts of a row and its audit trail that tell its state.
#[derive(Clone, Debug, Deserialize)]
pub struct StatusFacts {
    pub sync_status: SyncStatus,
    /// True if Cloudinary has given the asset its id yet.
    pub intent: Option<Intent>,
    /// True if a worker is carrying the intent out just now.
    pub is_claimed: bool,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    /// Failures in a row.
    pub failures: i32,
    pub next_attempt_at: Option<Timestamp>,
    pub last_synced_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
    /// True if somebody who is known here has deleted it.
    pub was_deleted_by_user: bool,
    pub landmark: Option<AuditLandmark>,
}

/// The newest entry of the audit trail that the row itself does not show.
#[derive(Clone, Debug, Deserialize)]
pub struct AuditLandmark {
    pub operation: String,
    pub at: Timestamp,
    /// The fields whose values lost against Cloudinary's.
    #[serde(default)]
    pub lost: Vec<String>,
}

/// An answer to "why is it like this?".
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AssetExplanation {
    /// A stable word for programs.
    pub state: AssetStatus,
    pub why: String,
    pub next: String,
}

/// The states that differ in their next step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AssetStatus {
    Synced,
    /// Both sides agree, and a value that was wished for here is not among it.
    ConflictLost,
    /// Both sides agree, and Cloudinary has kept a value of its own where one was sent.
    ValueKept,
    PendingUpload,
    PendingEdit,
    PendingDelete,
    PendingRestore,
    InProgress,
    WaitingForRetry,
    WaitingForQuota,
    /// A delete among too many: an administrator has to allow it.
    Held,
    /// The library belongs to another deployment.
    Fenced,
    /// Cloudinary was called for it too often in a short time.
    RoundsSpent,
    /// It fails again and again, and is tried on.
    Failing,
    /// Cloudinary has refused it for good.
    Refused,
    DeletedHere,
    DeletedInCloudinary,
    RestoreRefused,
}

/// The time within which a lost message is found.
const DRAIN: &str = "within a minute";

/// Explains a row. Who carries an intent out, and by which claim, is nobody's business.
pub fn explain(standing: &StatusFacts, now: Timestamp) -> AssetExplanation {
    match (&standing.intent, standing.sync_status) {
        (Some(intent), _) => explain_intent(standing, intent, now),
        // An upload that fails leaves no row.
        (None, SyncStatus::Pending | SyncStatus::Error) => AssetExplanation {
            state: AssetStatus::PendingUpload,
            why: "The upload is under way: Cloudinary has not told the asset id yet.".to_owned(),
            next: "Cloudinary's notification completes the asset. If none comes within six minutes, media-sync looks in Cloudinary. If nothing is there, the asset goes from this list."
                .to_owned(),
        },
        (None, SyncStatus::Synced) if standing.deleted_at.is_some() => explain_deleted(standing),
        (None, SyncStatus::Synced) => explain_synced(standing),
    }
}

fn explain_synced(standing: &StatusFacts) -> AssetExplanation {
    let lost = standing.landmark.as_ref();
    let lost = lost.filter(|landmark| !landmark.lost.is_empty());
    match lost.map(|landmark| (landmark.operation.as_str(), landmark)) {
        Some(("conflict", landmark)) => return explain_lost(landmark),
        Some(("value_kept", landmark)) => return explain_kept(landmark),
        _ => {}
    }
    let since = standing.last_synced_at.map_or_else(String::new, |at| {
        format!(" (last written {})", at.to_the_second())
    });
    AssetExplanation {
        state: AssetStatus::Synced,
        why: format!("Both sides agree as far as Cloudinary has told, and nothing waits{since}."),
        next: "Nothing happens until somebody changes it here or in Cloudinary.".to_owned(),
    }
}

fn explain_lost(landmark: &AuditLandmark) -> AssetExplanation {
    AssetExplanation {
            state: AssetStatus::ConflictLost,
            why: format!(
                "Both sides agree, but a change made here was lost: {} was changed on both sides, and Cloudinary's change was later (found {}).",
                landmark.lost.join(", "),
                landmark.at.to_the_second()
            ),
            next: "Nothing happens by itself. The audit trail keeps both values (operation `conflict`). To restore yours, make the change again."
                .to_owned(),
        }
}

fn explain_kept(landmark: &AuditLandmark) -> AssetExplanation {
    AssetExplanation {
        state: AssetStatus::ValueKept,
        why: format!(
            "Both sides agree. Cloudinary accepted a change made here and shows a value of its own: {} (found {}).",
            landmark.lost.join(", "),
            landmark.at.to_the_second()
        ),
        next: "Nothing happens by itself. The audit trail keeps both values (operation `value_kept`). Cloudinary may write the value differently, or the folder mode may not allow the change."
            .to_owned(),
    }
}

fn explain_deleted(standing: &StatusFacts) -> AssetExplanation {
    let at = standing
        .deleted_at
        .map_or_else(|| "at an unknown time".to_owned(), Timestamp::to_the_second);
    if let Some(message) = &standing.error_message {
        return AssetExplanation {
            state: AssetStatus::RestoreRefused,
            why: format!(
                "It is deleted ({at}), and Cloudinary could not bring it back: {}.",
                bare(message)
            ),
            next: "Nothing happens by itself. Restore it here once more, or upload the file again if Cloudinary has no backup."
                .to_owned(),
        };
    }
    let operation = standing
        .landmark
        .as_ref()
        .map(|landmark| &*landmark.operation);
    if standing.was_deleted_by_user || operation == Some("delete_confirmed") {
        return AssetExplanation {
            state: AssetStatus::DeletedHere,
            why: format!("It was deleted here ({at}), and Cloudinary has confirmed it."),
            next: "A restore brings it back from Cloudinary's backup, if there is one.".to_owned(),
        };
    }
    AssetExplanation {
        state: AssetStatus::DeletedInCloudinary,
        why: format!("Somebody deleted it in Cloudinary ({at})."),
        next: "A restore, here or in Cloudinary, brings both back if Cloudinary has a backup."
            .to_owned(),
    }
}

fn explain_intent(standing: &StatusFacts, intent: &Intent, now: Timestamp) -> AssetExplanation {
    let wish = Wish::of(intent);
    if standing.is_claimed {
        return AssetExplanation {
            state: AssetStatus::InProgress,
            why: format!("{} is being carried out in Cloudinary now.", wish.subject()),
            next: "Then media-sync looks at the asset. When Cloudinary shows the wanted values, the asset is in sync."
                .to_owned(),
        };
    }
    let code = standing.error_code.as_deref();
    let when = moment(standing.next_attempt_at, now);
    match (standing.sync_status, code, &when) {
        (SyncStatus::Error, _, None) => AssetExplanation {
            state: AssetStatus::Refused,
            why: format!(
                "{} was refused by Cloudinary: {}.",
                wish.subject(),
                reason(standing)
            ),
            next: format!(
                "It is not retried by itself. {} Then change the asset again here, or let an administrator ask for another attempt.",
                remedy(code.unwrap_or_default())
            ),
        },
        (SyncStatus::Error, _, Some(when)) => AssetExplanation {
            state: AssetStatus::Failing,
            why: format!(
                "{} has failed {} times in a row. The last failure: {}.",
                wish.subject(),
                standing.failures,
                reason(standing)
            ),
            next: format!(
                "The next attempt is {when}; more follow, an hour apart at most. An administrator may ask for an attempt at once."
            ),
        },
        (_, Some("held"), _) => AssetExplanation {
            state: AssetStatus::Held,
            why: "Its deletion is held: too many assets were deleted within an hour, and Cloudinary keeps all of them."
                .to_owned(),
            next: "Nothing happens by itself. An administrator allows it, or a restore takes it back."
                .to_owned(),
        },
        (_, Some("fenced"), _) => AssetExplanation {
            state: AssetStatus::Fenced,
            why: format!(
                "{} waits: another deployment has marked the library as its own, so this one writes nothing there.",
                wish.subject()
            ),
            next: "An administrator may take the library over (mediasync fence take). Until then it is tried every quarter of an hour."
                .to_owned(),
        },
        (_, Some("rounds_spent"), _) => AssetExplanation {
            state: AssetStatus::RoundsSpent,
            why: format!(
                "{} waits: Cloudinary was called for this asset many times in a short time.",
                wish.subject()
            ),
            next: format!(
                "The next round of calls begins {}. Changes made until then go with it.",
                when.as_deref().unwrap_or(DRAIN)
            ),
        },
        (_, Some("cloudinary_quota"), _) => AssetExplanation {
            state: AssetStatus::WaitingForQuota,
            why: format!(
                "{} waits: Cloudinary's quota of calls for this hour is used up.",
                wish.subject()
            ),
            next: format!(
                "The next attempt is {}, when the quota has been reset.",
                when.as_deref().unwrap_or(DRAIN)
            ),
        },
        (_, Some(_), _) => AssetExplanation {
            state: AssetStatus::WaitingForRetry,
            why: format!(
                "{} is not done yet. Attempt {} failed: {}.",
                wish.subject(),
                standing.failures,
                reason(standing)
            ),
            next: format!("The next attempt is {}.", when.as_deref().unwrap_or(DRAIN)),
        },
        (_, None, _) => AssetExplanation {
            state: wish.state(),
            why: format!(
                "{} was decided here ({}) and is not confirmed by Cloudinary yet.",
                wish.subject(),
                Timestamp::from_micros(intent.at).to_the_second()
            ),
            next: format!(
                "It is sent to Cloudinary {}.",
                match when {
                    Some(when) if when != DRAIN => format!("{when} at the latest"),
                    _ => DRAIN.to_owned(),
                }
            ),
        },
    }
}

/// The subject of an intent, as a sentence begins with it.
enum Wish {
    Delete,
    Restore,
    Edit(Vec<String>),
}

impl Wish {
    fn of(intent: &Intent) -> Self {
        if intent.is_delete() {
            Self::Delete
        } else if intent.is_restore() {
            Self::Restore
        } else {
            Self::Edit(intent.edited_fields())
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::Delete => "Its deletion".to_owned(),
            Self::Restore => "Its restore".to_owned(),
            Self::Edit(fields) => format!("The change of {}", fields.join(", ")),
        }
    }

    fn state(&self) -> AssetStatus {
        match self {
            Self::Delete => AssetStatus::PendingDelete,
            Self::Restore => AssetStatus::PendingRestore,
            Self::Edit(_) => AssetStatus::PendingEdit,
        }
    }
}

/// The next drain takes intents that are due already.
fn moment(at: Option<Timestamp>, now: Timestamp) -> Option<String> {
    let at = at?;
    Some(if at <= now {
        DRAIN.to_owned()
    } else {
        format!("at {}", at.to_the_second())
    })
}

fn reason(standing: &StatusFacts) -> String {
    let message = standing.error_message.as_deref();
    let message = bare(message.unwrap_or("no reason was given"));
    match &standing.error_code {
        Some(code) => format!("{message} ({code})"),
        None => message.to_owned(),
    }
}

fn bare(message: &str) -> &str {
    message.trim_end_matches(['.', ' '])
}

#[cfg(test)]
mod tests;

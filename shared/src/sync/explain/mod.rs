//! Explains an asset's state and the next step, in sentences for people (pure).

use serde::{Deserialize, Serialize};

use crate::intent::Intent;
use crate::row::SyncStatus;
use crate::time::Timestamp;

/// The facts of a row and its audit trail that tell its state.
#[derive(Clone, Debug, Deserialize)]
pub struct Standing {
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
    pub landmark: Option<Landmark>,
}

/// The newest entry of the audit trail that the row itself does not show.
#[derive(Clone, Debug, Deserialize)]
pub struct Landmark {
    pub operation: String,
    pub at: Timestamp,
    /// The fields whose values lost against Cloudinary's.
    #[serde(default)]
    pub lost: Vec<String>,
}

/// An answer to "why is it like this?".
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Explanation {
    /// A stable word for programs.
    pub state: State,
    pub why: String,
    pub next: String,
}

/// The states that differ in their next step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Synced,
    /// Both sides agree, and a value that was wished for here is not among it.
    ConflictLost,
    PendingUpload,
    PendingEdit,
    PendingDelete,
    PendingRestore,
    InProgress,
    WaitingForRetry,
    WaitingForQuota,
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
pub fn explain(standing: &Standing, now: Timestamp) -> Explanation {
    match (&standing.intent, standing.sync_status) {
        (Some(intent), _) => explain_intent(standing, intent, now),
        // An upload that fails leaves no row.
        (None, SyncStatus::Pending | SyncStatus::Error) => Explanation {
            state: State::PendingUpload,
            why: "It is being uploaded: Cloudinary has not told its asset id yet.".to_owned(),
            next: "Cloudinary's notification completes the row. If none comes, we look in Cloudinary within some six minutes, and the row goes if nothing is there."
                .to_owned(),
        },
        (None, SyncStatus::Synced) if standing.deleted_at.is_some() => explain_deleted(standing),
        (None, SyncStatus::Synced) => explain_synced(standing),
    }
}

fn explain_synced(standing: &Standing) -> Explanation {
    let lost = standing.landmark.as_ref();
    let lost =
        lost.filter(|landmark| landmark.operation == "conflict" && !landmark.lost.is_empty());
    if let Some(landmark) = lost {
        return Explanation {
            state: State::ConflictLost,
            why: format!(
                "This row and Cloudinary agree, but not on what was wished for here: {} was changed on both sides, and Cloudinary's change was the later one (found {}).",
                landmark.lost.join(", "),
                landmark.at.to_the_second()
            ),
            next: "Nothing happens by itself. The audit trail keeps both values (operation `conflict`); to have yours, make the change again."
                .to_owned(),
        };
    }
    let since = standing.last_synced_at.map_or_else(String::new, |at| {
        format!(" (last written {})", at.to_the_second())
    });
    Explanation {
        state: State::Synced,
        why: format!("What is known of Cloudinary and this row agree, and nothing waits{since}."),
        next: "Nothing, until it is changed here or in Cloudinary.".to_owned(),
    }
}

fn explain_deleted(standing: &Standing) -> Explanation {
    let at = standing
        .deleted_at
        .map_or_else(|| "at an unknown time".to_owned(), Timestamp::to_the_second);
    if let Some(message) = &standing.error_message {
        return Explanation {
            state: State::RestoreRefused,
            why: format!(
                "It is deleted ({at}), and Cloudinary could not bring it back: {}.",
                bare(message)
            ),
            next: "Nothing happens by itself. It can be restored again here; without a backup in Cloudinary the file has to be uploaded anew."
                .to_owned(),
        };
    }
    let operation = standing
        .landmark
        .as_ref()
        .map(|landmark| &*landmark.operation);
    if standing.was_deleted_by_user || operation == Some("delete_confirmed") {
        return Explanation {
            state: State::DeletedHere,
            why: format!("It was deleted here ({at}), and Cloudinary has confirmed it."),
            next: "The row stays as a tombstone. Restoring it brings the asset back from Cloudinary's backup, if there is one."
                .to_owned(),
        };
    }
    Explanation {
        state: State::DeletedInCloudinary,
        why: format!("Somebody deleted it in Cloudinary ({at})."),
        next: "The row stays as a tombstone. It lives again when the asset does: restored there, or from here, if Cloudinary has a backup."
            .to_owned(),
    }
}

fn explain_intent(standing: &Standing, intent: &Intent, now: Timestamp) -> Explanation {
    let wish = Wish::of(intent);
    if standing.is_claimed {
        return Explanation {
            state: State::InProgress,
            why: format!("{} is being carried out in Cloudinary right now.", wish.subject()),
            next: "Then the asset is looked at; when Cloudinary shows what is wished, the row is `synced`."
                .to_owned(),
        };
    }
    let code = standing.error_code.as_deref();
    let when = moment(standing.next_attempt_at, now);
    match (standing.sync_status, code, &when) {
        (SyncStatus::Error, _, None) => Explanation {
            state: State::Refused,
            why: format!(
                "{} was refused by Cloudinary: {}.",
                wish.subject(),
                reason(standing)
            ),
            next: format!(
                "It is not tried again by itself. {} Then change the asset again here, or let an administrator ask for another attempt (POST /api/cloudinary/sync with its public id).",
                remedy(code.unwrap_or_default())
            ),
        },
        (SyncStatus::Error, _, Some(when)) => Explanation {
            state: State::Failing,
            why: format!(
                "{} has failed {} times in a row, the last time with: {}.",
                wish.subject(),
                standing.failures,
                reason(standing)
            ),
            next: format!(
                "It is tried again {when}, and on and on, an hour apart at most. An administrator may ask for an attempt at once (POST /api/cloudinary/sync with its public id)."
            ),
        },
        (_, Some("cloudinary_quota"), _) => Explanation {
            state: State::WaitingForQuota,
            why: format!(
                "{} waits: Cloudinary's quota of calls for this hour is used up.",
                wish.subject()
            ),
            next: format!(
                "It is tried again {}, when the quota has been reset.",
                when.as_deref().unwrap_or(DRAIN)
            ),
        },
        (_, Some(_), _) => Explanation {
            state: State::WaitingForRetry,
            why: format!(
                "{} is not done yet: attempt {} failed with: {}.",
                wish.subject(),
                standing.failures,
                reason(standing)
            ),
            next: format!("It is tried again {}.", when.as_deref().unwrap_or(DRAIN)),
        },
        (_, None, _) => Explanation {
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
            Self::Restore => "Its return".to_owned(),
            Self::Edit(fields) => format!("The change of {}", fields.join(", ")),
        }
    }

    fn state(&self) -> State {
        match self {
            Self::Delete => State::PendingDelete,
            Self::Restore => State::PendingRestore,
            Self::Edit(_) => State::PendingEdit,
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

fn reason(standing: &Standing) -> String {
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

/// Advice for a person about a refusal.
fn remedy(code: &str) -> &'static str {
    match code {
        "cloudinary_unauthorized" => "The configured API key is wrong or inactive: correct it.",
        "cloudinary_forbidden" => {
            "The configured API key may not do this: give it the permission in Cloudinary."
        }
        "cloudinary_add_on" => "The account lacks an add-on that this needs: subscribe to it.",
        "cloudinary_conflict" => "Another asset is in the way: rename or remove it.",
        _ => "Remove the cause that Cloudinary names.",
    }
}

#[cfg(test)]
mod tests;

//! Failures of calls to Cloudinary, and if a repeat may succeed.

use std::time::Duration;

use crate::time::Timestamp;

/// A failed call. Holds no secret: addresses are cut from sources, and the secret is never sent.
#[derive(Debug, thiserror::Error)]
pub enum CloudinaryError {
    /// No answer: refused, reset, timed out.
    #[error("could not {doing}: Cloudinary did not answer")]
    Unreachable {
        doing: String,
        #[source]
        source: reqwest::Error,
    },
    /// An answer that the API does not describe, such as a proxy's page.
    #[error("could not {doing}: the answer (status {status}) is not readable: {excerpt}")]
    Unreadable {
        doing: String,
        status: u16,
        excerpt: String,
        #[source]
        source: Option<serde_json::Error>,
    },
    /// Cloudinary said no.
    #[error("could not {}: Cloudinary answered {}: {}", .0.doing, .0.status, .0.message)]
    Refused(Box<RefusedCall>),
    /// The call was not made, because the invocation is nearly over.
    #[error("could not {doing}: no time was left")]
    OutOfTime { doing: String },
    /// The call was not made, because Cloudinary would misread or cut it.
    #[error("could not {doing}: {reason}")]
    Invalid { doing: String, reason: String },
}

/// A refusal by Cloudinary itself, as opposed to a proxy's.
#[derive(Debug)]
pub struct RefusedCall {
    pub doing: String,
    pub status: u16,
    pub refusal: RefusalKind,
    pub message: String,
    /// `X-Request-Id`, for Cloudinary's support.
    pub request_id: Option<String>,
    /// As [`super::CloudinaryAnswer::observed_at`]: a refusal is an observation too.
    pub observed_at: Timestamp,
}

/// The meaning of a refusal. Cloudinary's messages decide where its status codes are ambiguous.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// The hourly quota of the Admin API is used up, until about then.
    Quota {
        retry_after: Duration,
    },
    /// Too many calls of one kind at once; `Retry-After` if it was given.
    Concurrency {
        retry_after: Option<Duration>,
    },
    /// An add-on is not subscribed to; shares its status with [`RefusalKind::Quota`].
    AddOn,
    /// The request's timestamp is more than an hour old by Cloudinary's clock.
    Stale,
    /// Wrong key, secret or signature.
    Unauthorized,
    /// The key lacks a permission.
    Forbidden,
    NotFound,
    /// Something of that name exists.
    Conflict,
    /// A listing's cursor has expired: begin the listing again.
    CursorExpired,
    /// The asset is still being processed.
    Processing,
    /// A fault on Cloudinary's side; `Retry-After` if it was given.
    Server {
        retry_after: Option<Duration>,
    },
    /// Any other refusal.
    BadRequest,
}

/// The assumed wait for an unknown reset. Quotas are reset on the hour.
const UNKNOWN_RESET: Duration = Duration::from_secs(60);

impl RefusalKind {
    /// Reads status and message of a refusal. `reset` and `retry_after` are the headers'.
    pub(super) fn classify(
        status: u16,
        message: &str,
        reset: Option<Timestamp>,
        retry_after: Option<Duration>,
        now: Timestamp,
    ) -> Self {
        let lower = message.to_ascii_lowercase();
        let says = |words: &str| lower.contains(words);
        // A remote URL or a name may hold any words, so only statuses that fit are looked at.
        match status {
            400 | 401 if says("stale request") => Self::Stale,
            400 | 404 if says("next_cursor") => Self::CursorExpired,
            400 | 409 | 420 | 429 if says("too many concurrent") => {
                Self::Concurrency { retry_after }
            }
            420 | 429 if says("subscription") => Self::AddOn,
            420 | 429 => Self::Quota {
                retry_after: reset
                    .or_else(|| announced_reset(message))
                    .map(|reset| reset.since(now))
                    .or(retry_after)
                    .unwrap_or(UNKNOWN_RESET)
                    .max(Duration::from_secs(1)),
            },
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            409 => Self::Conflict,
            423 => Self::Processing,
            408 | 499 | 500..=599 => Self::Server { retry_after },
            _ => Self::BadRequest,
        }
    }

    /// Tells whether the same call may succeed later without anybody's doing.
    pub const fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Quota { .. }
                | Self::Concurrency { .. }
                | Self::Server { .. }
                | Self::Processing
                // The clock is corrected by the refusal's own `Date`.
                | Self::Stale
        )
    }
}

impl CloudinaryError {
    /// Tells whether the same call may succeed later without anybody's doing.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Unreadable { .. } | Self::OutOfTime { .. } => true,
            Self::Refused(refused) => refused.refusal.is_transient(),
            Self::Invalid { .. } => false,
        }
    }

    /// The shortest wait, where Cloudinary tells one.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.refusal() {
            Some(RefusalKind::Quota { retry_after }) => Some(retry_after),
            Some(
                RefusalKind::Concurrency { retry_after } | RefusalKind::Server { retry_after },
            ) => retry_after,
            _ => None,
        }
    }

    /// The meaning of Cloudinary's refusal, if it refused.
    pub fn refusal(&self) -> Option<RefusalKind> {
        match self {
            Self::Refused(refused) => Some(refused.refusal),
            _ => None,
        }
    }

    /// A stable word for the audit trail and the row's error code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } | Self::OutOfTime { .. } => "cloudinary_unreachable",
            Self::Unreadable { .. } => "cloudinary_unreadable",
            Self::Invalid { .. } => "cloudinary_invalid",
            Self::Refused(refused) => match refused.refusal {
                RefusalKind::Quota { .. } => "cloudinary_quota",
                RefusalKind::Concurrency { .. } => "cloudinary_concurrency",
                RefusalKind::AddOn => "cloudinary_add_on",
                RefusalKind::Stale => "cloudinary_stale",
                RefusalKind::Unauthorized => "cloudinary_unauthorized",
                RefusalKind::Forbidden => "cloudinary_forbidden",
                RefusalKind::NotFound => "cloudinary_not_found",
                RefusalKind::Conflict => "cloudinary_conflict",
                RefusalKind::CursorExpired => "cloudinary_cursor_expired",
                RefusalKind::Processing => "cloudinary_processing",
                RefusalKind::Server { .. } => "cloudinary_server",
                RefusalKind::BadRequest => "cloudinary_bad_request",
            },
        }
    }

    /// Another key or secret may be let in.
    pub fn is_about_credentials(&self) -> bool {
        matches!(
            self.refusal(),
            Some(RefusalKind::Unauthorized | RefusalKind::Forbidden)
        )
    }

    pub fn is_cursor_expired(&self) -> bool {
        self.refusal() == Some(RefusalKind::CursorExpired)
    }

    pub fn is_not_found(&self) -> bool {
        self.refusal() == Some(RefusalKind::NotFound)
    }
}

/// The moment in `… Try again on 2024-10-04 14:00:00 UTC`.
fn announced_reset(message: &str) -> Option<Timestamp> {
    let (_, tail) = message.split_once("Try again on ")?;
    let (moment, _) = tail.split_once(" UTC")?;
    Timestamp::parse(&format!("{}Z", moment.replacen(' ', "T", 1))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_728_049_500); // 2024-10-04 13:45:00 UTC

    fn classify(status: u16, message: &str) -> RefusalKind {
        RefusalKind::classify(status, message, None, None, NOW)
    }

    #[test]
    fn meanings_that_share_a_status_are_told_apart_by_message() {
        let quota = "Rate Limit Exceeded. Limit of 500 api operations reached. Try again on 2024-10-04 14:00:00 UTC";
        assert_eq!(
            classify(420, quota),
            RefusalKind::Quota {
                retry_after: Duration::from_secs(900)
            }
        );
        assert_eq!(
            classify(420, "You don't have an active subscription for Google AI"),
            RefusalKind::AddOn
        );
        assert_eq!(
            classify(
                420,
                "Too many concurrent upload_api_resource_destroy operations"
            ),
            RefusalKind::Concurrency { retry_after: None }
        );
        assert_eq!(
            classify(400, "Stale request - reported time is ..."),
            RefusalKind::Stale
        );
        assert_eq!(
            classify(401, "Stale request - reported time is ..."),
            RefusalKind::Stale
        );
        assert_eq!(
            classify(401, "Invalid Signature abc."),
            RefusalKind::Unauthorized
        );
        assert_eq!(
            classify(400, "Invalid value for parameter next_cursor"),
            RefusalKind::CursorExpired
        );
    }

    #[test]
    fn reset_header_wins_and_a_passed_reset_still_waits() {
        let reset = |seconds| {
            RefusalKind::classify(
                429,
                "Rate Limit Exceeded",
                Some(Timestamp::from_secs(seconds)),
                None,
                NOW,
            )
        };
        assert_eq!(
            reset(1_728_049_560),
            RefusalKind::Quota {
                retry_after: Duration::from_secs(60)
            }
        );
        assert_eq!(
            reset(1_728_049_000),
            RefusalKind::Quota {
                retry_after: Duration::from_secs(1)
            }
        );
    }

    #[test]
    fn only_refusals_that_pass_by_themselves_are_transient() {
        for status in [420, 423, 429, 500, 502, 503] {
            assert!(classify(status, "").is_transient(), "{status}");
        }
        for status in [400, 401, 403, 404, 409] {
            assert!(!classify(status, "").is_transient(), "{status}");
        }
        assert!(!classify(420, "no active subscription").is_transient());
    }
}

//! The one place where errors become statuses.

use std::time::Duration;

use http::StatusCode;

use super::{Problem, sentence};
use crate::cloudinary::signature::SignatureRejection;
use crate::cloudinary::{CloudinaryError, RefusalKind};
use crate::config::ConfigError;
use crate::parameter::ParameterError;
use crate::queue::{DeadLetterError, DepthError, SendError};
use crate::settings::SettingError;
use crate::supabase::jwt::TokenError;
use crate::supabase::{RefusalCause, SupabaseError};
use crate::sync::settle::SettleError;
use crate::sync::uploads::UploadError;
use crate::telemetry;
use crate::upload::UploadRefusal;

/// Some of a thousand uploads under way end in this time, by their own end or by their limit.
const UPLOADS_END: Duration = Duration::from_secs(60);

/// The SQLSTATE of a statement that was stopped at its time limit.
const STATEMENT_TIMEOUT: &str = "57014";

/// The SQLSTATE for a question that no index can answer in a large library.
const TOO_EXPENSIVE: &str = "PT422";

impl Problem {
    /// A failed question about the library. Trying again would not help one that took too long:
    /// `advice` tells how to ask for less.
    pub fn of_question(error: SupabaseError, advice: &str) -> Self {
        match error.code() {
            Some(STATEMENT_TIMEOUT | TOO_EXPENSIVE) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "query_too_slow",
                format!("This takes too long. {advice}"),
            ),
            _ => error.into(),
        }
    }
}

impl From<ParameterError> for Problem {
    fn from(error: ParameterError) -> Self {
        let detail = error.to_string();
        Self::parameter(error.name, detail)
    }
}

impl From<UploadRefusal> for Problem {
    fn from(refusal: UploadRefusal) -> Self {
        let status = match &refusal {
            UploadRefusal::Parameter(error) => return error.clone().into(),
            UploadRefusal::OutsidePrefix(_)
            | UploadRefusal::RemoteOff
            | UploadRefusal::NotYours => StatusCode::FORBIDDEN,
            UploadRefusal::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            UploadRefusal::NotAllowed(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            UploadRefusal::Mismatch(_) | UploadRefusal::Address(_) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            UploadRefusal::Taken | UploadRefusal::Reserved | UploadRefusal::Fenced(_) => {
                StatusCode::CONFLICT
            }
            UploadRefusal::FenceUnknown => StatusCode::SERVICE_UNAVAILABLE,
            UploadRefusal::TooMany | UploadRefusal::OverBudget { .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
        };
        let retry_after = match refusal {
            UploadRefusal::TooMany => Some(UPLOADS_END),
            UploadRefusal::OverBudget { wait } => Some(wait),
            _ => None,
        };
        Self {
            retry_after,
            ..Self::new(status, refusal.code(), refusal.to_string())
        }
    }
}

impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Refused(refusal) => refusal.into(),
            UploadError::Store(source) if source.is_about_values() => Self {
                cause: Some(telemetry::chain(&source).into()),
                ..Self::rule_refused(source.message().unwrap_or_default())
            },
            UploadError::Store(source) => source.into(),
            UploadError::Cloudinary(CloudinaryError::Refused(refused))
                if matches!(
                    refused.refusal,
                    RefusalKind::BadRequest | RefusalKind::NotFound
                ) =>
            {
                // It is about the sender's own file or address.
                let detail = format!("Cloudinary did not take the file: {}.", refused.message);
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "file_refused", detail)
            }
            UploadError::Cloudinary(source) | UploadError::Fence(SettleError::Look(source)) => {
                source.into()
            }
            UploadError::Fence(SettleError::Store(source)) => source.into(),
            UploadError::Fence(other) => Self::unavailable("fence_unknown", None, &other),
        }
    }
}

impl From<SignatureRejection> for Problem {
    fn from(rejection: SignatureRejection) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            rejection.code(),
            sentence(&rejection.to_string()),
        )
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        if error.is_transient() {
            return Self::unavailable(error.code(), None, &error);
        }
        Self::unauthorized(error.code(), sentence(&error.to_string()))
    }
}

impl From<SendError> for Problem {
    fn from(error: SendError) -> Self {
        // Whatever SQS's reason, the caller's message was good and may be sent again.
        Self::unavailable("queue_unavailable", None, &error)
    }
}

impl From<DepthError> for Problem {
    fn from(error: DepthError) -> Self {
        Self::unavailable("queue_unavailable", None, &error)
    }
}

impl From<DeadLetterError> for Problem {
    fn from(error: DeadLetterError) -> Self {
        // What was not moved is still in the dead-letter queue.
        Self::unavailable("queue_unavailable", None, &error)
    }
}

impl From<SettingError> for Problem {
    fn from(error: SettingError) -> Self {
        // Rules that are not known are never taken for none.
        Self::unavailable("settings_unavailable", None, &error)
    }
}

impl From<ConfigError> for Problem {
    fn from(error: ConfigError) -> Self {
        Self::internal(&error)
    }
}

impl From<SupabaseError> for Problem {
    fn from(error: SupabaseError) -> Self {
        match error.cause() {
            Some(RefusalCause::Busy) => {
                Self::too_many("database_busy", error.retry_after(), &error)
            }
            Some(RefusalCause::Forbidden) => match error.details() {
                Some("anonymous_user") => Self::anonymous_user(),
                Some("assurance_wanted") => Self::assurance_wanted(),
                _ => Self::forbidden("You may not do that."),
            },
            Some(RefusalCause::Token) => {
                Self::unauthorized("token_refused", "The database refused the token.")
            }
            Some(RefusalCause::Absent) => Self::not_found("There is no such record."),
            _ if error.is_transient() => {
                Self::unavailable("database_unavailable", error.retry_after(), &error)
            }
            _ => Self::internal(&error),
        }
    }
}

impl From<CloudinaryError> for Problem {
    fn from(error: CloudinaryError) -> Self {
        if let Some(RefusalKind::Quota { .. } | RefusalKind::Concurrency { .. }) = error.refusal() {
            return Self::too_many(error.code(), error.retry_after(), &error);
        }
        if error.is_transient() {
            return Self::unavailable(error.code(), error.retry_after(), &error);
        }
        match error.refusal() {
            Some(RefusalKind::NotFound) => Self::not_found("Cloudinary has no such asset."),
            Some(RefusalKind::Conflict) => Self::new(
                StatusCode::CONFLICT,
                error.code(),
                "Cloudinary has this name already.",
            ),
            Some(RefusalKind::BadRequest) => Self {
                cause: Some(telemetry::chain(&error).into()),
                ..Self::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    error.code(),
                    "Cloudinary refused the request.",
                )
            },
            _ => Self::internal(&error),
        }
    }
}

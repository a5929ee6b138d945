//! Reasons why an upload is refused, in words for its sender (pure).

use std::time::Duration;

use crate::parameter::ParameterError;

/// Reasons why an upload is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UploadRefusal {
    #[error("{0}")]
    Parameter(ParameterError),
    #[error(
        "Your public ids and folders must lie below `{0}/`. Editors and administrators may name assets anywhere."
    )]
    OutsidePrefix(String),
    #[error("A file may have {limit} bytes at most.{hint}")]
    TooLarge { limit: u64, hint: &'static str },
    #[error("{0}")]
    NotAllowed(String),
    #[error("{0}")]
    Mismatch(String),
    #[error(
        "Uploads from addresses are switched off here: no host is listed in the `remote_hosts` of UPLOAD_RULES."
    )]
    RemoteOff,
    #[error("Files cannot be taken from this address: {0}.")]
    Address(String),
    #[error(
        "Another asset has this public id: choose another one, or leave it out. (A signed upload with `overwrite` may replace an asset of your own.)"
    )]
    Taken,
    #[error("Another upload uses this public id at the moment.")]
    Reserved,
    #[error("Another asset has this public id, and you may not replace it.")]
    NotYours,
    #[error("Too many of your uploads are under way: wait until some have ended.")]
    TooMany,
    #[error(
        "You have begun as many uploads as one user may within an hour. Wait for `Retry-After` seconds, then repeat."
    )]
    OverBudget { wait: Duration },
    #[error(
        "The library belongs to another deployment ({0}), so nothing is uploaded there. An administrator may take it over: mediasync fence take."
    )]
    Fenced(String),
    #[error("Whose library this is was not found out yet: repeat the request.")]
    FenceUnknown,
}

impl UploadRefusal {
    /// A parameter that cannot be used, and why.
    pub fn parameter(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Parameter(ParameterError::new(name, reason))
    }

    /// A stable word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Parameter(_) => "invalid_parameter",
            Self::OutsidePrefix(_) => "outside_prefix",
            Self::TooLarge { .. } => "file_too_large",
            Self::NotAllowed(_) => "format_not_allowed",
            Self::Mismatch(_) => "content_mismatch",
            Self::RemoteOff => "remote_uploads_off",
            Self::Address(_) => "address_refused",
            Self::Taken => "public_id_taken",
            Self::Reserved => "public_id_reserved",
            Self::NotYours => "not_yours",
            Self::TooMany => "too_many_uploads",
            Self::OverBudget { .. } => "too_many_changes",
            Self::Fenced(_) => "library_fenced",
            Self::FenceUnknown => "fence_unknown",
        }
    }
}

//! Reasons why an upload is refused, in words for its sender (pure).

use std::time::Duration;

use crate::parameter::ParameterError;

/// Reasons why an upload is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UploadRefusal {
    #[error("{0}")]
    Parameter(ParameterError),
    #[error(
        "You may name files within your own folder only: choose a folder or public id below `{0}/`. Editors and administrators may put a file elsewhere for you."
    )]
    OutsidePrefix(String),
    #[error(
        "The file is too large: {} are the most. Make it smaller, or ask an administrator for more room.{hint}",
        size(*limit)
    )]
    TooLarge { limit: u64, hint: &'static str },
    #[error("{0}")]
    NotAllowed(String),
    #[error("{0}")]
    Mismatch(String),
    #[error(
        "Files cannot be fetched from addresses here. Upload the file itself, or ask an administrator to allow its host (`remote_hosts` in UPLOAD_RULES)."
    )]
    RemoteOff,
    #[error("Files cannot be fetched from this address: {0}. Upload the file itself.")]
    Address(String),
    #[error(
        "Another asset has this public id: choose another one, or leave it out. (A signed upload with `overwrite` may replace an asset of your own.)"
    )]
    Taken,
    #[error(
        "Another upload uses this public id at the moment: choose another one, or try again in some minutes."
    )]
    Reserved,
    #[error(
        "Another asset has this public id, and you may not replace it: choose another one, or ask its owner."
    )]
    NotYours,
    #[error("Too many of your uploads are under way: wait until some have ended.")]
    TooMany,
    #[error(
        "You have begun as many uploads as one user may within an hour. Try again in {} minutes.",
        wait.as_secs().div_ceil(60).max(1)
    )]
    OverBudget { wait: Duration },
    #[error(
        "Uploads are stopped: the library belongs to another deployment ({0}). Ask an administrator, who may take it over with `mediasync fence take`."
    )]
    Fenced(String),
    #[error("The service does not know yet whose library this is: try again in a moment.")]
    FenceUnknown,
}

/// A number of bytes, as people read it and as programs do.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{bytes} bytes"),
        // Rounded down: a file of the size that is shown is taken.
        _ => format!(
            "{}.{} MB ({bytes} bytes)",
            bytes / 1_000_000,
            bytes / 100_000 % 10
        ),
    }
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

//! The ways in which a slice or a repair breaks off.

use std::time::Duration;

use crate::cloudinary::{CloudinaryError, RefusalKind};
use crate::supabase::SupabaseError;
use crate::sync::quota;
use crate::sync::quota_guard::ReserveTouched;
use crate::sync::settle::SettleError;

/// The mark of a run that has left something out.
pub(super) const VALUES_REFUSED: &str = "values_refused";

/// Reasons why a slice broke off. The run rests at its checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    #[error("Cloudinary could not be read")]
    Cloudinary(#[from] CloudinaryError),
    #[error("the database could not be read or written")]
    Store(#[from] SupabaseError),
    #[error(transparent)]
    Reserve(#[from] ReserveTouched),
    #[error("the rows of a page kept changing while it was planned")]
    Contended,
    #[error("it took longer than a request may; name fewer assets, or try again")]
    OutOfTime,
    #[error("another slice has taken the run over")]
    LeaseLost,
    #[error("{0}")]
    Refused(String),
    #[error("the run's checkpoint is not readable")]
    Checkpoint(#[source] serde_json::Error),
}

impl ReconcileError {
    /// Tells whether the run may go on later without anybody's doing.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Cloudinary(source) => source.is_transient(),
            Self::Store(source) => source.is_transient(),
            Self::Reserve(_) | Self::Contended | Self::OutOfTime | Self::LeaseLost => true,
            Self::Refused(_) | Self::Checkpoint(_) => false,
        }
    }

    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Cloudinary(source) => source.code(),
            Self::Refused(_) => VALUES_REFUSED,
            Self::Store(_) => "database",
            Self::Reserve(_) => "quota_reserve",
            Self::Contended => "contended",
            Self::OutOfTime => "out_of_time",
            Self::LeaseLost => "lease_lost",
            Self::Checkpoint(_) => "checkpoint",
        }
    }

    /// Tells that the same with a smaller page may succeed.
    pub(super) fn is_about_size(&self) -> bool {
        matches!(self, Self::Store(source) if source.is_about_size())
    }

    /// For how long nothing is to be tried, where it is the quota that is lacking.
    pub(super) fn rest(&self) -> Option<Duration> {
        match self {
            Self::Reserve(ReserveTouched(rest)) => Some(*rest),
            Self::Cloudinary(source) => match source.refusal() {
                Some(RefusalKind::Quota { retry_after }) => Some(quota::bounded(retry_after)),
                _ => None,
            },
            _ => None,
        }
    }
}

impl From<SettleError> for ReconcileError {
    fn from(error: SettleError) -> Self {
        match error {
            SettleError::Look(source) => Self::Cloudinary(source),
            SettleError::Store(source) => Self::Store(source),
            SettleError::Reserve(touched) => Self::Reserve(touched),
            SettleError::Contended => Self::Contended,
            SettleError::ValuesRefused(reason) => Self::Refused(reason),
        }
    }
}

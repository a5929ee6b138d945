//! The steps of a settlement, and their outcomes (plain data).

use crate::asset::{AssetId, DeliveryName};
use crate::cloudinary::CloudinaryError;
use crate::supabase::SupabaseError;
use crate::sync::plan::WritePlan;
use crate::sync::quota_guard::ReserveTouched;
use crate::sync::store::RowQuery;
use crate::time::Timestamp;

/// The next thing to do.
#[derive(Debug)]
pub enum SettleStep {
    /// Read these rows, and hand them to [`super::Settlement::take_rows`].
    Read(RowQuery),
    /// Look at these assets, and hand the looks to [`super::Settlement::take_looks`].
    Look(AssetInquiry),
    /// Write the plan together with its additions, and hand the outcome to
    /// [`super::Settlement::take_written`].
    Write(Box<WritePlan>),
    /// Write this part of the plan alone: the database has refused the whole.
    WritePart(Box<WritePlan>),
    /// Nothing is left to do.
    Done,
}

/// Assets to be looked at by their ids.
#[derive(Clone, PartialEq, Debug)]
pub struct AssetInquiry {
    pub wanted: Vec<(AssetId, Option<DeliveryName>)>,
    /// A moment that was known before the look: the look is stamped later.
    pub after: Option<Timestamp>,
    /// True if these assets seem to have lost their names to others. Without this look no name has
    /// one holder, and nothing can be written.
    pub are_displaced: bool,
}

/// The outcome of a write.
#[derive(Debug)]
pub enum WriteOutcome {
    Applied,
    /// A row has changed since it was read.
    Changed,
    /// No row can hold some of the values.
    ValuesRefused(SupabaseError),
}

/// Reasons why a settlement has ended early. Nothing is lost: its cause is tried again.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    #[error("Cloudinary could not be asked")]
    Look(#[from] CloudinaryError),
    #[error("the rows could not be read or written")]
    Store(#[from] SupabaseError),
    #[error(transparent)]
    Reserve(#[from] ReserveTouched),
    #[error("the rows kept changing while the change was planned")]
    Contended,
    #[error("no row can hold the observed values: {0}")]
    ValuesRefused(String),
}

impl WriteOutcome {
    /// Sorts an answer of the database; an error that says nothing of rows or values stays one.
    ///
    /// # Errors
    /// The database's own.
    pub fn of(answer: Result<(), SupabaseError>) -> Result<Self, SupabaseError> {
        match answer {
            Ok(()) => Ok(Self::Applied),
            Err(error) if error.is_conflict() => Ok(Self::Changed),
            Err(error) if error.is_about_values() => Ok(Self::ValuesRefused(error)),
            Err(error) => Err(error),
        }
    }
}

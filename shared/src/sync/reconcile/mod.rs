//! Walks Cloudinary page by page and repairs what notifications have missed.
//!
//! A run is cut into slices, each within one invocation. Every step of a slice (a page, a hundred
//! suspects) is one transaction that holds the difference, the counters and the place where to go
//! on, so a crash repeats at most one step, and repeating is harmless.

mod read;
mod slice;
mod stage;

use std::time::Instant;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::slice::Slice;
pub use self::stage::Counters;
use super::store::{Lead, RunRequest, RunRow, Store};
use crate::cloudinary::{Client, CloudinaryError};
use crate::supabase::SupabaseError;

/// The most that Cloudinary lists in one call.
pub const MAX_PAGE: u16 = 500;

/// Compares Cloudinary with the database.
#[derive(Clone, Debug)]
pub struct Reconcile {
    pub cloudinary: Client,
    pub store: Store,
}

/// What a run was asked to do, beyond its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunOptions {
    /// Assets in one listing call, 1 to [`MAX_PAGE`].
    pub batch_size: u16,
    /// Whether the run may delete as many rows as it finds missing.
    pub allow_mass_delete: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            batch_size: MAX_PAGE,
            allow_mass_delete: false,
        }
    }
}

/// How a slice ended.
#[derive(Debug)]
pub enum SliceOutcome {
    /// The run has ended, well or not.
    Finished(Box<RunRow>),
    /// Time is up; the run goes on from its checkpoint when somebody continues it.
    Paused(Box<RunRow>),
    /// Somebody else leads a run; nothing was done.
    Busy(Option<Box<RunRow>>),
    /// The run that was to be continued has ended already.
    Over,
}

/// Why a slice broke off. The run rests at its checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    #[error("Cloudinary could not be read")]
    Cloudinary(#[from] CloudinaryError),
    #[error("the database could not be read or written")]
    Store(#[from] SupabaseError),
    #[error("the rows of a page kept changing while it was planned")]
    Contended,
    #[error("another slice has taken the run over")]
    LeaseLost,
    #[error("the run's checkpoint is not readable")]
    Checkpoint(#[source] serde_json::Error),
}

impl ReconcileError {
    /// Whether the run may go on later without anybody's doing.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Cloudinary(source) => source.is_transient(),
            Self::Store(source) => source.is_transient(),
            Self::Contended | Self::LeaseLost => true,
            Self::Checkpoint(_) => false,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Cloudinary(source) => source.code(),
            Self::Store(_) => "database",
            Self::Contended => "contended",
            Self::LeaseLost => "lease_lost",
            Self::Checkpoint(_) => "checkpoint",
        }
    }
}

impl Reconcile {
    /// Starts a run and works on it until it ends or `deadline` comes near. A run that rests is
    /// brought to its end first.
    pub async fn start(
        &self,
        request: &RunRequest,
        deadline: Instant,
    ) -> Result<SliceOutcome, ReconcileError> {
        loop {
            let lead = self.store.lead_run(request).await?;
            let is_older = matches!(lead, Lead::Resumed { .. });
            match self.work(lead, deadline).await? {
                SliceOutcome::Finished(_) if is_older => {}
                outcome => return Ok(outcome),
            }
        }
    }

    /// Works on a run that another slice has left.
    pub async fn resume(
        &self,
        run_id: Uuid,
        deadline: Instant,
    ) -> Result<SliceOutcome, ReconcileError> {
        let lead = self.store.continue_run(run_id).await?;
        self.work(lead, deadline).await
    }

    async fn work(&self, lead: Lead, deadline: Instant) -> Result<SliceOutcome, ReconcileError> {
        let run = match lead {
            Lead::Started { run } | Lead::Resumed { run } => run,
            Lead::Busy { run } => return Ok(SliceOutcome::Busy(run.map(Box::new))),
            Lead::Over => return Ok(SliceOutcome::Over),
        };
        let mut slice = Slice::begin(self, run)?;
        match slice.walk(deadline).await {
            Ok(outcome) => Ok(outcome),
            Err(ReconcileError::LeaseLost) => Err(ReconcileError::LeaseLost),
            Err(error) => {
                slice.rest_after(&error).await;
                Err(error)
            }
        }
    }
}

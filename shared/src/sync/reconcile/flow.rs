//! The start and the continuation of runs.

use std::time::Instant;

use uuid::Uuid;

use super::error::ReconcileError;
use super::outcome::SliceOutcome;
use super::slice::Slice;
use crate::deadline::Deadline;
use crate::sync::clients::SyncClients;
use crate::sync::store::{LeadOutcome, RunRequest, RunRest, is_lease_lost};
use crate::telemetry;

/// Compares Cloudinary with the database.
#[derive(Clone, Debug)]
pub struct Reconcile {
    pub clients: SyncClients,
}

/// The outcome of a request for a run.
#[derive(Debug)]
pub struct RunStart {
    pub outcome: SliceOutcome,
    /// True if it is about the run that was asked for, and not about one that was there before.
    pub is_own: bool,
}

impl Reconcile {
    /// See [`SyncClients::until`].
    #[must_use]
    pub fn until(&self, end: Deadline) -> Self {
        Self {
            clients: self.clients.until(end),
        }
    }

    /// Starts a run and works on it until it ends or `deadline` comes near. A run that rests is
    /// brought to its end first, unless it has to wait.
    ///
    /// # Errors
    /// See [`ReconcileError`]; a lack of quota is none, but a pause.
    pub async fn start(
        &self,
        request: &RunRequest,
        deadline: Instant,
    ) -> Result<RunStart, ReconcileError> {
        loop {
            let lead = self.clients.store.lead_run(request).await?;
            let is_own = matches!(lead, LeadOutcome::Started(_));
            let is_older = matches!(lead, LeadOutcome::Resumed(_));
            match self.work(lead, deadline).await? {
                SliceOutcome::Finished(_) if is_older => {}
                outcome => return Ok(RunStart { outcome, is_own }),
            }
        }
    }

    /// Works on a run that another slice has left.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn resume(
        &self,
        run_id: Uuid,
        deadline: Instant,
    ) -> Result<SliceOutcome, ReconcileError> {
        let lead = self.clients.store.continue_run(run_id).await?;
        self.work(lead, deadline).await
    }

    async fn work(
        &self,
        lead: LeadOutcome,
        deadline: Instant,
    ) -> Result<SliceOutcome, ReconcileError> {
        let led = match lead {
            LeadOutcome::Started(led) | LeadOutcome::Resumed(led) => led,
            LeadOutcome::Resting { run } => return Ok(SliceOutcome::Resting(Box::new(run))),
            LeadOutcome::Busy { run } => return Ok(SliceOutcome::Busy(run.map(Box::new))),
            LeadOutcome::Over => return Ok(SliceOutcome::Over),
        };
        if let Some(reading) = led.quota {
            self.clients.cloudinary.learn_quota(reading);
        }
        let mut slice = Slice::begin(&self.clients, led)?;
        match slice.walk(deadline).await {
            Err(error) if error.rest().is_some() => self.wait_for_quota(&slice, &error).await,
            Err(ReconcileError::LeaseLost) => Err(ReconcileError::LeaseLost),
            Err(error) => {
                slice.rest_after(&error).await;
                Err(error)
            }
            Ok(outcome) => Ok(outcome),
        }
    }

    async fn wait_for_quota(
        &self,
        slice: &Slice<'_>,
        error: &ReconcileError,
    ) -> Result<SliceOutcome, ReconcileError> {
        let message = telemetry::chain(error);
        let rest = RunRest {
            reason: Some((error.code(), &message)),
            at_least: error.rest(),
            quota: self.clients.cloudinary.newest_quota(),
        };
        match self.clients.store.release_run(slice.run(), rest).await {
            Ok(run) => Ok(SliceOutcome::Paused(Box::new(run))),
            Err(error) if is_lease_lost(&error) => Err(ReconcileError::LeaseLost),
            Err(error) => Err(error.into()),
        }
    }
}

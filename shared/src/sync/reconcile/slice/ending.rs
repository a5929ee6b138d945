//! The end of a slice: the run rests, or is over.

use super::Slice;
use crate::supabase::SupabaseError;
use crate::sync::reconcile::error::{ReconcileError, VALUES_REFUSED};
use crate::sync::reconcile::outcome::SliceOutcome;
use crate::sync::reconcile::stage::to_value;
use crate::sync::store::{RunRest, RunStatus, is_lease_lost};
use crate::telemetry;

impl Slice<'_> {
    /// A run that left something out is no success, even if the counts agree.
    pub(super) async fn end(&mut self) -> Result<SliceOutcome, ReconcileError> {
        match self.refusals.describe() {
            None => self.finish(RunStatus::Succeeded, None).await,
            Some(reason) => {
                let error = Some((VALUES_REFUSED, reason.as_str()));
                self.finish(RunStatus::Failed, error).await
            }
        }
    }

    pub(super) async fn pause(&self) -> Result<SliceOutcome, ReconcileError> {
        let rest = RunRest {
            quota: self.clients.cloudinary.newest_quota(),
            ..RunRest::default()
        };
        let run = self.clients.store.release_run(&self.run, rest).await;
        Ok(SliceOutcome::Paused(Box::new(run.map_err(lost)?)))
    }

    pub(super) async fn finish(
        &mut self,
        status: RunStatus,
        error: Option<(&str, &str)>,
    ) -> Result<SliceOutcome, ReconcileError> {
        let counters = to_value(&self.counters);
        let run = self
            .clients
            .store
            .finish_run(&self.run, status, error, &counters)
            .await
            .map_err(lost)?;
        Ok(SliceOutcome::Finished(Box::new(run)))
    }

    /// Leaves the run where it can go on, or ends it if it never can. When that fails too, the
    /// lease runs out by itself.
    pub(in crate::sync::reconcile) async fn rest_after(&self, error: &ReconcileError) {
        let message = telemetry::chain(error);
        let reason = Some((error.code(), message.as_str()));
        let store = &self.clients.store;
        let rested = if error.is_transient() {
            let rest = RunRest {
                reason,
                quota: self.clients.cloudinary.newest_quota(),
                ..RunRest::default()
            };
            store.release_run(&self.run, rest).await
        } else {
            let counters = to_value(&self.counters);
            store
                .finish_run(&self.run, RunStatus::Failed, reason, &counters)
                .await
        };
        if let Err(error) = rested {
            tracing::warn!(run_id = %self.run.id, error = telemetry::chain(&error), "the lease is left to run out");
        }
    }
}

/// The reason why a write of the run's was refused.
pub(super) fn lost(error: SupabaseError) -> ReconcileError {
    if is_lease_lost(&error) {
        ReconcileError::LeaseLost
    } else {
        error.into()
    }
}

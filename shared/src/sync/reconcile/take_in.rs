//! Applies what somebody has seen of a few assets, at once.

use super::governor::Governor;
use super::{Reconcile, ReconcileError, Seen};
use crate::observation::Observation;
use crate::sync::plan::{KeepClocks, PlanContext, Source};
use crate::sync::store::{ATTEMPTS, WriteSet};

impl Reconcile {
    /// Applies these observations in one transaction, planning anew when rows change meanwhile.
    ///
    /// # Errors
    /// See [`ReconcileError`]; nothing is written then.
    pub async fn take_in(
        &self,
        observations: Vec<Observation>,
        source: Source,
    ) -> Result<(), ReconcileError> {
        let mut seen = Seen::new(observations, 0);
        let context = PlanContext {
            source,
            run_id: None,
            // Notifications of the same assets are on their way.
            keep_clocks: KeepClocks::Always,
            release: &[],
        };
        for _ in 0..ATTEMPTS {
            let compared = self.compare(&mut seen, context, Governor::People).await?;
            if compared.plan.is_empty() {
                return Ok(());
            }
            let change = WriteSet::of_plan(compared.plan);
            match self.store.apply(&change).await {
                Ok(()) => return Ok(()),
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ReconcileError::Contended)
    }
}

//! Applies what somebody has seen of a few assets, at once.

use super::governor::Governor;
use super::{Reconcile, ReconcileError, Seen};
use crate::sync::plan::{KeepClocks, PlanContext, Source, Tally};
use crate::sync::store::{ATTEMPTS, WriteSet};

impl Reconcile {
    /// Applies what was seen in one transaction, planning anew when rows change meanwhile.
    ///
    /// # Errors
    /// See [`ReconcileError`]; nothing is written then.
    pub async fn take_in(&self, mut seen: Seen, source: Source) -> Result<(), ReconcileError> {
        let context = PlanContext {
            source,
            run_id: None,
            // Notifications of the same assets are on their way.
            keep_clocks: KeepClocks::Always,
            release: &[],
        };
        self.apply(&mut seen, context, Governor::People).await?;
        Ok(())
    }

    /// Writes what was seen, and answers what that has changed.
    pub(super) async fn apply(
        &self,
        seen: &mut Seen,
        context: PlanContext<'_>,
        governor: Governor,
    ) -> Result<Tally, ReconcileError> {
        for _ in 0..ATTEMPTS {
            let plan = self.compare(seen, context, governor).await?.plan;
            let tally = plan.tally;
            if plan.is_empty() {
                return Ok(tally);
            }
            match self.store.apply(&WriteSet::of_plan(plan)).await {
                Ok(()) => return Ok(tally),
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ReconcileError::Contended)
    }
}

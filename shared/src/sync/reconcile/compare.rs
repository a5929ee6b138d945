//! From what Cloudinary has shown to a plan that may be written: reads the rows, and looks at
//! assets whose names were taken by others.

use uuid::Uuid;

use super::governor::Governor;
use super::{Reconcile, ReconcileError};
use crate::asset::{AssetId, DeliveryName};
use crate::observation::{Fact, Observation};
use crate::row::AssetRow;
use crate::sync::lookup::{self, MAX_ASSET_IDS};
use crate::sync::plan::{Plan, PlanContext, plan_observations};
use crate::sync::store::{ATTEMPTS, RowQuery};

/// Observations on their way into a plan.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) observations: Vec<Observation>,
    /// How many of them the step has read itself. The others had to be looked at because their
    /// names belonged to those.
    read: usize,
    pub(super) calls: u64,
    /// Names that rows would show once the plan is carried out, besides those that were seen.
    claimed: Vec<DeliveryName>,
}

impl Seen {
    pub(super) fn new(read: Vec<Observation>, calls: u64) -> Self {
        Self {
            read: read.len(),
            observations: read,
            calls,
            claimed: Vec::new(),
        }
    }

    pub(super) fn read(&self) -> &[Observation] {
        &self.observations[..self.read]
    }

    /// The assets that the step itself has seen alive.
    pub(super) fn alive(&self) -> Vec<AssetId> {
        let alive = self.read().iter();
        let alive = alive.filter(|seen| matches!(seen.fact, Fact::Seen(_)));
        alive.map(|seen| seen.asset_id.clone()).collect()
    }

    /// The rows of these assets, and of whoever holds their names.
    fn rows_concerned(&self) -> RowQuery {
        let seen = self.observations.iter();
        let names = seen.clone().filter_map(|seen| seen.seen_name().cloned());
        RowQuery {
            ids: Vec::new(),
            names: names.chain(self.claimed.iter().cloned()).collect(),
            asset_ids: seen.map(|seen| seen.asset_id.clone()).collect(),
        }
    }
}

/// A plan, and the rows it was made from.
#[derive(Debug)]
pub(super) struct Compared {
    pub(super) rows: Vec<AssetRow>,
    pub(super) plan: Plan,
}

impl Reconcile {
    /// Compares what was seen with the rows as they are now. One database call, unless names have
    /// changed hands.
    pub(super) async fn compare(
        &self,
        seen: &mut Seen,
        context: PlanContext<'_>,
        governor: Governor,
    ) -> Result<Compared, ReconcileError> {
        for _ in 0..ATTEMPTS {
            let concerned = seen.rows_concerned();
            let rows = if seen.observations.is_empty() {
                Vec::new()
            } else {
                self.store.fetch_rows(&concerned).await?
            };
            let plan = plan_observations(&rows, &seen.observations, context, Uuid::new_v4);
            let unread = plan.unread_names(&concerned.names);
            if !unread.is_empty() {
                seen.claimed.extend(unread);
                continue;
            }
            if plan.displaced.is_empty() {
                return Ok(Compared { rows, plan });
            }
            let displaced: Vec<_> = plan.displaced.into_iter().map(|id| (id, None)).collect();
            let newest = rows.iter().filter_map(|row| row.clocks.newest()).max();
            for chunk in displaced.chunks(MAX_ASSET_IDS) {
                governor.admit(&self.cloudinary, 1)?;
                let looked = lookup::fetch_observations(&self.cloudinary, chunk, newest).await?;
                seen.observations.extend(looked);
                seen.calls += 1;
            }
        }
        Err(ReconcileError::Contended)
    }
}

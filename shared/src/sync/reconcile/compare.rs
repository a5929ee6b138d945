//! From what Cloudinary has shown to a plan that may be written: reads the rows, and looks at
//! assets whose names were taken by others, or which may have changed since.

use uuid::Uuid;

use super::governor::Governor;
use super::seen::{Next, Seen};
use super::{Reconcile, ReconcileError};
use crate::row::AssetRow;
use crate::sync::lookup::{self, MAX_ASSET_IDS};
use crate::sync::plan::{Plan, PlanContext};
use crate::sync::store::ATTEMPTS;

/// A plan, and the rows it was made from.
#[derive(Debug)]
pub(super) struct Compared {
    pub(super) rows: Vec<AssetRow>,
    pub(super) plan: Plan,
}

impl Reconcile {
    /// Compares what was seen with the rows as they are now. One database call, unless names have
    /// changed hands, or rows have learnt something at the very time of the look.
    pub(super) async fn compare(
        &self,
        seen: &mut Seen,
        context: PlanContext<'_>,
        governor: Governor,
    ) -> Result<Compared, ReconcileError> {
        for _ in 0..ATTEMPTS {
            let rows = if seen.is_empty() {
                Vec::new()
            } else {
                self.store.fetch_rows(&seen.rows_concerned()).await?
            };
            match seen.plan(&rows, context, Uuid::new_v4) {
                Next::Read => {}
                Next::Look { wanted, after } => {
                    for chunk in wanted.chunks(MAX_ASSET_IDS) {
                        governor.admit(&self.cloudinary, 1)?;
                        let looks = lookup::fetch_observations(&self.cloudinary, chunk, after);
                        seen.take_looks(looks.await?, &rows);
                    }
                }
                Next::Write(plan) => return Ok(Compared { rows, plan: *plan }),
            }
        }
        Err(ReconcileError::Contended)
    }
}

//! Assets whose values no row can hold. They must not keep a run from all the others, nor let it
//! look good.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::governor::Governor;
use super::seen::Seen;
use super::{Reconcile, ReconcileError};
use crate::asset::AssetId;
use crate::sync::plan::{PlanContext, Tally};
use crate::telemetry;

/// How a run is marked that has left something out.
pub(super) const VALUES_REFUSED: &str = "values_refused";

/// So many a run leaves out. More are no misfortune of single assets, and each takes some twenty
/// calls of the database to find.
const MOST: usize = 10;

/// What a run has left out, since the database refuses it.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Refusals {
    assets: BTreeSet<AssetId>,
    /// The first of them, and why it was refused.
    first: Option<(AssetId, String)>,
}

impl Refusals {
    pub(super) fn is_empty(&self) -> bool {
        self.assets.is_empty()
    }

    fn add(&mut self, asset: AssetId, reason: String) {
        self.assets.insert(asset.clone());
        self.first.get_or_insert((asset, reason));
    }

    /// For people; `None` when there are none.
    pub(super) fn tell(&self) -> Option<String> {
        let (asset, reason) = self.first.as_ref()?;
        Some(match self.assets.len() {
            1 => format!("one asset could not be written, {asset}: {reason}"),
            count => format!("{count} assets could not be written, the first is {asset}: {reason}"),
        })
    }
}

impl Reconcile {
    /// Writes what was seen in ever smaller parts, until what the database refuses is found, and
    /// forgets that. Answers what was changed.
    ///
    /// # Errors
    /// See [`ReconcileError`]; the refusal itself, if there are too many.
    pub(super) async fn set_refused_apart(
        &self,
        seen: &mut Seen,
        refusals: &mut Refusals,
        context: PlanContext<'_>,
        governor: Governor,
    ) -> Result<Tally, ReconcileError> {
        let mut changed = Tally::default();
        let mut open = vec![seen.assets()];
        while let Some(mut part) = open.pop() {
            let mut these = seen.only(&part);
            let applied = self.apply(&mut these, context, governor).await;
            seen.add_calls(these.calls());
            match applied {
                Ok(tally) => changed.add(tally),
                Err(ReconcileError::Store(error))
                    if error.is_about_values() && refusals.assets.len() < MOST =>
                {
                    let rest = part.split_off(part.len() / 2);
                    if part.is_empty() {
                        let asset = &rest[0];
                        tracing::error!(%asset, error = telemetry::chain(&error), "refused for good");
                        seen.forget(asset);
                        refusals.add(asset.clone(), telemetry::chain(&error));
                    } else {
                        open.extend([part, rest]);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(changed)
    }
}

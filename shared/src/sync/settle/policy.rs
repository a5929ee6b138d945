//! The differences between the flows that settle (pure).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;

use uuid::Uuid;

use super::evidence::PlanEvidence;
use crate::asset::{AssetId, DeliveryName};
use crate::cloudinary::CloudinaryError;
use crate::observation::Observation;
use crate::row::AssetRow;
use crate::sync::plan::ObservationSource;
use crate::sync::store::RowQuery;
use crate::time::Timestamp;

/// Assets to look at, and the names they are known by.
pub type LookTargets = BTreeMap<AssetId, Option<DeliveryName>>;

/// Assets to look at, under the names by which their rows have last observed them.
pub fn named_by(rows: &[AssetRow], assets: impl IntoIterator<Item = AssetId>) -> LookTargets {
    let names: BTreeMap<&AssetId, DeliveryName> = rows
        .iter()
        .map(|row| (&row.cloudinary_asset_id, row.observed_name()))
        .collect();
    let named = assets.into_iter().map(|id| {
        let name = names.get(&id).cloned();
        (id, name)
    });
    named.collect()
}

/// Which rows are written when nothing but their clocks has moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClockKeeping {
    /// All: an older notification may still be on its way.
    Always,
    /// Those whose assets were looked at by their ids.
    OfLooks,
    Never,
}

/// A flow's own part in settling. Every method decides, and none does I/O.
pub trait SettlePolicy: Clone + Debug {
    /// The flow, as the audit trail names it.
    fn source(&self) -> ObservationSource;

    fn run_id(&self) -> Option<Uuid> {
        None
    }

    fn keeps_clocks(&self) -> ClockKeeping {
        ClockKeeping::Always
    }

    /// Adds the rows that matter besides those of the observed assets.
    fn add_rows(&self, _query: &mut RowQuery) {}

    /// The assets that have to be looked at before anything is planned from these rows.
    fn to_look_at(&mut self, _rows: &[AssetRow], _evidence: &mut PlanEvidence) -> LookTargets {
        LookTargets::new()
    }

    /// Goes on without a look at these assets, or gives the error back.
    ///
    /// # Errors
    /// The same error, where nothing can be written without the look.
    fn take_failed_look(
        &mut self,
        _assets: &[AssetId],
        _rows: &[AssetRow],
        error: CloudinaryError,
    ) -> Result<(), CloudinaryError> {
        Err(error)
    }

    /// True if the caller settles less at once when the rows are too large for one answer. Others
    /// read them in parts.
    fn is_halved_by_caller(&self) -> bool {
        false
    }

    /// Tells whether rows are read again after a look: only then does a decision count that was
    /// made meanwhile.
    fn reads_after_looks(&self) -> bool {
        false
    }

    /// A moment that was known before any look.
    fn newest_known(&self) -> Option<Timestamp> {
        None
    }

    /// The observations to be planned.
    fn observations<'a>(&'a self, evidence: &'a PlanEvidence) -> Cow<'a, [Observation]> {
        Cow::Borrowed(evidence.observations())
    }

    /// Takes in that no row can hold the values of this asset: it is left out from now on.
    fn take_refused(&mut self, _asset: &AssetId, _reason: &str) {}

    /// The rows whose claims end with the write.
    fn released(&self, _rows: &[AssetRow]) -> Vec<Uuid> {
        Vec::new()
    }
}

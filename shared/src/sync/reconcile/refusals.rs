//! Assets whose values no row can hold. They must not keep a run from all the others, nor let it
//! look good.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::error::ReconcileError;
use crate::asset::AssetId;

/// So many a run leaves out: more are no misfortune of single assets.
const MOST: usize = 10;

/// The assets that a run has left out, since the database refuses them.
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

    pub(super) fn assets(&self) -> impl Iterator<Item = &AssetId> {
        self.assets.iter()
    }

    /// Takes in the assets that a settlement has left out.
    ///
    /// # Errors
    /// `Refused` when there are too many.
    pub(super) fn take(
        &mut self,
        refused: &BTreeMap<AssetId, String>,
    ) -> Result<(), ReconcileError> {
        for (asset, reason) in refused {
            if self.assets.insert(asset.clone()) {
                tracing::error!(%asset, error = reason, "no row can hold what Cloudinary tells");
                self.first
                    .get_or_insert_with(|| (asset.clone(), reason.clone()));
            }
        }
        match self.describe() {
            Some(reason) if self.assets.len() > MOST => Err(ReconcileError::Refused(reason)),
            _ => Ok(()),
        }
    }

    /// For people; `None` when there are none.
    pub(super) fn describe(&self) -> Option<String> {
        let (asset, reason) = self.first.as_ref()?;
        Some(match self.assets.len() {
            1 => format!("one asset could not be written, {asset}: {reason}"),
            count if count > MOST => format!(
                "more than {MOST} assets cannot be written, the first is {asset}, and the run has given up: {reason}"
            ),
            count => format!("{count} assets could not be written, the first is {asset}: {reason}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::VALUES_REFUSED;
    use super::*;

    #[test]
    fn ten_assets_are_left_out_and_more_end_a_run() {
        let id = |number: usize| AssetId::parse(&format!("{number:032x}")).unwrap();
        let mut refusals = Refusals::default();
        assert_eq!(refusals.describe(), None);
        for number in 0..MOST {
            let refused = [(id(number), "no".to_owned()), (id(0), "no".to_owned())];
            refusals.take(&refused.into()).unwrap();
        }
        let told = refusals.describe().unwrap();
        assert!(
            told.starts_with(&format!(
                "{MOST} assets could not be written, the first is {}",
                id(0)
            )),
            "{told}"
        );
        let over = refusals
            .take(&[(id(MOST), "no".to_owned())].into())
            .unwrap_err();
        assert_eq!(over.code(), VALUES_REFUSED);
        assert!(!over.is_transient());
    }
}

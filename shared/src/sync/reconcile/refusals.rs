//! Assets that no row can hold. They must not keep a run from all the others, nor let it
//! look good.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::error::ReconcileError;
use crate::asset::AssetId;
use crate::observation::GARBLED_TEXT;

/// So many a run leaves out, since each is searched for: more are no misfortune of single assets.
const MOST: usize = 10;

/// So many assets with unreadable texts are kept by their ids. They cost nothing, and stop no run.
const MOST_KEPT: usize = 100;

/// So many of these are named in the run's account.
const MOST_TOLD: usize = 10;

/// The assets that a run has left out, since the database refuses them, or since Cloudinary's texts
/// cannot be read.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Refusals {
    assets: BTreeSet<AssetId>,
    /// The first of them, and why it was refused.
    first: Option<(AssetId, String)>,
    /// The first of those with unreadable texts.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    garbled: BTreeSet<AssetId>,
}

impl Refusals {
    pub(super) fn is_empty(&self) -> bool {
        self.assets.is_empty() && self.garbled.is_empty()
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
            let is_new = if reason == GARBLED_TEXT {
                self.garbled.len() < MOST_KEPT && self.garbled.insert(asset.clone())
            } else {
                self.first
                    .get_or_insert_with(|| (asset.clone(), reason.clone()));
                self.assets.insert(asset.clone())
            };
            if is_new {
                tracing::error!(%asset, error = reason, "no row can hold what Cloudinary tells");
            }
        }
        match self.describe() {
            Some(reason) if self.assets.len() > MOST => Err(ReconcileError::Refused(reason)),
            _ => Ok(()),
        }
    }

    /// For people; `None` when there are none.
    pub(super) fn describe(&self) -> Option<String> {
        let told: Vec<String> = [self.describe_refused(), self.describe_garbled()]
            .into_iter()
            .flatten()
            .collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    fn describe_garbled(&self) -> Option<String> {
        let ids: Vec<&str> = self.garbled.iter().map(AssetId::as_str).collect();
        let told = ids[..ids.len().min(MOST_TOLD)].join(", ");
        let count = match ids.len() {
            0 => return None,
            1 => "one asset".to_owned(),
            MOST_KEPT => format!("{MOST_KEPT} assets or more"),
            count => format!("{count} assets"),
        };
        let further = if ids.len() > MOST_TOLD { ", …" } else { "" };
        Some(format!(
            "{count} could not be read ({told}{further}): {GARBLED_TEXT}"
        ))
    }

    fn describe_refused(&self) -> Option<String> {
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
    fn assets_with_unreadable_texts_are_told_and_stop_no_run() {
        let garbled = |number: usize| {
            let id = AssetId::parse(&format!("{number:032x}")).unwrap();
            (id, GARBLED_TEXT.to_owned())
        };
        let mut refusals = Refusals::default();
        for (count, told) in [
            (1, "one asset"),
            (20, "20 assets"),
            (300, "100 assets or more"),
        ] {
            let refused = (0..count).map(garbled).collect();
            refusals.take(&refused).unwrap();
            let reason = refusals.describe().unwrap();
            assert!(reason.starts_with(told), "{reason}");
        }
        assert!(!refusals.is_empty());
    }

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

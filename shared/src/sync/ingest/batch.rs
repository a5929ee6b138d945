//! What a batch of notifications concerns, and what is known when (pure).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::accepted::{Accepted, told_ids};
use super::concern::Concern;
use crate::asset::{AssetId, DeliveryName};
use crate::cloudinary::CloudinaryError;
use crate::observation::{Changed, Observation};
use crate::row::AssetRow;
use crate::sync::notification::{AssetRef, Says};
use crate::sync::store::RowQuery;
use crate::time::Timestamp;

/// What is kept between the attempts of one batch: what was fetched stays true.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Names whose holders turned out to matter.
    pub names: BTreeSet<DeliveryName>,
    pub fetched: BTreeMap<AssetId, Observation>,
    pub failed: BTreeMap<AssetId, Arc<CloudinaryError>>,
}

impl Batch {
    /// What was fetched, with what the notifications tell of when it was changed.
    pub fn observations(&self, changed: &BTreeMap<AssetId, Changed>) -> Vec<Observation> {
        let dated = |seen: &Observation| {
            let mut seen = seen.clone();
            seen.note_change(changed.get(&seen.asset_id).copied().unwrap_or_default());
            seen
        };
        self.fetched.values().map(dated).collect()
    }
}

/// When the notifications say that the assets which are only to be looked at were changed.
pub fn moments_of_change(
    accepted: &[Accepted],
    concerns: &[Concern],
) -> BTreeMap<AssetId, Changed> {
    let mut moments: BTreeMap<AssetId, Changed> = BTreeMap::new();
    for (accepted, concern) in accepted.iter().zip(concerns) {
        let Ok(notification) = &accepted.read else {
            continue;
        };
        let changed = notification.changed();
        for id in concern.to_fetch.keys() {
            let known = moments.entry(id.clone()).or_default();
            *known = known.max(changed);
        }
    }
    moments
}

/// Every row that the batch may touch: the assets it names, and who holds their names now.
pub fn rows_concerned(
    accepted: &[Accepted],
    batch: &Batch,
    folders: &BTreeMap<String, Vec<AssetId>>,
) -> RowQuery {
    let mut ids: BTreeSet<AssetId> = batch
        .fetched
        .keys()
        .chain(folders.values().flatten())
        .cloned()
        .collect();
    let mut names: BTreeSet<DeliveryName> = batch
        .fetched
        .values()
        .filter_map(|seen| seen.seen_name().cloned())
        .chain(batch.names.iter().cloned())
        .collect();
    for notification in accepted
        .iter()
        .filter_map(|accepted| accepted.read.as_ref().ok())
    {
        ids.extend(told_ids(&notification.says));
        match &notification.says {
            Says::Uploaded(upload) => names.extend(upload.seen_name().cloned()),
            Says::Changed(assets) => {
                for asset in assets {
                    match asset {
                        AssetRef::Id(id) => drop(ids.insert(id.clone())),
                        AssetRef::Name(name) => drop(names.insert(name.clone())),
                    }
                }
            }
            Says::Deleted(_) | Says::FolderMoved { .. } | Says::Nothing => {}
        }
    }
    RowQuery {
        ids: Vec::new(),
        asset_ids: ids.into_iter().collect(),
        names: names.into_iter().collect(),
    }
}

/// The newest moment of Cloudinary's clock that was known before anything is fetched: a fetch
/// that follows it cannot have seen an older state.
pub fn newest_moment(accepted: &[Accepted], rows: &[AssetRow]) -> Option<Timestamp> {
    let triggered = accepted
        .iter()
        .filter_map(|accepted| accepted.read.as_ref().ok()?.triggered_at);
    let known = rows.iter().filter_map(|row| row.clocks.newest());
    triggered.chain(known).max()
}

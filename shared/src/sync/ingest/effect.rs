//! The effect of one notification, given the rows as they are (pure).

use std::collections::BTreeMap;

use super::accepted::AcceptedNotification;
use crate::asset::{AssetId, DeliveryName};
use crate::observation::{Observation, ObservedState};
use crate::row::AssetRow;
use crate::sync::notification::{AssetRef, NotificationMeaning};
use crate::sync::plan::{RowChange, WritePlan};
use crate::sync::store::NotificationVerdict;

/// The rows by the names that notifications use.
#[derive(Debug)]
pub struct KnownRows<'a> {
    by_id: BTreeMap<&'a AssetId, &'a AssetRow>,
    by_name: BTreeMap<DeliveryName, &'a AssetId>,
}

impl<'a> KnownRows<'a> {
    pub fn of(rows: &'a [AssetRow]) -> Self {
        let live = rows.iter().filter(|row| row.is_live());
        Self {
            by_id: rows
                .iter()
                .map(|row| (&row.cloudinary_asset_id, row))
                .collect(),
            by_name: live
                .map(|row| (row.observed_name(), &row.cloudinary_asset_id))
                .collect(),
        }
    }

    /// Tells whether an upload may have cleared what it does not mention: it replaced content that
    /// is known here. A version counts seconds, so the moment decides between two of one second.
    fn has_older_content(&self, upload: &Observation) -> bool {
        let ObservedState::Seen(sighting) = &upload.fact else {
            return false;
        };
        let version = sighting
            .content
            .as_ref()
            .and_then(|content| content.version);
        self.by_id.get(&upload.asset_id).is_some_and(|row| {
            (row.content.version, row.clocks.content) < (version, Some(upload.at.micros()))
        })
    }
}

/// The effect of one notification.
#[derive(Clone, Debug, Default)]
pub struct NotificationEffect {
    pub told: Vec<Observation>,
    pub to_fetch: BTreeMap<AssetId, Option<DeliveryName>>,
    /// Names that no row here answers to.
    unresolved: usize,
    pub parked: Option<String>,
}

impl NotificationEffect {
    pub fn of(
        accepted: &AcceptedNotification,
        known: &KnownRows<'_>,
        folders: &BTreeMap<String, Vec<AssetId>>,
    ) -> Self {
        let mut effect = Self::default();
        match accepted
            .read
            .as_ref()
            .map(|notification| &notification.says)
        {
            Err(reason) => effect.parked = Some(reason.to_string()),
            Ok(NotificationMeaning::Nothing) => {}
            Ok(NotificationMeaning::Deleted(gone)) => effect.told.clone_from(gone),
            Ok(NotificationMeaning::Uploaded(upload)) => {
                if known.has_older_content(upload) {
                    effect.to_fetch.insert(upload.asset_id.clone(), None);
                }
                effect.told.push((**upload).clone());
            }
            Ok(NotificationMeaning::Changed(assets)) => {
                assets.iter().for_each(|asset| effect.look_at(asset, known))
            }
            Ok(NotificationMeaning::FolderMoved { from }) => {
                let ids = folders.get(from).into_iter().flatten();
                effect.to_fetch.extend(ids.map(|id| (id.clone(), None)));
            }
        }
        if effect.told.is_empty() && effect.to_fetch.is_empty() && effect.unresolved > 0 {
            effect.parked =
                Some("it names, without ids, only assets that are not known here".to_owned());
        }
        effect
    }

    fn look_at(&mut self, asset: &AssetRef, known: &KnownRows<'_>) {
        match asset {
            AssetRef::Id(id) => {
                self.to_fetch.insert(id.clone(), None);
            }
            AssetRef::Name(name) => match known.by_name.get(name) {
                Some(id) => {
                    self.to_fetch.insert((*id).clone(), Some(name.clone()));
                }
                None => self.unresolved += 1,
            },
        }
    }

    /// The verdict that this plan gives it.
    pub fn verdict(&self, plan: &WritePlan) -> NotificationVerdict {
        if self.parked.is_some() {
            return NotificationVerdict::Parked;
        }
        let changed = |id: &AssetId| {
            plan.changes
                .get(id)
                .is_some_and(|change| *change != RowChange::Unchanged)
        };
        if self.asset_ids().any(changed) {
            NotificationVerdict::Applied
        } else {
            NotificationVerdict::Superseded
        }
    }

    pub fn asset_ids(&self) -> impl Iterator<Item = &AssetId> {
        let told = self.told.iter().map(|observation| &observation.asset_id);
        told.chain(self.to_fetch.keys())
    }
}

//! The effect of one notification, given the rows as they are (pure).

use std::collections::BTreeMap;

use super::accepted::AcceptedNotification;
use crate::asset::{AssetId, DeliveryName};
use crate::observation::{Observation, ObservedState};
use crate::row::AssetRow;
use crate::sync::notification::{AssetRef, NotificationMeaning, PartialName};
use crate::sync::plan::{RowChange, WritePlan};
use crate::sync::store::NotificationVerdict;

/// The rows by the names that notifications use.
#[derive(Debug)]
pub struct KnownRows<'a> {
    by_id: BTreeMap<&'a AssetId, &'a AssetRow>,
    by_public_id: BTreeMap<String, Vec<(DeliveryName, &'a AssetRow)>>,
}

impl<'a> KnownRows<'a> {
    pub fn of(rows: &'a [AssetRow]) -> Self {
        let mut by_public_id: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for row in rows {
            let name = row.observed_name();
            let same = by_public_id.entry(name.public_id.clone()).or_default();
            same.push((name, row));
        }
        Self {
            by_id: rows
                .iter()
                .map(|row| (&row.cloudinary_asset_id, row))
                .collect(),
            by_public_id,
        }
    }

    /// The assets that a name may mean: the live ones that have it. Where none does, a deleted one
    /// may be back.
    fn named<'b>(
        &'b self,
        partial: &PartialName,
    ) -> impl Iterator<Item = (&'b AssetId, &'b DeliveryName)> {
        let same = self.by_public_id.get(&partial.public_id);
        let same = same.map(Vec::as_slice).unwrap_or_default();
        let is_held = |name: &DeliveryName| {
            same.iter()
                .any(|(other, row)| row.is_live() && other == name)
        };
        let partial = partial.clone();
        let meant = same.iter().filter(move |(name, _)| partial.fits(name));
        let meant = meant.filter(move |(name, row)| row.is_live() || !is_held(name));
        meant.map(|(name, row)| (&row.cloudinary_asset_id, name))
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
            Ok(says @ (NotificationMeaning::Changed(_) | NotificationMeaning::Mentioned(_))) => {
                let assets = says.hints().iter();
                assets.for_each(|asset| effect.look_at(asset, known));
                if matches!(says, NotificationMeaning::Mentioned(_)) {
                    effect.unresolved = 0;
                }
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
            AssetRef::Name(partial) => {
                let before = self.to_fetch.len();
                let meant = known.named(partial);
                self.to_fetch
                    .extend(meant.map(|(id, name)| (id.clone(), Some(name.clone()))));
                self.unresolved += usize::from(self.to_fetch.len() == before);
            }
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

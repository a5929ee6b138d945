//! The effect of one notification, given the rows as they are (pure).

use std::collections::BTreeMap;

use super::accepted::Accepted;
use crate::asset::{AssetId, DeliveryName};
use crate::observation::{Fact, Observation};
use crate::row::AssetRow;
use crate::sync::notification::{AssetRef, Says};
use crate::sync::plan::{Change, Plan};
use crate::sync::store::Verdict;

/// The rows by the names that notifications use.
#[derive(Debug)]
pub struct Known<'a> {
    by_id: BTreeMap<&'a AssetId, &'a AssetRow>,
    by_name: BTreeMap<DeliveryName, &'a AssetId>,
}

impl<'a> Known<'a> {
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
        let Fact::Seen(sighting) = &upload.fact else {
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
pub struct Concern {
    pub told: Vec<Observation>,
    pub to_fetch: BTreeMap<AssetId, Option<DeliveryName>>,
    /// Names that no row here answers to.
    unresolved: usize,
    pub parked: Option<String>,
}

impl Concern {
    pub fn of(
        accepted: &Accepted,
        known: &Known<'_>,
        folders: &BTreeMap<String, Vec<AssetId>>,
    ) -> Self {
        let mut concern = Self::default();
        match accepted
            .read
            .as_ref()
            .map(|notification| &notification.says)
        {
            Err(reason) => concern.parked = Some(reason.to_string()),
            Ok(Says::Nothing) => {}
            Ok(Says::Deleted(gone)) => concern.told.clone_from(gone),
            Ok(Says::Uploaded(upload)) => {
                if known.has_older_content(upload) {
                    concern.to_fetch.insert(upload.asset_id.clone(), None);
                }
                concern.told.push((**upload).clone());
            }
            Ok(Says::Changed(assets)) => assets
                .iter()
                .for_each(|asset| concern.look_at(asset, known)),
            Ok(Says::FolderMoved { from }) => {
                let ids = folders.get(from).into_iter().flatten();
                concern.to_fetch.extend(ids.map(|id| (id.clone(), None)));
            }
        }
        if concern.told.is_empty() && concern.to_fetch.is_empty() && concern.unresolved > 0 {
            concern.parked =
                Some("it names, without ids, only assets that are not known here".to_owned());
        }
        concern
    }

    fn look_at(&mut self, asset: &AssetRef, known: &Known<'_>) {
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
    pub fn verdict(&self, plan: &Plan) -> Verdict {
        if self.parked.is_some() {
            return Verdict::Parked;
        }
        let changed = |id: &AssetId| {
            plan.changes
                .get(id)
                .is_some_and(|change| *change != Change::Unchanged)
        };
        if self.asset_ids().any(changed) {
            Verdict::Applied
        } else {
            Verdict::Superseded
        }
    }

    pub fn asset_ids(&self) -> impl Iterator<Item = &AssetId> {
        let told = self.told.iter().map(|observation| &observation.asset_id);
        told.chain(self.to_fetch.keys())
    }
}

//! The mirror's row of one asset, and how an observation changes it.
//!
//! Every group of fields carries the moment of its last observation (its clock). An observation
//! replaces a group only when it is newer. At equal moments the values decide. Taking the greatest
//! of a total order does not depend on the order of arrival, so notifications may come late, twice,
//! or in the middle of a listing.

mod observe;
mod settle;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::asset::{AssetId, DeliveryName, ResourceType};
use crate::intent::{EditableValues, Intent};
use crate::observation::{AssetAttributes, AssetClocks, AssetContent, Observation, ObservedState};
use crate::time::Timestamp;

/// A row of `media_assets`, as far as Cloudinary's observations concern it.
///
/// The values that only people here write (`description`, `alt_text`) are not in it and are never
/// touched.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AssetRow {
    pub id: Uuid,
    pub cloudinary_asset_id: AssetId,
    pub resource_type: ResourceType,
    pub delivery_type: String,
    /// The values that people edit, as the row shows them: the last observed ones, with the wishes
    /// laid over them.
    #[serde(flatten)]
    pub editable: EditableValues,
    #[serde(flatten)]
    pub content: AssetContent,
    #[serde(flatten)]
    pub attributes: AssetAttributes,
    #[serde(flatten)]
    pub sync: SyncState,
    pub deleted_at: Option<Timestamp>,
    pub deleted_by: Option<Uuid>,
    /// The user whose upload the asset came of, if it began here; its owner.
    pub uploaded_by: Option<Uuid>,
    pub clocks: AssetClocks,
    pub intent: Option<Intent>,
    pub intent_revision: i64,
    /// The worker that carries the intent out; see [`crate::sync::outbound`].
    pub intent_claim: Option<Uuid>,
    /// The values that were last observed, where `editable` shows others; the base of the merge.
    pub observed: Option<EditableValues>,
    /// The revision that was read; a write is refused when the row has moved on.
    pub revision: i64,
}

/// Where the two sides of an asset stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SyncStatus {
    /// The last known Cloudinary state and the row agree, and nothing waits.
    #[default]
    Synced,
    /// Something decided here has not been confirmed by Cloudinary yet.
    Pending,
    /// It was refused; the row says why.
    Error,
}

/// Where the two sides stand, and why, named as the columns are.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SyncState {
    #[serde(rename = "sync_status")]
    pub status: SyncStatus,
    #[serde(rename = "sync_error_code")]
    pub error_code: Option<String>,
    #[serde(rename = "sync_error_message")]
    pub error_message: Option<String>,
    #[serde(rename = "sync_retry_count")]
    pub retry_count: i32,
    #[serde(rename = "sync_next_attempt_at")]
    pub next_attempt_at: Option<Timestamp>,
}

impl AssetRow {
    /// A row for an asset that was first heard of by `observation`; `None` when the observation
    /// does not even name it.
    pub fn first(id: Uuid, observation: &Observation) -> Option<Self> {
        let name = match &observation.fact {
            ObservedState::Seen(sighting) => &sighting.name,
            ObservedState::Gone(name) => name.as_ref()?,
        };
        let mut row = Self::unobserved(id, observation.asset_id.clone(), name.clone());
        row.observe(observation);
        Some(row)
    }

    /// Takes one observation in. Any set of observations, in any order, any number of times,
    /// leaves the same row.
    pub fn observe(&mut self, observation: &Observation) {
        self.unveil();
        self.observe_fact(observation.at.micros(), &observation.fact);
        self.settle();
    }

    /// Tells if the order matters: if the asset looks different when this was observed before
    /// everything known, or after it.
    pub fn order_matters(&self, observation: &Observation) -> bool {
        let told_at = |at: i64| {
            let mut told = self.clone();
            told.unveil();
            told.observe_fact(at, &observation.fact);
            let is_gone = told.is_gone();
            told.clocks = AssetClocks::default();
            (is_gone, told)
        };
        let newest = self.clocks.newest().map_or(0, Timestamp::micros);
        told_at(i64::MIN) != told_at(newest.saturating_add(1))
    }

    /// The columns hold the values last observed.
    fn observe_fact(&mut self, at: i64, fact: &ObservedState) {
        match fact {
            ObservedState::Gone(name) => {
                self.clocks.gone = self.clocks.gone.max(Some(at));
                if let Some(name) = name {
                    self.observe_name(at, name);
                }
            }
            ObservedState::Seen(sighting) => {
                self.clocks.alive = self.clocks.alive.max(Some(at));
                self.observe_sighting(at, sighting);
            }
        }
    }

    /// Tells whether Cloudinary, as far as is known, no longer has the asset. At equal moments it
    /// is gone: a delete never precedes the upload that it deletes.
    pub fn is_gone(&self) -> bool {
        self.clocks.gone.is_some() && self.clocks.gone >= self.clocks.alive
    }

    /// Tells whether the row counts as a live asset: not deleted, and nobody asked to delete it.
    pub fn is_live(&self) -> bool {
        self.deleted_at.is_none()
    }

    /// The name that the row shows.
    pub fn name(&self) -> DeliveryName {
        self.named(&self.editable.public_id)
    }

    /// The name under which the asset was last observed.
    pub fn observed_name(&self) -> DeliveryName {
        self.named(&self.observed_values().public_id)
    }

    /// The newest moment that anything is known of: an observation, or a decision made here.
    pub fn newest_known(&self) -> Option<Timestamp> {
        let decided = self.intent.as_ref();
        let decided = decided.map(|intent| Timestamp::from_micros(intent.at));
        self.clocks.newest().max(decided)
    }

    fn named(&self, public_id: &str) -> DeliveryName {
        DeliveryName {
            resource_type: self.resource_type,
            delivery_type: self.delivery_type.clone(),
            public_id: public_id.to_owned(),
        }
    }

    fn unobserved(id: Uuid, asset_id: AssetId, name: DeliveryName) -> Self {
        Self {
            id,
            cloudinary_asset_id: asset_id,
            resource_type: name.resource_type,
            delivery_type: name.delivery_type,
            editable: EditableValues {
                public_id: name.public_id,
                ..EditableValues::default()
            },
            content: AssetContent::default(),
            attributes: AssetAttributes::default(),
            sync: SyncState::default(),
            deleted_at: None,
            deleted_by: None,
            uploaded_by: None,
            clocks: AssetClocks::default(),
            intent: None,
            intent_revision: 0,
            intent_claim: None,
            observed: None,
            revision: 0,
        }
    }
}

#[cfg(test)]
mod tests;

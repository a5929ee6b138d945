//! Cloudinary's news: an asset looked like this, or was gone, at a moment on its clock.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::absence::AbsenceMeaning;
use super::attributes::ToldAttributes;
use super::clocks::ChangeClocks;
use super::content::AssetContent;
use crate::asset::{AssetId, DeliveryName};
use crate::cloudinary::CloudinaryResource;
use crate::time::Timestamp;

/// Free-form or structured key–value pairs, in a canonical order.
pub type ValuePairs = BTreeMap<String, Value>;

/// One statement about one asset, true at one moment on Cloudinary's clock.
///
/// Notifications, listings, single reads and the answers to our own writes all become
/// observations. Applying them is order-free and repeatable, see [`crate::row::AssetRow::observe`].
#[derive(Clone, PartialEq, Debug)]
pub struct Observation {
    pub asset_id: AssetId,
    /// A moment certainly not after the asset was in this state was read.
    pub at: Timestamp,
    pub fact: ObservedState,
}

/// The observed state.
#[derive(Clone, PartialEq, Debug)]
pub enum ObservedState {
    Seen(Box<AssetSighting>),
    /// Gone, and under which name it was last known, where the source says so.
    Gone(Option<DeliveryName>),
}

/// A live asset as it looked. Groups that the source does not speak of are `None`: not told is
/// not the same as empty.
#[derive(Clone, PartialEq, Debug)]
pub struct AssetSighting {
    pub name: DeliveryName,
    pub content: Option<AssetContent>,
    pub folder: Option<String>,
    pub display_name: Option<String>,
    pub tags: Option<BTreeSet<String>>,
    pub context: Option<ValuePairs>,
    pub metadata: Option<ValuePairs>,
    pub attributes: ToldAttributes,
    pub changed: ChangeClocks,
    /// A text of it could not be read, so no row can hold it: see [`crate::garbled_json`].
    pub is_garbled: bool,
}

/// The reason why no row can hold a garbled asset, for people.
pub const GARBLED_TEXT: &str = "Cloudinary tells a text that no row can hold: half of an emoji, a NUL or raw control character, or bytes of another encoding";

impl Observation {
    /// Reads a resource of an answer or a notification; `None` when it does not identify an asset.
    /// A placeholder is a record whose content is gone.
    pub fn of_resource(
        resource: &CloudinaryResource,
        at: Timestamp,
        told: AbsenceMeaning,
    ) -> Option<Self> {
        let sighting = AssetSighting::of_resource(resource, told)?;
        Some(Self {
            asset_id: resource.asset_id.clone()?,
            at,
            fact: if resource.is_placeholder() {
                ObservedState::Gone(Some(sighting.name))
            } else {
                ObservedState::Seen(Box::new(sighting))
            },
        })
    }
}

impl Observation {
    /// The name of an asset that was seen alive.
    pub fn seen_name(&self) -> Option<&DeliveryName> {
        match &self.fact {
            ObservedState::Seen(sighting) => Some(&sighting.name),
            ObservedState::Gone(_) => None,
        }
    }

    /// Tells whether a text of the asset could not be read.
    pub fn is_garbled(&self) -> bool {
        matches!(&self.fact, ObservedState::Seen(sighting) if sighting.is_garbled)
    }

    /// Adds the known time of the asset's change.
    pub fn note_change(&mut self, changed: ChangeClocks) {
        if let ObservedState::Seen(sighting) = &mut self.fact {
            sighting.changed = sighting.changed.max(changed);
        }
    }
}

impl AssetSighting {
    /// A live asset of which only the name is told.
    pub fn named(name: DeliveryName) -> Self {
        Self {
            name,
            content: None,
            folder: None,
            display_name: None,
            tags: None,
            context: None,
            metadata: None,
            attributes: ToldAttributes::default(),
            changed: ChangeClocks::default(),
            is_garbled: false,
        }
    }

    fn of_resource(resource: &CloudinaryResource, told: AbsenceMeaning) -> Option<Self> {
        let everything = told == AbsenceMeaning::Everything;
        let pairs = |pairs: Option<ValuePairs>| pairs.or_else(|| everything.then(ValuePairs::new));
        Some(Self {
            name: DeliveryName {
                resource_type: resource.resource_type?,
                delivery_type: resource.delivery_type.clone()?,
                public_id: resource.public_id.clone()?,
            },
            content: AssetContent::of_resource(resource),
            folder: resource.folder_path().map(str::to_owned),
            display_name: resource.display_name.clone(),
            tags: resource
                .tags
                .as_ref()
                .map(|tags| tags.iter().cloned().collect())
                .or_else(|| everything.then(BTreeSet::new)),
            context: pairs(resource.context.as_ref().map(|context| {
                let strings = context
                    .iter()
                    .map(|(key, value)| (key.clone(), Value::from(value.as_str())));
                strings.collect()
            })),
            metadata: pairs(
                resource
                    .metadata
                    .clone()
                    .map(|metadata| metadata.into_iter().collect()),
            ),
            attributes: ToldAttributes::of_resource(resource, told),
            changed: ChangeClocks::of_resource(resource),
            is_garbled: resource.garbled == Some(true),
        })
    }
}

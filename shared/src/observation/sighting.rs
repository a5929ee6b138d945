//! Cloudinary's news: an asset looked like this, or was gone, at a moment on its clock.

use std::collections::BTreeMap;

use serde_json::Value;

use super::attributes::ToldAttributes;
use super::clocks::Changed;
use super::content::Content;
use super::told::Told;
use crate::asset::{AssetId, DeliveryName};
use crate::cloudinary::Resource;
use crate::time::Timestamp;

/// Free-form or structured key–value pairs, in a canonical order.
pub type Pairs = BTreeMap<String, Value>;

/// One statement about one asset, true at one moment on Cloudinary's clock.
///
/// Notifications, listings, single reads and the answers to our own writes all become
/// observations. Applying them is order-free and repeatable, see [`crate::row::AssetRow::observe`].
#[derive(Clone, PartialEq, Debug)]
pub struct Observation {
    pub asset_id: AssetId,
    /// A moment certainly not after the asset was in this state was read.
    pub at: Timestamp,
    pub fact: Fact,
}

/// The observed state.
#[derive(Clone, PartialEq, Debug)]
pub enum Fact {
    Seen(Box<Sighting>),
    /// Gone, and under which name it was last known, where the source says so.
    Gone(Option<DeliveryName>),
}

/// A live asset as it looked. Groups that the source does not speak of are `None`: not told is
/// not the same as empty.
#[derive(Clone, PartialEq, Debug)]
pub struct Sighting {
    pub name: DeliveryName,
    pub content: Option<Content>,
    pub folder: Option<String>,
    pub display_name: Option<String>,
    pub tags: Option<Vec<String>>,
    pub context: Option<Pairs>,
    pub metadata: Option<Pairs>,
    pub attributes: ToldAttributes,
    pub changed: Changed,
}

impl Observation {
    /// Reads a resource of an answer or a notification; `None` when it does not identify an asset.
    /// A placeholder is a record whose content is gone.
    pub fn of_resource(resource: &Resource, at: Timestamp, told: Told) -> Option<Self> {
        let sighting = Sighting::of_resource(resource, told)?;
        Some(Self {
            asset_id: resource.asset_id.clone()?,
            at,
            fact: if resource.is_placeholder() {
                Fact::Gone(Some(sighting.name))
            } else {
                Fact::Seen(Box::new(sighting))
            },
        })
    }
}

impl Observation {
    /// The name of an asset that was seen alive.
    pub fn seen_name(&self) -> Option<&DeliveryName> {
        match &self.fact {
            Fact::Seen(sighting) => Some(&sighting.name),
            Fact::Gone(_) => None,
        }
    }

    /// Adds the known time of the asset's change.
    pub fn note_change(&mut self, changed: Changed) {
        if let Fact::Seen(sighting) = &mut self.fact {
            sighting.changed = sighting.changed.max(changed);
        }
    }
}

impl Sighting {
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
            changed: Changed::default(),
        }
    }

    fn of_resource(resource: &Resource, told: Told) -> Option<Self> {
        let everything = told == Told::Everything;
        let pairs = |pairs: Option<Pairs>| pairs.or_else(|| everything.then(Pairs::new));
        Some(Self {
            name: DeliveryName {
                resource_type: resource.resource_type?,
                delivery_type: resource.delivery_type.clone()?,
                public_id: resource.public_id.clone()?,
            },
            content: Content::of_resource(resource),
            folder: resource.folder_path().map(str::to_owned),
            display_name: resource.display_name.clone(),
            tags: resource.tags.clone().or_else(|| everything.then(Vec::new)),
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
            changed: Changed::of_resource(resource),
        })
    }
}

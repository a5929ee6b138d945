//! What Cloudinary told us: an asset looked like this, or was gone, at a moment on its clock.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

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

/// What was observed.
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
    pub access_mode: Option<String>,
    pub changed: Changed,
}

/// When groups of an asset were last changed in Cloudinary, as far as anything tells: microseconds
/// on its clock. An observation says what an asset looked like; only this says since when. It
/// decides nothing but who wins when both sides changed the same value.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Changed {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<i64>,
}

impl Changed {
    /// Everything was changed at this moment, as by an upload.
    pub fn all(at: Timestamp) -> Self {
        let at = Some(at.micros());
        Self {
            name: at,
            folder: at,
            display_name: at,
            context: at,
            metadata: at,
        }
    }

    /// The later of both, group by group.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            name: self.name.max(other.name),
            folder: self.folder.max(other.folder),
            display_name: self.display_name.max(other.display_name),
            context: self.context.max(other.context),
            metadata: self.metadata.max(other.metadata),
        }
    }

    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    fn of_resource(resource: &Resource) -> Self {
        let Some(told) = &resource.last_updated else {
            return Self::default();
        };
        let micros = |moment: Option<Timestamp>| moment.map(Timestamp::micros);
        Self {
            name: micros(told.public_id_updated_at),
            context: micros(told.context_updated_at),
            metadata: micros(told.metadata_updated_at),
            ..Self::default()
        }
    }
}

/// The bytes of an asset and what follows from them: replaced as a whole by an upload.
///
/// No source tells everything (listings have neither `version_id` nor `etag`), so within one
/// version a field that is not told stays as it was.
#[derive(Clone, PartialEq, Debug)]
pub struct Content {
    /// Unix seconds of the version; the first thing that orders contents.
    pub version: i64,
    pub version_id: Option<String>,
    pub etag: Option<String>,
    pub original_filename: Option<String>,
    /// Bytes.
    pub file_size: Option<i64>,
    pub format: Option<String>,
    /// Pixels.
    pub width: Option<i32>,
    pub height: Option<i32>,
    /// Seconds.
    pub duration: Option<f64>,
    pub secure_url: Option<String>,
    pub url: Option<String>,
    pub created_at: Option<Timestamp>,
}

/// How much an answer tells by leaving something out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// Tags, context and metadata were asked for: what is missing, the asset does not have.
    Everything,
    /// Only what is there was told: what is missing may be anything.
    WhatIsThere,
}

impl Observation {
    /// What a resource in an answer or a notification says; `None` when it does not identify an
    /// asset. A placeholder is a record whose content is gone.
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

    /// Adds what is known of when the asset was changed.
    pub fn note_change(&mut self, changed: Changed) {
        if let Fact::Seen(sighting) = &mut self.fact {
            sighting.changed = sighting.changed.max(changed);
        }
    }
}

impl Sighting {
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
            access_mode: resource.access_mode.clone(),
            changed: Changed::of_resource(resource),
        })
    }
}

impl Content {
    fn of_resource(resource: &Resource) -> Option<Self> {
        let pixels = |count: Option<i64>| count.and_then(|count| i32::try_from(count).ok());
        Some(Self {
            version: resource.version?,
            version_id: resource.version_id.clone(),
            etag: resource.etag.clone(),
            original_filename: resource.original_filename.clone(),
            file_size: resource.bytes,
            format: resource.format.clone(),
            width: pixels(resource.width),
            height: pixels(resource.height),
            duration: resource.duration,
            secure_url: resource.secure_url.clone(),
            url: resource.url.clone(),
            created_at: resource.created_at,
        })
    }
}

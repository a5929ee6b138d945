//! The moments at which groups of fields were observed, and changed (pure).

use serde::{Deserialize, Serialize};

use super::attributes::AttributeClocks;
use crate::cloudinary::CloudinaryResource;
use crate::time::Timestamp;

/// When each group of fields was last observed: microseconds on Cloudinary's clock.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct AssetClocks {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alive: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gone: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<i64>,
    #[serde(flatten)]
    pub attributes: AttributeClocks,
    /// When groups were last changed, as far as anything told.
    #[serde(skip_serializing_if = "ChangeClocks::is_unknown")]
    pub changed: ChangeClocks,
}

impl AssetClocks {
    /// The newest moment that anything is known of this asset.
    pub fn newest(&self) -> Option<Timestamp> {
        self.alive
            .max(self.gone)
            .max(self.content)
            .map(Timestamp::from_micros)
    }
}

/// When groups of an asset were last changed in Cloudinary, as far as anything tells: microseconds
/// on its clock. An observation tells the state of an asset; only this tells since when. It decides
/// only which side wins when both changed the same value.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct ChangeClocks {
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

impl ChangeClocks {
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

    /// Tells whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn of_resource(resource: &CloudinaryResource) -> Self {
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

//! An asset: its name, its bytes, its descriptions, and its backups.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Content, DeliveryType, Id, ResourceType};
use crate::moment::Moment;

/// The scope of a public id's uniqueness, and the public id.
pub(crate) type Name = (ResourceType, DeliveryType, String);

/// One stored version of an asset's bytes, and the facts read from them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Media {
    pub(crate) version: i64,
    pub(crate) version_id: Id,
    pub(crate) content: Content,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) width: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) height: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) duration: Option<f64>,
    pub(crate) uploaded_at: Moment,
}

/// When each facet last changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LastUpdated {
    pub(crate) updated_at: Moment,
    pub(crate) tags: Option<Moment>,
    pub(crate) context: Option<Moment>,
    pub(crate) metadata: Option<Moment>,
    pub(crate) public_id: Option<Moment>,
    pub(crate) access_control: Option<Moment>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Asset {
    pub(crate) asset_id: Id,
    pub(crate) public_id: String,
    pub(crate) resource_type: ResourceType,
    pub(crate) delivery_type: DeliveryType,
    pub(crate) media: Media,
    pub(crate) created_at: Moment,
    /// Breaks ties of `created_at`: the order in which assets came into being.
    pub(crate) sequence: u64,
    pub(crate) last_updated: LastUpdated,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) context: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) metadata: Map<String, Value>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) asset_folder: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) display_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) original_filename: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) access_control: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) moderation_status: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deleted_at: Option<Moment>,
    /// Versions the backup holds, oldest first; empty when there is no backup.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) backups: Vec<Media>,
}

impl Asset {
    pub(crate) fn name(&self) -> Name {
        (
            self.resource_type,
            self.delivery_type,
            self.public_id.clone(),
        )
    }

    pub(crate) fn is_live(&self) -> bool {
        self.deleted_at.is_none()
    }

    /// Deleted, but restorable: still answers by name, with `placeholder: true`.
    pub(crate) fn is_placeholder(&self) -> bool {
        self.deleted_at.is_some() && !self.backups.is_empty()
    }

    /// The folder as the account's folder mode sees it.
    pub(crate) fn folder(&self, dynamic: bool) -> &str {
        if dynamic {
            &self.asset_folder
        } else {
            self.public_id
                .rsplit_once('/')
                .map_or("", |(folder, _)| folder)
        }
    }

    /// The last segment of the public id.
    pub(crate) fn filename(&self) -> &str {
        self.public_id.rsplit('/').next().unwrap_or(&self.public_id)
    }

    /// `active`, `pending`, `inactive` or `deleted`, as the search index knows it.
    pub(crate) fn status(&self) -> &'static str {
        match (self.deleted_at, self.moderation_status.as_deref()) {
            (Some(_), _) => "deleted",
            (None, Some("pending")) => "pending",
            (None, Some("rejected")) => "inactive",
            (None, _) => "active",
        }
    }
}

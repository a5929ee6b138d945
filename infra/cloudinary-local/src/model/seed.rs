//! Many assets at once, kept in the journal as their recipe.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::generated;
use super::scramble::scramble;
use super::{Asset, Content, DeliveryType, Id, LastUpdated, Media, ResourceType};
use crate::moment::Moment;

/// Everything that decides the seeded assets, so that the same recipe gives the same assets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SeedSpec {
    pub(crate) count: u64,
    pub(crate) resource_types: Vec<ResourceType>,
    #[serde(default)]
    pub(crate) delivery_type: DeliveryType,
    pub(crate) folder: String,
    pub(crate) tags: Vec<String>,
    pub(crate) prefix: String,
    /// Creation times are spread evenly over this many seconds before `at`.
    pub(crate) spread_seconds: u64,
    pub(crate) at: Moment,
    /// Sequence number of the first asset; its bytes follow from it too.
    pub(crate) first_sequence: u64,
    /// Mixed into asset ids, so that two accounts never share one.
    pub(crate) salt: u64,
    pub(crate) dynamic_folders: bool,
    pub(crate) backups: bool,
}

impl SeedSpec {
    pub(crate) fn assets(&self) -> impl Iterator<Item = Asset> + '_ {
        (0..self.count).map(|index| self.asset(index))
    }

    fn asset(&self, index: u64) -> Asset {
        let sequence = self.first_sequence + index;
        let seed = scramble(self.salt ^ sequence);
        let kinds = &self.resource_types;
        let kind = kinds[(index % kinds.len() as u64) as usize];
        let back = (self.count - index) * self.spread_seconds * 1_000_000 / self.count;
        let created_at = Moment(self.at.0 - i64::try_from(back).unwrap_or(0));
        let name = format!("{}{sequence:07}", self.prefix);
        let public_id = self.public_id(&name, kind);
        let dimensions = (kind != ResourceType::Raw).then_some(generated::SIZE);
        let media = Media {
            version: created_at.seconds(),
            version_id: Id(u128::from(seed) << 64 | u128::from(scramble(seed))),
            content: Content::Generated { kind, seed },
            format: generated::format(kind).map(str::to_owned),
            width: dimensions.map(|(width, _)| width),
            height: dimensions.map(|(_, height)| height),
            duration: (kind == ResourceType::Video).then_some(1.0),
            uploaded_at: created_at,
        };
        Asset {
            asset_id: Id(u128::from(scramble(!seed)) << 64 | u128::from(seed)),
            public_id,
            resource_type: kind,
            delivery_type: self.delivery_type,
            created_at,
            sequence,
            last_updated: LastUpdated {
                updated_at: created_at,
                ..LastUpdated::default()
            },
            tags: self.tags.clone(),
            context: BTreeMap::new(),
            metadata: serde_json::Map::new(),
            asset_folder: if self.dynamic_folders {
                self.folder.clone()
            } else {
                String::new()
            },
            display_name: if self.dynamic_folders {
                name.clone()
            } else {
                String::new()
            },
            original_filename: Some(name),
            access_control: None,
            moderation_status: None,
            deleted_at: None,
            backups: if self.backups {
                vec![media.clone()]
            } else {
                Vec::new()
            },
            media,
        }
    }

    fn public_id(&self, name: &str, kind: ResourceType) -> String {
        let extension = if kind == ResourceType::Raw {
            ".txt"
        } else {
            ""
        };
        if self.folder.is_empty() {
            format!("{name}{extension}")
        } else {
            format!("{}/{name}{extension}", self.folder)
        }
    }
}

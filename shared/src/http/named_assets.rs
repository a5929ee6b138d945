//! The assets that a request names, by public id or by asset id (pure).

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::asset::ResourceType;
use crate::parameter::ParameterError;

/// Assets by name, as a body holds them. The types narrow the meaning of the public ids.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NamedAssets {
    pub public_ids: Vec<String>,
    pub asset_ids: Vec<String>,
    pub resource_type: Option<ResourceType>,
    pub delivery_type: Option<String>,
}

/// One asset by name, as the database's functions take it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum NamedAsset {
    ByPublicId {
        public_id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        resource_type: Option<ResourceType>,
        #[serde(skip_serializing_if = "Option::is_none")]
        delivery_type: Option<String>,
    },
    ByAssetId {
        asset_id: String,
    },
}

impl NamedAssets {
    /// The number of assets that one request may name.
    pub const MOST: usize = 200;

    /// Characters of one name: more than Cloudinary takes for any, and few enough for an answer that
    /// repeats [`Self::MOST`] of them.
    pub const LONGEST: usize = 1_024;

    /// The items for the database, each asset once, in the order given. An asset id that cannot be
    /// one is an item like others, and fails alone.
    ///
    /// # Errors
    /// When nothing is named, or more than [`Self::MOST`], or longer than [`Self::LONGEST`], or a
    /// text that PostgreSQL cannot hold.
    pub fn into_items(self) -> Result<Vec<NamedAsset>, ParameterError> {
        let count = self.public_ids.len() + self.asset_ids.len();
        if count == 0 {
            let reason = "must name at least one asset, here or in `asset_ids`";
            return Err(ParameterError::new("public_ids", reason));
        }
        if count > Self::MOST {
            let reason = format!(
                "may name {} assets at most, together with `asset_ids`",
                Self::MOST
            );
            return Err(ParameterError::new("public_ids", reason));
        }
        for (field, texts) in [
            ("public_ids", self.public_ids.as_slice()),
            ("asset_ids", self.asset_ids.as_slice()),
            ("delivery_type", self.delivery_type.as_slice()),
        ] {
            let is_bad =
                |text: &String| text.contains('\0') || text.chars().count() > Self::LONGEST;
            if texts.iter().any(is_bad) {
                let reason = format!(
                    "must be text of at most {} characters, without NUL",
                    Self::LONGEST
                );
                return Err(ParameterError::new(field, reason));
            }
        }
        let by_name = self.public_ids.into_iter();
        let by_name = by_name.map(|public_id| NamedAsset::ByPublicId {
            public_id,
            resource_type: self.resource_type,
            delivery_type: self.delivery_type.clone(),
        });
        let by_id = self.asset_ids.into_iter();
        let by_id = by_id.map(|id| NamedAsset::ByAssetId {
            asset_id: id.to_ascii_lowercase(),
        });
        let mut seen = HashSet::new();
        Ok(by_name
            .chain(by_id)
            .filter(|item| seen.insert(item.clone()))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn names(public_ids: &[&str]) -> NamedAssets {
        NamedAssets {
            public_ids: public_ids.iter().map(|&id| id.to_owned()).collect(),
            ..NamedAssets::default()
        }
    }

    #[test]
    fn repeats_count_once_and_types_narrow_names_only() {
        let named = NamedAssets {
            asset_ids: vec!["AB".to_owned(), "ab".to_owned()],
            resource_type: Some(ResourceType::Raw),
            delivery_type: Some("private".to_owned()),
            ..names(&["a", "b, c", "a"])
        };
        let expected = json!([
            {"public_id": "a", "resource_type": "raw", "delivery_type": "private"},
            {"public_id": "b, c", "resource_type": "raw", "delivery_type": "private"},
            {"asset_id": "ab"},
        ]);
        assert_eq!(json!(named.into_items().unwrap()), expected);
    }

    #[test]
    fn nothing_too_much_too_long_and_nul_are_refused_by_name() {
        let many = vec!["a".to_owned(); NamedAssets::MOST + 1];
        let long = || "ä".repeat(NamedAssets::LONGEST + 1);
        let nul = || vec!["a\0".to_owned()];
        let cases = [
            (NamedAssets::default(), "public_ids"),
            (
                NamedAssets {
                    public_ids: many,
                    ..NamedAssets::default()
                },
                "public_ids",
            ),
            (
                NamedAssets {
                    asset_ids: nul(),
                    ..names(&["a"])
                },
                "asset_ids",
            ),
            (
                NamedAssets {
                    delivery_type: nul().pop(),
                    ..names(&["a"])
                },
                "delivery_type",
            ),
            (names(&["a\0"]), "public_ids"),
            (names(&["a", &long()]), "public_ids"),
            (
                NamedAssets {
                    asset_ids: vec![long()],
                    ..NamedAssets::default()
                },
                "asset_ids",
            ),
            (
                NamedAssets {
                    delivery_type: Some(long()),
                    ..names(&["a"])
                },
                "delivery_type",
            ),
        ];
        for (named, field) in cases {
            assert_eq!(named.into_items().unwrap_err().name, field);
        }
        assert!(
            names(&[&"ä".repeat(NamedAssets::LONGEST)])
                .into_items()
                .is_ok()
        );
    }

    proptest! {
        #[test]
        fn every_name_arrives_as_it_was_given(ids in prop::collection::hash_set("[^\0]{0,12}", 1..9)) {
            let named = NamedAssets { public_ids: ids.iter().cloned().collect(), ..NamedAssets::default() };
            let name = |item| match item {
                NamedAsset::ByPublicId { public_id, .. } => Some(public_id),
                NamedAsset::ByAssetId { .. } => None,
            };
            let back: HashSet<String> =
                named.into_items().unwrap().into_iter().filter_map(name).collect();
            prop_assert_eq!(back, ids);
        }
    }
}

//! One asset as Cloudinary writes it in listings, single reads, search results and upload answers.
//!
//! Nothing here fails on a field. An absent, null or unexpected one is `None`, because one odd
//! asset must not stop a page of five hundred.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::asset::{AssetId, ResourceType};
use crate::time::Timestamp;

/// The flags of the members that listings and looks leave out unless they are asked for.
pub const ON_REQUEST: [&str; 4] = ["tags", "context", "metadata", "moderations"];

/// An asset on the wire. The fields depend on the call: `tags`, `context` and `metadata` in
/// particular are missing where they were not asked for, so `None` never means "has none".
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct CloudinaryResource {
    #[serde(deserialize_with = "parsed")]
    pub asset_id: Option<AssetId>,
    #[serde(deserialize_with = "text")]
    pub public_id: Option<String>,
    #[serde(deserialize_with = "parsed")]
    pub resource_type: Option<ResourceType>,
    #[serde(rename = "type", deserialize_with = "text")]
    pub delivery_type: Option<String>,
    /// Unix seconds; it may move without an upload.
    #[serde(deserialize_with = "integer")]
    pub version: Option<i64>,
    #[serde(deserialize_with = "text")]
    pub version_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub signature: Option<String>,
    /// MD5 of the stored bytes.
    #[serde(deserialize_with = "text")]
    pub etag: Option<String>,
    /// Absent for raw assets.
    #[serde(deserialize_with = "text")]
    pub format: Option<String>,
    #[serde(deserialize_with = "integer")]
    pub bytes: Option<i64>,
    #[serde(deserialize_with = "integer")]
    pub width: Option<i64>,
    #[serde(deserialize_with = "integer")]
    pub height: Option<i64>,
    /// Seconds.
    #[serde(deserialize_with = "number")]
    pub duration: Option<f64>,
    #[serde(deserialize_with = "moment")]
    pub created_at: Option<Timestamp>,
    #[serde(deserialize_with = "moment")]
    pub uploaded_at: Option<Timestamp>,
    #[serde(deserialize_with = "text")]
    pub original_filename: Option<String>,
    /// Search results only.
    #[serde(deserialize_with = "text")]
    pub filename: Option<String>,
    /// Dynamic folder mode only.
    #[serde(deserialize_with = "text")]
    pub display_name: Option<String>,
    /// Dynamic folder mode only; see [`CloudinaryResource::folder_path`].
    #[serde(deserialize_with = "text")]
    pub asset_folder: Option<String>,
    /// Fixed folder mode only; see [`CloudinaryResource::folder_path`].
    #[serde(deserialize_with = "text")]
    pub folder: Option<String>,
    #[serde(deserialize_with = "tags")]
    pub tags: Option<Vec<String>>,
    #[serde(deserialize_with = "context")]
    pub context: Option<BTreeMap<String, String>>,
    #[serde(deserialize_with = "object")]
    pub metadata: Option<Map<String, Value>>,
    #[serde(deserialize_with = "text")]
    pub url: Option<String>,
    #[serde(deserialize_with = "text")]
    pub secure_url: Option<String>,
    #[serde(deserialize_with = "text")]
    pub access_mode: Option<String>,
    #[serde(deserialize_with = "present")]
    pub access_control: Option<Value>,
    /// The one status of all moderations that stands most in the way of showing the asset.
    #[serde(deserialize_with = "moderation")]
    pub moderation: Option<String>,
    /// `active`, `inactive`, `deleted` or `pending`; search results only.
    #[serde(deserialize_with = "text")]
    pub status: Option<String>,
    /// The content is gone (deleted with a backup) or not there yet.
    #[serde(deserialize_with = "flag")]
    pub placeholder: Option<bool>,
    #[serde(deserialize_with = "flag")]
    pub backup: Option<bool>,
    /// An upload with `overwrite=false` met an asset and changed nothing.
    #[serde(deserialize_with = "flag")]
    pub existing: Option<bool>,
    #[serde(deserialize_with = "flag")]
    pub overwritten: Option<bool>,
    #[serde(deserialize_with = "last_updated")]
    pub last_updated: Option<LastUpdated>,
    /// The answer holds a text of it that is none: see [`crate::garbled_json`].
    #[serde(rename = "media_sync_garbled", deserialize_with = "flag")]
    pub garbled: Option<bool>,
}

/// When each facet of an asset last changed: the only clock per facet, and not in every answer.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct LastUpdated {
    #[serde(deserialize_with = "moment")]
    pub updated_at: Option<Timestamp>,
    #[serde(deserialize_with = "moment")]
    pub tags_updated_at: Option<Timestamp>,
    #[serde(deserialize_with = "moment")]
    pub context_updated_at: Option<Timestamp>,
    #[serde(deserialize_with = "moment")]
    pub metadata_updated_at: Option<Timestamp>,
    #[serde(deserialize_with = "moment")]
    pub public_id_updated_at: Option<Timestamp>,
    #[serde(deserialize_with = "moment")]
    pub access_control_updated_at: Option<Timestamp>,
}

impl CloudinaryResource {
    /// The record of an asset whose content is gone or has not arrived.
    pub fn is_placeholder(&self) -> bool {
        self.placeholder == Some(true)
    }

    /// The folder by whichever name the account's folder mode gives it.
    pub fn folder_path(&self) -> Option<&str> {
        self.asset_folder.as_deref().or(self.folder.as_deref())
    }
}

fn value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    Value::deserialize(deserializer)
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(scalar_text(value(deserializer)?))
}

fn scalar_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn parsed<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr,
{
    Ok(value(deserializer)?
        .as_str()
        .and_then(|text| text.parse().ok()))
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Ok(match value(deserializer)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
    .filter(|number: &f64| number.is_finite()))
}

fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(match value(deserializer)? {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)),
        Value::String(text) => text.parse().ok(),
        _ => None,
    })
}

fn whole(number: f64) -> Option<i64> {
    // Up to 2^53 every whole number has a float of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    // whole and within 2^53
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(value(deserializer)?.as_bool())
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(value(deserializer)?
        .as_str()
        .and_then(|text| Timestamp::parse(text).ok()))
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Ok(Some(value(deserializer)?).filter(|value| !value.is_null()))
}

fn object<'de, D>(deserializer: D) -> Result<Option<Map<String, Value>>, D::Error>
where
    D: Deserializer<'de>,
{
    Ok(match value(deserializer)? {
        Value::Object(map) => Some(map),
        _ => None,
    })
}

fn tags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    Ok(match value(deserializer)? {
        Value::Array(items) => Some(items.into_iter().filter_map(scalar_text).collect()),
        _ => None,
    })
}

/// From the least to the most that stands in the way of showing an asset.
const MODERATION_STATUSES: [&str; 5] = ["approved", "queued", "pending", "aborted", "rejected"];

/// `[{"kind": "manual", "status": "pending"}, …]`: an asset is as good as its worst status. A status
/// that is not known is worse than all others.
fn moderation<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Value::Array(moderations) = value(deserializer)? else {
        return Ok(None);
    };
    let statuses = moderations
        .into_iter()
        .filter_map(|mut moderation| scalar_text(moderation.get_mut("status")?.take()));
    Ok(statuses.max_by_key(|status| {
        let known = MODERATION_STATUSES.iter().position(|known| known == status);
        known.unwrap_or(MODERATION_STATUSES.len())
    }))
}

/// Listings and single reads give `{"custom": {...}}`, search results the flat map.
fn context<'de, D>(deserializer: D) -> Result<Option<BTreeMap<String, String>>, D::Error>
where
    D: Deserializer<'de>,
{
    let Value::Object(mut map) = value(deserializer)? else {
        return Ok(None);
    };
    if let Some(Value::Object(custom)) = map.get_mut("custom") {
        map = std::mem::take(custom);
    }
    Ok(Some(
        map.into_iter()
            .filter_map(|(key, value)| Some((key, scalar_text(value)?)))
            .collect(),
    ))
}

fn last_updated<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<LastUpdated>, D::Error> {
    let value = value(deserializer)?;
    Ok(value
        .is_object()
        .then(|| LastUpdated::deserialize(value).ok())
        .flatten())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(value: Value) -> CloudinaryResource {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn upload_answer_is_read_whole() {
        let resource = read(json!({
            "asset_id": "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "public_id": "shop/mug", "version": 1_767_225_600,
            "version_id": "5f0e1d2c3b4a59687766554433221100", "width": 800, "height": 600, "format": "jpg",
            "resource_type": "image", "created_at": "2026-01-01T00:00:00Z", "tags": ["mug"], "bytes": 123_456,
            "type": "upload", "etag": "d41d8cd98f00b204e9800998ecf8427e", "placeholder": false,
            "asset_folder": "shop", "display_name": "mug", "original_filename": "mug", "overwritten": true,
            "context": {"custom": {"alt": "A mug"}}, "metadata": {"sku": "M-1", "stock": 4},
            "eager": [{"width": 100}], "api_key": "614"
        }));
        assert_eq!(
            resource.asset_id.unwrap().as_str(),
            "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
        );
        assert_eq!(resource.resource_type, Some(ResourceType::Image));
        assert_eq!(resource.delivery_type.as_deref(), Some("upload"));
        assert_eq!(resource.version, Some(1_767_225_600));
        assert_eq!(
            resource.created_at,
            Some(Timestamp::from_secs(1_767_225_600))
        );
        assert_eq!(resource.context.unwrap()["alt"], "A mug");
        assert_eq!(resource.metadata.unwrap()["stock"], 4);
        assert_eq!(resource.overwritten, Some(true));
    }

    #[test]
    fn absent_and_null_are_told_from_empty() {
        let bare = read(json!({"public_id": "a", "tags": null}));
        assert_eq!((bare.tags, bare.context, bare.metadata), (None, None, None));
        let empty = read(json!({"tags": [], "context": {}, "metadata": {}}));
        assert_eq!(empty.tags, Some(vec![]));
        assert_eq!(empty.context, Some(BTreeMap::new()));
        assert_eq!(empty.metadata, Some(Map::new()));
    }

    #[test]
    fn flat_context_of_search_results_is_read_even_with_a_key_named_custom() {
        let flat = read(json!({"context": {"alt": "x", "custom": "y"}}))
            .context
            .unwrap();
        assert_eq!((flat["alt"].as_str(), flat["custom"].as_str()), ("x", "y"));
    }

    #[test]
    fn numbers_may_be_texts_and_whole_floats() {
        let resource =
            read(json!({"version": "1767225600", "bytes": 12.0, "width": 1.5, "duration": "2.5"}));
        assert_eq!(resource.version, Some(1_767_225_600));
        assert_eq!(resource.bytes, Some(12));
        assert_eq!(resource.width, None);
        assert_eq!(resource.duration, Some(2.5));
    }

    #[test]
    fn either_folder_mode_names_the_folder() {
        assert_eq!(read(json!({"folder": "a"})).folder_path(), Some("a"));
        assert_eq!(read(json!({"asset_folder": "b"})).folder_path(), Some("b"));
        assert_eq!(read(json!({"asset_folder": ""})).folder_path(), Some(""));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(
                    prop_oneof![Just("custom".to_owned()), "[a-z]{1,4}"],
                    inner,
                    0..4
                )
                .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    const FIELDS: [&str; 16] = [
        "asset_id",
        "public_id",
        "resource_type",
        "type",
        "version",
        "bytes",
        "width",
        "duration",
        "created_at",
        "tags",
        "context",
        "metadata",
        "placeholder",
        "access_control",
        "last_updated",
        "else",
    ];

    proptest! {
        #[test]
        fn any_object_is_read(values in prop::collection::vec(any_json(), FIELDS.len())) {
            let map: Map<String, Value> =
                FIELDS.iter().map(|field| (*field).to_owned()).zip(values).collect();
            prop_assert!(serde_json::from_value::<CloudinaryResource>(Value::Object(map)).is_ok());
        }
    }
}

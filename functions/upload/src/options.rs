//! The options beside an upload that a function carries out (pure).

use std::collections::BTreeMap;

use media_sync::asset::ResourceType;
use media_sync::parameter::ParameterError;
use media_sync::upload::proof::PROOF_KEY;
use media_sync::value_rules::{
    CONTEXT_VALUE, DISPLAY_NAME, MOST_TAGS, PAIR_KEY, PAIRS_SIZE, TAG, TAGS_SIZE,
};
use serde::{Deserialize, Deserializer};
use serde_json::json;

/// Options of an upload that a function carries out.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct UploadOptions {
    pub(crate) public_id: Option<String>,
    pub(crate) folder: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) context: BTreeMap<String, String>,
    #[serde(deserialize_with = "resource_type")]
    pub(crate) resource_type: Option<ResourceType>,
}

/// The names of the values that [`UploadOptions`] holds.
pub(crate) const OPTIONS: [&str; 6] = [
    "public_id",
    "folder",
    "display_name",
    "tags",
    "context",
    "resource_type",
];

impl UploadOptions {
    /// Checks the values that go into the row before Cloudinary has seen the file.
    ///
    /// # Errors
    /// Naming the field that cannot be used.
    pub(crate) fn check(&self) -> Result<(), ParameterError> {
        let refuse = |name: &str, reason: &str| Err(ParameterError::new(name, reason));
        if self.tags.len() > MOST_TAGS {
            let reason = format!("may be {MOST_TAGS} at most");
            return Err(ParameterError::new("tags", reason));
        }
        let fault = self.tags.iter().find_map(|tag| TAG.fault_of(tag));
        if let Some(fault) = fault.or_else(|| TAGS_SIZE.fault_of(&json!(self.tags))) {
            return refuse("tags", fault);
        }
        let name = self.display_name.as_deref();
        if let Some(fault) = name.and_then(|name| DISPLAY_NAME.fault_of(name)) {
            return refuse("display_name", fault);
        }
        let fault_of_pair = |(key, value): (&String, &String)| match value.as_str() {
            "" => Some("must not have empty values"),
            _ if key == PROOF_KEY => Some("has a key of the mirror's own"),
            value => PAIR_KEY
                .fault_of(key)
                .or_else(|| CONTEXT_VALUE.fault_of(value)),
        };
        let fault = self.context.iter().find_map(fault_of_pair);
        if let Some(fault) = fault.or_else(|| PAIRS_SIZE.fault_of(&json!(self.context))) {
            return refuse("context", fault);
        }
        Ok(())
    }
}

/// A field that no upload has.
pub(crate) fn unknown_field(name: &str) -> ParameterError {
    let shown: String = name.chars().take(64).collect();
    let reason = format!("is not a field here; there are {}", OPTIONS.join(", "));
    ParameterError::new(shown, reason)
}

/// Reads a kind of asset; `None` for `auto`, Cloudinary's word when its own look decides.
///
/// # Errors
/// When it is neither.
pub(crate) fn parse_resource_type(text: &str) -> Result<Option<ResourceType>, ParameterError> {
    if text == "auto" {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|_| ParameterError::new("resource_type", "must be image, video, raw or auto"))
}

/// The same within a body.
///
/// # Errors
/// When it is no kind of asset.
pub(crate) fn resource_type<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<ResourceType>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map_or(Ok(None), |text| parse_resource_type(&text))
        .map_err(serde::de::Error::custom)
}

//! Reading tags, context, metadata and the rest from parameters into an asset.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::model::{Asset, Change, MetadataField};
use crate::moment::Moment;
use crate::params::Params;
use crate::store::{State, Transaction};

/// The bounds of tags: <https://cloudinary.com/documentation/tags>. Its words for what exceeds them are not known.
const TAGS_AT_MOST: usize = 1000;
const TAG_LENGTH_AT_MOST: usize = 255;

/// Replaces or merges the named values; others stay. Times of the facets that changed are set to
/// `now`.
pub(crate) fn apply(
    asset: &mut Asset,
    params: &Params,
    state: &State,
    merge_context: bool,
    now: Moment,
) -> Result<(), ApiError> {
    let before = asset.clone();
    if let Some(tags) = params.list("tags") {
        asset.tags = deduplicated(tags);
        check_tags(&before.tags, &asset.tags)?;
    }
    if let Some(pairs) = params.pairs("context") {
        if !merge_context {
            asset.context.clear();
        }
        merge_pairs(&mut asset.context, pairs);
    }
    if let Some(pairs) = params.pairs("metadata") {
        merge_metadata(&mut asset.metadata, pairs, state)?;
    }
    if state.settings.dynamic_folders() {
        if let Some(folder) = params.text("asset_folder") {
            asset.asset_folder = folder.trim_matches('/').to_owned();
        }
        if let Some(name) = params.filled("display_name") {
            name.clone_into(&mut asset.display_name);
        }
    }
    if params.has("access_control") {
        asset.access_control = access_control(params)?;
    }
    if let Some(status) = params.filled("moderation_status") {
        if !["approved", "rejected", "pending"].contains(&status) {
            return Err(ApiError::invalid("moderation_status"));
        }
        asset.moderation_status = Some(status.to_owned());
    }
    stamp(&before, asset, now);
    Ok(())
}

fn access_control(params: &Params) -> Result<Option<Value>, ApiError> {
    if params.text("access_control") == Some("") {
        return Ok(None);
    }
    let value = params
        .json("access_control")
        .ok_or_else(|| ApiError::invalid("access_control"))?;
    Ok(match value {
        Value::Array(rules) if rules.is_empty() => None,
        Value::Object(rule) => Some(Value::Array(vec![Value::Object(rule)])),
        rules => Some(rules),
    })
}

/// Sets the times of the facets in which `after` differs from `before`.
pub(crate) fn stamp(before: &Asset, after: &mut Asset, now: Moment) {
    let times = &mut after.last_updated;
    if before.tags != after.tags {
        times.tags = Some(now);
    }
    if before.context != after.context {
        times.context = Some(now);
    }
    if before.metadata != after.metadata {
        times.metadata = Some(now);
    }
    if before.access_control != after.access_control {
        times.access_control = Some(now);
    }
    if (&before.public_id, before.delivery_type) != (&after.public_id, after.delivery_type) {
        times.public_id = Some(now);
    }
    if *before != *after {
        after.last_updated.updated_at = now;
    }
}

pub(crate) fn deduplicated(tags: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    tags.into_iter()
        .filter(|tag| seen.insert(tag.clone()))
        .collect()
}

/// Refuses tags that are too long, or too many for one asset. Those that it has already may stay.
pub(crate) fn check_tags(before: &[String], after: &[String]) -> Result<(), ApiError> {
    let is_too_long =
        |tag: &String| tag.chars().count() > TAG_LENGTH_AT_MOST && !before.contains(tag);
    let are_too_many = after.len() > TAGS_AT_MOST.max(before.len());
    if are_too_many || after.iter().any(is_too_long) {
        return Err(ApiError::invalid("tags"));
    }
    Ok(())
}

/// Adds the asset's values to the lists of fields with `allow_dynamic_list_values`.
pub(crate) fn grow_lists(transaction: &mut Transaction<'_>, asset: &Asset) {
    let fields = &transaction.state().metadata_fields;
    for (key, value) in &asset.metadata {
        if let Some(grown) = fields.get(key).and_then(|field| field.grown_by(value)) {
            transaction.record(Change::MetadataField(grown));
        }
    }
}

/// An empty value deletes its key.
pub(crate) fn merge_pairs(context: &mut BTreeMap<String, String>, pairs: Vec<(String, String)>) {
    for (key, value) in pairs {
        if value.is_empty() {
            context.remove(&key);
        } else {
            context.insert(key, value);
        }
    }
}

/// An empty value deletes its field's value, unless the field needs one.
pub(crate) fn merge_metadata(
    metadata: &mut Map<String, Value>,
    pairs: Vec<(String, String)>,
    state: &State,
) -> Result<(), ApiError> {
    for (key, text) in pairs {
        let field = state.metadata_fields.get(&key);
        if field.is_none() && !state.settings.any_metadata_field {
            // Cloudinary's words, which name neither the field nor the value.
            return Err(ApiError::bad_request("Invalid value  for parameter kind"));
        }
        if !text.is_empty() {
            metadata.insert(key.clone(), typed(&key, &text, field)?);
        } else if field.is_some_and(|field| field.mandatory) {
            return Err(is_mandatory(&key));
        } else {
            metadata.remove(&key);
        }
    }
    Ok(())
}

/// A value as its field's type has it; without a field, as text or a list.
fn typed(key: &str, text: &str, field: Option<&MetadataField>) -> Result<Value, ApiError> {
    let Some(field) = field else {
        let list = serde_json::from_str::<Vec<Value>>(text);
        return Ok(list.map_or_else(|_| Value::from(text), Value::from));
    };
    let refused = || ApiError::bad_request(format!("Value {text} is invalid for field: {key}"));
    field.read(text).ok_or_else(refused)
}

fn is_mandatory(key: &str) -> ApiError {
    ApiError::bad_request(format!("Metadata field {key} is mandatory"))
}

/// Fills in the defaults of an upload, and refuses it without a value that is required.
pub(crate) fn complete_metadata(asset: &mut Asset, state: &State) -> Result<(), ApiError> {
    for (key, field) in &state.metadata_fields {
        if asset.metadata.contains_key(key) {
            continue;
        }
        if let Some(value) = field.default_for_upload() {
            asset.metadata.insert(key.clone(), value.clone());
        } else if field.mandatory {
            return Err(is_mandatory(key));
        }
    }
    Ok(())
}

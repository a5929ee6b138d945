//! Reading tags, context, metadata and the rest from parameters into an asset.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::model::Asset;
use crate::moment::Moment;
use crate::params::Params;
use crate::settings::ServerSettings;

/// Replaces or merges the named values; others stay. Times of the facets that changed are set to
/// `now`.
pub(crate) fn apply(
    asset: &mut Asset,
    params: &Params,
    settings: &ServerSettings,
    merge_context: bool,
    now: Moment,
) -> Result<(), ApiError> {
    let before = asset.clone();
    if let Some(tags) = params.list("tags") {
        asset.tags = deduplicated(tags);
    }
    if let Some(pairs) = params.pairs("context") {
        if !merge_context {
            asset.context.clear();
        }
        merge_pairs(&mut asset.context, pairs);
    }
    if let Some(pairs) = params.pairs("metadata") {
        merge_metadata(&mut asset.metadata, pairs, settings)?;
    }
    if settings.dynamic_folders() {
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

pub(crate) fn merge_metadata(
    metadata: &mut Map<String, Value>,
    pairs: Vec<(String, String)>,
    settings: &ServerSettings,
) -> Result<(), ApiError> {
    for (key, text) in pairs {
        if text.is_empty() {
            metadata.remove(&key);
        } else {
            let value = typed(&key, text, settings)?;
            metadata.insert(key, value);
        }
    }
    Ok(())
}

/// Structured metadata has types, once fields are defined; before, everything is text or a list.
fn typed(key: &str, text: String, settings: &ServerSettings) -> Result<Value, ApiError> {
    let list = || {
        serde_json::from_str::<Vec<Value>>(&text)
            .ok()
            .map(Value::Array)
    };
    if settings.metadata_fields.is_empty() {
        return Ok(list().unwrap_or(Value::String(text)));
    }
    let refuse =
        |text: &str| ApiError::bad_request(format!("Value {text} is invalid for field: {key}"));
    match settings.metadata_fields.get(key).map(String::as_str) {
        None => Err(ApiError::bad_request(format!(
            "Metadata field with external id {key} does not exist"
        ))),
        Some("integer") => text
            .trim()
            .parse::<i64>()
            .map(Value::from)
            .map_err(|_| refuse(&text)),
        Some("set") => list().ok_or_else(|| refuse(&text)),
        Some("date") if Moment::parse(&text).is_none() => Err(refuse(&text)),
        Some(_) => Ok(Value::String(text)),
    }
}

//! Tags, context and metadata of up to a thousand assets in one call.

use std::sync::Arc;

use serde_json::{Value, json};

use super::edit;
use crate::app::App;
use crate::error::ApiError;
use crate::model::{Asset, ResourceType};
use crate::notify::events;
use crate::params::Params;
use crate::store::{Actor, Transaction};

/// Ids beyond this are silently left out, as are unknown ones.
const IDS_AT_MOST: usize = 1000;

/// The number of tags times the number of ids, by Cloudinary's own description of the call (npm
/// `@cloudinary/asset-management-mcp` 0.11.0). Its words for more are not known.
const TAGS_TIMES_IDS_AT_MOST: usize = 10_000;

pub(crate) fn edit_tags(
    app: &App,
    actor: &Actor,
    kind: ResourceType,
    params: &Params,
) -> Result<Value, ApiError> {
    let command = params.required("command")?;
    let tags = params
        .list("tag")
        .or_else(|| params.list("tags"))
        .unwrap_or_default();
    if command != "remove_all" && tags.is_empty() {
        return Err(ApiError::missing("tag"));
    }
    let ids = params.ids("public_ids").unwrap_or_default();
    if command != "remove_all" && tags.len() * ids.len() > TAGS_TIMES_IDS_AT_MOST {
        let message =
            format!("Too many tags for so many public_ids: {TAGS_TIMES_IDS_AT_MOST} at most");
        return Err(ApiError::bad_request(message));
    }
    app.store.commit(actor, |transaction| {
        if command == "set_exclusive" {
            return set_exclusive(transaction, kind, params, &tags);
        }
        edit_each(transaction, kind, params, |asset, _| {
            let before = asset.tags.clone();
            match command {
                "add" => {
                    asset.tags.extend(tags.iter().cloned());
                    asset.tags = edit::deduplicated(std::mem::take(&mut asset.tags));
                }
                "remove" => asset.tags.retain(|tag| !tags.contains(tag)),
                "replace" => asset.tags = edit::deduplicated(tags.clone()),
                "remove_all" => asset.tags.clear(),
                _ => return Err(ApiError::invalid("command")),
            }
            edit::check_tags(&before, &asset.tags)
        })
    })
}

/// The named assets, and no others, carry the tags.
fn set_exclusive(
    transaction: &mut Transaction<'_>,
    kind: ResourceType,
    params: &Params,
    tags: &[String],
) -> Result<Value, ApiError> {
    let ids = params.ids("public_ids").unwrap_or_default();
    let delivery = params.delivery_type("type")?;
    let tagged = |asset: &&Arc<Asset>| {
        asset.is_live()
            && (asset.resource_type, asset.delivery_type) == (kind, delivery)
            && (ids.contains(&asset.public_id) || asset.tags.iter().any(|tag| tags.contains(tag)))
    };
    let touched: Vec<_> = transaction
        .state()
        .assets
        .values()
        .filter(tagged)
        .cloned()
        .collect();
    let changed = edit_assets(transaction, touched, |asset, _| {
        asset.tags.retain(|tag| !tags.contains(tag));
        if ids.contains(&asset.public_id) {
            asset.tags.extend(tags.iter().cloned());
        }
        Ok(())
    })?;
    Ok(json!({"public_ids": changed}))
}

pub(crate) fn edit_context(
    app: &App,
    actor: &Actor,
    kind: ResourceType,
    params: &Params,
) -> Result<Value, ApiError> {
    let command = params.required("command")?;
    app.store.commit(actor, |transaction| {
        edit_each(transaction, kind, params, |asset, _| {
            match command {
                "add" => {
                    let pairs = params
                        .pairs("context")
                        .ok_or_else(|| ApiError::missing("context"))?;
                    edit::merge_pairs(&mut asset.context, pairs);
                }
                "remove_all" => asset.context.clear(),
                _ => return Err(ApiError::invalid("command")),
            }
            Ok(())
        })
    })
}

pub(crate) fn edit_metadata(
    app: &App,
    actor: &Actor,
    kind: ResourceType,
    params: &Params,
) -> Result<Value, ApiError> {
    let pairs = params
        .pairs("metadata")
        .ok_or_else(|| ApiError::missing("metadata"))?;
    app.store.commit(actor, |transaction| {
        edit_each(transaction, kind, params, |asset, transaction| {
            edit::merge_metadata(&mut asset.metadata, pairs.clone(), transaction.state())
        })
    })
}

fn edit_each(
    transaction: &mut Transaction<'_>,
    kind: ResourceType,
    params: &Params,
    change: impl Fn(&mut Asset, &Transaction<'_>) -> Result<(), ApiError>,
) -> Result<Value, ApiError> {
    let ids = params
        .ids("public_ids")
        .ok_or_else(|| ApiError::missing("public_ids"))?;
    let delivery = params.delivery_type("type")?;
    let assets = ids
        .into_iter()
        .take(IDS_AT_MOST)
        .filter_map(|id| transaction.live_by_name(&(kind, delivery, id)).cloned())
        .collect();
    let changed = edit_assets(transaction, assets, change)?;
    Ok(json!({"public_ids": changed}))
}

/// Puts the differing values and announces them; answers the public ids it was applied to.
fn edit_assets(
    transaction: &mut Transaction<'_>,
    assets: Vec<Arc<Asset>>,
    change: impl Fn(&mut Asset, &Transaction<'_>) -> Result<(), ApiError>,
) -> Result<Vec<String>, ApiError> {
    let mut applied = Vec::with_capacity(assets.len());
    let mut edited = Vec::new();
    for before in assets {
        let mut after = Asset::clone(&before);
        change(&mut after, transaction)?;
        edit::stamp(&before, &mut after, transaction.now());
        applied.push(after.public_id.clone());
        if after != *before {
            edit::grow_lists(transaction, &after);
            let after = transaction.put(after);
            edited.push((before, after));
        }
    }
    events::changes(transaction, &edited);
    Ok(applied)
}

//! Deleting many: by public ids, prefix, tag, all of a type, or asset ids.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::listing::at_most_100;
use crate::api;
use crate::app::App;
use crate::error::ApiError;
use crate::model::{Asset, Change, DeliveryType, Id, ResourceType};
use crate::params::Params;
use crate::settings::DeletedKey;
use crate::store::{Actor, Transaction};

/// The number of assets that one call by prefix, tag or type deletes before it answers `partial`.
const CHUNK: usize = 1000;

pub(crate) fn delete_many(
    app: &App,
    actor: &Actor,
    kind: ResourceType,
    delivery: DeliveryType,
    params: &Params,
) -> Result<Value, ApiError> {
    let ids = params.ids("public_ids");
    let prefix = params.filled("prefix");
    let all = params.is_set("all");
    if usize::from(ids.is_some()) + usize::from(prefix.is_some()) + usize::from(all) != 1 {
        return Err(ApiError::bad_request(
            "Exactly one of public_ids, prefix or all is required",
        ));
    }
    if let Some(ids) = ids {
        at_most_100(&ids, "public_ids")?;
        return app.store.commit(actor, |transaction| {
            let find = |id: String| {
                let found = transaction
                    .live_by_name(&(kind, delivery, id.clone()))
                    .cloned();
                (id, found)
            };
            let found = ids.into_iter().map(find).collect();
            Ok(delete_found(transaction, found, params, None))
        });
    }
    delete_matching(app, actor, params, |asset| {
        (asset.resource_type, asset.delivery_type) == (kind, delivery)
            && prefix.is_none_or(|prefix| asset.public_id.starts_with(prefix))
    })
}

pub(crate) fn delete_by_tag(
    app: &App,
    actor: &Actor,
    kind: ResourceType,
    tag: &str,
    params: &Params,
) -> Result<Value, ApiError> {
    delete_matching(app, actor, params, |asset| {
        asset.resource_type == kind && asset.tags.iter().any(|own| own == tag)
    })
}

pub(crate) fn delete_by_asset_ids(
    app: &App,
    actor: &Actor,
    params: &Params,
) -> Result<Value, ApiError> {
    let ids = params
        .ids("asset_ids")
        .ok_or_else(|| ApiError::missing("asset_ids"))?;
    at_most_100(&ids, "asset_ids")?;
    app.store.commit(actor, |transaction| {
        let key = transaction.settings().delete_by_asset_ids_key;
        let find = |id: String| {
            let found = id
                .parse::<Id>()
                .ok()
                .and_then(|id| transaction.state().live(id))
                .cloned();
            match (&found, key) {
                (Some(asset), DeletedKey::PublicId) => (asset.public_id.clone(), found),
                _ => (id, found),
            }
        };
        let found = ids.into_iter().map(find).collect();
        Ok(delete_found(transaction, found, params, None))
    })
}

fn delete_matching(
    app: &App,
    actor: &Actor,
    params: &Params,
    matches: impl Fn(&Asset) -> bool,
) -> Result<Value, ApiError> {
    app.store.commit(actor, |transaction| {
        // Oldest first, so that a repeated call goes on where this one stopped.
        let mut matching: BTreeMap<_, Arc<Asset>> = BTreeMap::new();
        for asset in transaction
            .state()
            .assets
            .values()
            .filter(|asset| asset.is_live() && matches(asset))
        {
            matching.insert((asset.created_at, asset.sequence), Arc::clone(asset));
        }
        let next = matching.len().checked_sub(CHUNK + 1).map(|_| Id::random());
        let found = matching
            .into_values()
            .take(CHUNK)
            .map(|asset| (asset.public_id.clone(), Some(asset)))
            .collect();
        Ok(delete_found(transaction, found, params, next))
    })
}

fn delete_found(
    transaction: &mut Transaction<'_>,
    found: Vec<(String, Option<Arc<Asset>>)>,
    params: &Params,
    next: Option<Id>,
) -> Value {
    let (mut deleted, mut counts) = (Map::new(), Map::new());
    for (key, asset) in &found {
        let outcome = if asset.is_some() {
            "deleted"
        } else {
            "not_found"
        };
        deleted.insert(key.clone(), json!(outcome));
        let original = u8::from(asset.is_some() && !params.is_set("keep_original"));
        counts.insert(key.clone(), json!({"original": original, "derived": 0}));
    }
    if !params.is_set("keep_original") {
        let assets = found.into_iter().filter_map(|(_, asset)| asset).collect();
        api::delete_all(transaction, "delete", assets);
    }
    let mut answer = Map::new();
    answer.insert("deleted".into(), Value::Object(deleted));
    answer.insert("deleted_counts".into(), Value::Object(counts));
    answer.insert("partial".into(), json!(next.is_some()));
    if let Some(next) = next {
        answer.insert("next_cursor".into(), json!(next));
    }
    Value::Object(answer)
}

/// Drops backed-up versions; a deleted asset without any is gone for good.
pub(crate) fn delete_backup(
    app: &App,
    actor: &Actor,
    asset_id: Id,
    params: &Params,
) -> Result<Value, ApiError> {
    let ids = params
        .ids("version_ids")
        .ok_or_else(|| ApiError::missing("version_ids"))?;
    app.store.commit(actor, |transaction| {
        let missing = || ApiError::not_found(&asset_id.to_string());
        let before = transaction
            .state()
            .assets
            .get(&asset_id)
            .ok_or_else(missing)?;
        let mut after = Asset::clone(before);
        let held: Vec<String> = after
            .backups
            .iter()
            .map(|media| media.version_id.to_string())
            .collect();
        after
            .backups
            .retain(|media| !ids.contains(&media.version_id.to_string()));
        let deleted: Vec<&String> = ids.iter().filter(|id| held.contains(id)).collect();
        let answer = json!({"asset_id": asset_id, "deleted_version_ids": deleted});
        if after.backups.is_empty() && !after.is_live() {
            transaction.record(Change::Forget { asset_id });
        } else {
            transaction.put(after);
        }
        Ok(answer)
    })
}

/// Derived pictures are made again whenever they are asked for, so there is nothing to delete.
pub(crate) fn delete_derived(params: &Params) -> Result<Value, ApiError> {
    let ids = params
        .ids("derived_resource_ids")
        .ok_or_else(|| ApiError::missing("derived_resource_ids"))?;
    at_most_100(&ids, "derived_resource_ids")?;
    let deleted: Map<String, Value> = ids.into_iter().map(|id| (id, json!("not_found"))).collect();
    Ok(json!({"deleted": deleted}))
}

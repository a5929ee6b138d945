//! Bringing assets back from the backup, or an existing one back to an older version.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::listing::at_most_100;
use crate::app::App;
use crate::error::ApiError;
use crate::model::{Asset, DeliveryType, Id, ResourceType};
use crate::notify::events;
use crate::params::Params;
use crate::settings::RestoreEmits;
use crate::store::{Actor, State, Transaction};
use crate::view;

pub(crate) fn restore(
    app: &App,
    actor: &Actor,
    kind: ResourceType,
    delivery: DeliveryType,
    params: &Params,
) -> Result<Value, ApiError> {
    let ids = params
        .ids("public_ids")
        .ok_or_else(|| ApiError::missing("public_ids"))?;
    restore_each(app, actor, params, ids, "public_ids", |state, id| {
        state.by_name(&(kind, delivery, id.to_owned())).cloned()
    })
}

pub(crate) fn restore_by_asset_ids(
    app: &App,
    actor: &Actor,
    params: &Params,
) -> Result<Value, ApiError> {
    let ids = params
        .ids("asset_ids")
        .ok_or_else(|| ApiError::missing("asset_ids"))?;
    restore_each(app, actor, params, ids, "asset_ids", |state, id| {
        state.assets.get(&id.parse::<Id>().ok()?).cloned()
    })
}

/// Answers 200 for every outcome: a failure is a member of the answer.
fn restore_each(
    app: &App,
    actor: &Actor,
    params: &Params,
    ids: Vec<String>,
    name: &str,
    find: impl Fn(&State, &str) -> Option<Arc<Asset>>,
) -> Result<Value, ApiError> {
    at_most_100(&ids, name)?;
    let versions = params.list("versions").unwrap_or_default();
    if !versions.is_empty() && versions.len() != ids.len() {
        return Err(ApiError::bad_request(format!(
            "versions must be as many as {name}"
        )));
    }
    app.store.commit(actor, |transaction| {
        let mut answer = Map::new();
        for (index, id) in ids.iter().enumerate() {
            let found = find(transaction.state(), id);
            let version = versions.get(index).map(String::as_str);
            let outcome = match found.map(|asset| restored(transaction, &asset, version)) {
                Some(Ok(asset)) => {
                    announce(transaction, app, &asset);
                    Value::Object(view::uploaded(&asset, &app.account, transaction.settings()))
                }
                Some(Err(reason)) => json!({"error": reason}),
                None => json!({"error": "no_backup"}),
            };
            answer.insert(id.clone(), outcome);
        }
        Ok(Value::Object(answer))
    })
}

fn restored(
    transaction: &mut Transaction<'_>,
    asset: &Arc<Asset>,
    version: Option<&str>,
) -> Result<Arc<Asset>, &'static str> {
    let backup = match version {
        Some(id) => asset
            .backups
            .iter()
            .find(|media| media.version_id.to_string() == id),
        None => asset.backups.last(),
    };
    let media = backup.ok_or("no_backup")?;
    // Its name may belong to another asset by now.
    if !asset.is_live() && transaction.live_by_name(&asset.name()).is_some() {
        return Err("failed");
    }
    let mut after = Asset::clone(asset);
    if asset.is_live() && media.version_id == asset.media.version_id {
        return Ok(Arc::clone(asset));
    }
    let newest = after.media.version;
    after.media = media.clone();
    after.deleted_at = None;
    if transaction.settings().restore_bumps_version {
        after.media.version = transaction.now().seconds().max(newest);
    }
    after.last_updated.updated_at = transaction.now();
    let folder = after
        .folder(transaction.settings().dynamic_folders())
        .to_owned();
    transaction.ensure_folder(&folder);
    Ok(transaction.put(after))
}

fn announce(transaction: &mut Transaction<'_>, app: &App, asset: &Asset) {
    match transaction.settings().restore_emits {
        RestoreEmits::None => (),
        RestoreEmits::Upload => events::upload(transaction, &app.account, asset, None),
        RestoreEmits::RestoreAssetVersion => {
            events::restored_version(transaction, &app.account, asset)
        }
    }
}

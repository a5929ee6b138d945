//! Folders: listed, created, renamed (dynamic folder mode only) and deleted when empty.

use std::sync::Arc;

use serde_json::{Value, json};

use super::listing::{bind, max_results};
use crate::app::App;
use crate::error::ApiError;
use crate::model::{Asset, Change, Folder};
use crate::notify::events;
use crate::params::Params;
use crate::store::{Actor, Transaction, is_within, rebase};

pub(crate) fn list_folders(app: &App, parent: &str, params: &Params) -> Result<Value, ApiError> {
    let size = max_results(params, 500, 1)?;
    app.store.read(|state| {
        if !parent.is_empty() && !state.folders.contains_key(parent) {
            return Err(missing(parent));
        }
        let binding = bind(app, state, &format!("folders {parent}"), params);
        let after: Option<String> = match params.filled("next_cursor") {
            Some(cursor) => Some(binding.open(cursor)?),
            None => None,
        };
        let is_child = |folder: &&Folder| {
            folder.path.rsplit_once('/').map_or("", |(above, _)| above) == parent
        };
        let children: Vec<&Folder> = state.folders.values().filter(is_child).collect();
        let later = |folder: &&&Folder| after.as_ref().is_none_or(|after| folder.path > *after);
        let page: Vec<&&Folder> = children.iter().filter(later).take(size + 1).collect();
        let next = (page.len() > size).then(|| binding.seal(&page[size - 1].path));
        let folders: Vec<Value> = page
            .into_iter()
            .take(size)
            .map(|folder| describe(folder))
            .collect();
        Ok(json!({"folders": folders, "next_cursor": next, "total_count": children.len()}))
    })
}

fn describe(folder: &Folder) -> Value {
    json!({"name": name(&folder.path), "path": folder.path, "external_id": folder.external_id})
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn missing(path: &str) -> ApiError {
    ApiError::new(404, format!("Can't find folder with path {path}"))
}

pub(crate) fn create_folder(app: &App, actor: &Actor, path: &str) -> Result<Value, ApiError> {
    let path = path.trim_matches('/');
    if path.split('/').any(|part| part.trim().is_empty()) {
        return Err(ApiError::bad_request(format!("Invalid folder path {path}")));
    }
    app.store.commit(actor, |transaction| {
        let new = !transaction.state().folders.contains_key(path);
        transaction.ensure_folder(path);
        if new {
            events::folder(transaction, "create_folder", path);
        }
        Ok(json!({"success": true, "path": path, "name": name(path)}))
    })
}

pub(crate) fn rename_folder(
    app: &App,
    actor: &Actor,
    from: &str,
    params: &Params,
) -> Result<Value, ApiError> {
    let to = params.required("to_folder")?.trim_matches('/').to_owned();
    app.store.commit(actor, |transaction| {
        if !transaction.settings().dynamic_folders() {
            return Err(ApiError::bad_request(
                "Renaming folders is not supported in fixed folder mode",
            ));
        }
        let folder = transaction
            .state()
            .folders
            .get(from)
            .ok_or_else(|| missing(from))?;
        if transaction.state().folders.contains_key(&to) {
            return Err(ApiError::new(
                409,
                format!("Folder with path {to} already exists"),
            ));
        }
        if is_within(&to, from) {
            return Err(ApiError::bad_request(format!(
                "Cannot move folder {from} into itself"
            )));
        }
        let edited = moved_assets(transaction, from, &to);
        if let Some((above, _)) = to.rsplit_once('/') {
            transaction.ensure_folder(above);
        }
        transaction.record(Change::MoveFolder {
            from: from.to_owned(),
            to: to.clone(),
            at: transaction.now(),
        });
        events::folder_renamed(transaction, from, &to);
        events::moves(transaction, &edited);
        let id = folder.external_id;
        Ok(json!({
            "from": {"name": name(from), "path": from, "external_id": id},
            "to": {"name": name(&to), "path": to, "external_id": id},
        }))
    })
}

/// The content of the per-asset event, for accounts that send it.
fn moved_assets(transaction: &Transaction<'_>, from: &str, to: &str) -> Vec<events::Edited> {
    if !transaction.settings().folder_rename_emits_moves {
        return Vec::new();
    }
    let inside = |asset: &&Arc<Asset>| asset.is_live() && is_within(&asset.asset_folder, from);
    let moved = |before: &Arc<Asset>| {
        let mut after = Asset::clone(before);
        after.asset_folder = rebase(&after.asset_folder, from, to);
        (Arc::clone(before), Arc::new(after))
    };
    transaction
        .state()
        .assets
        .values()
        .filter(inside)
        .map(moved)
        .collect()
}

pub(crate) fn delete_folder(app: &App, actor: &Actor, path: &str) -> Result<Value, ApiError> {
    app.store.commit(actor, |transaction| {
        let state = transaction.state();
        if !state.folders.contains_key(path) {
            return Err(missing(path));
        }
        let dynamic = transaction.settings().dynamic_folders();
        let holds = |asset: &Arc<Asset>| asset.is_live() && is_within(asset.folder(dynamic), path);
        if state.assets.values().any(holds) {
            return Err(ApiError::bad_request("Folder is not empty"));
        }
        let deleted: Vec<String> = state
            .folders
            .keys()
            .filter(|known| is_within(known, path))
            .cloned()
            .collect();
        transaction.record(Change::RemoveFolder {
            path: path.to_owned(),
        });
        for path in &deleted {
            events::folder(transaction, "delete_folder", path);
        }
        Ok(json!({"deleted": deleted}))
    })
}

//! `GET state`: the real content, for comparing with a mirror.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::app::App;
use crate::error::ApiError;
use crate::model::Asset;
use crate::params::Params;
use crate::settings::ServerSettings;
use crate::view;

/// Everything, deleted assets included.
pub(super) fn all(app: &App) -> Value {
    let (assets, settings, mut rest) = app.store.read(|state| {
        let mut assets: Vec<Arc<Asset>> = state.assets.values().cloned().collect();
        assets.sort_by_key(|asset| asset.sequence);
        let triggers: Vec<_> = state.triggers.values().collect();
        let folders: Vec<_> = state.folders.keys().collect();
        let rest = json!({
            "cloud": app.account.cloud,
            "settings": state.settings,
            "chaos": state.chaos,
            "triggers": triggers,
            "folders": folders,
            "pending_notifications": state.pending.len(),
        });
        (assets, state.settings.clone(), rest)
    });
    let one = |asset: &Arc<Asset>| {
        let mut map = view::detailed(asset, &app.account, &settings);
        map.insert("status".into(), json!(asset.status()));
        map.insert(
            "deleted_at".into(),
            json!(asset.deleted_at.map(|at| at.iso_micros())),
        );
        map.insert("versions".into(), view::versions(asset));
        Value::Object(map)
    };
    rest["assets"] = assets.iter().map(one).collect();
    rest
}

const PAGE: i64 = 1000;
const PAGE_AT_MOST: i64 = 50_000;

/// `?after=SEQUENCE&limit=N&deleted=true`: one compact line for each asset, in order of appearance.
pub(super) fn assets(app: &App, query: &Params) -> Result<Value, ApiError> {
    let limit = query
        .number("limit")?
        .unwrap_or(PAGE)
        .clamp(1, PAGE_AT_MOST);
    let limit = usize::try_from(limit).unwrap_or(1);
    let after = query
        .number("after")?
        .and_then(|after| u64::try_from(after).ok());
    let deleted = query.is_set("deleted");
    let (mut page, total, settings) = app.store.read(|state| {
        let shown = |asset: &&Arc<Asset>| deleted || asset.is_live();
        let total = state.assets.values().filter(shown).count();
        let later = |asset: &&Arc<Asset>| after.is_none_or(|after| asset.sequence > after);
        let page: Vec<Arc<Asset>> = state
            .assets
            .values()
            .filter(shown)
            .filter(later)
            .cloned()
            .collect();
        (page, total, state.settings.clone())
    });
    page.sort_by_key(|asset| asset.sequence);
    let more = page.len() > limit;
    page.truncate(limit);
    let next = page.last().filter(|_| more).map(|asset| asset.sequence);
    let assets: Vec<Value> = page.iter().map(|asset| compact(asset, &settings)).collect();
    Ok(json!({"assets": assets, "total": total, "next_after": next}))
}

fn compact(asset: &Asset, settings: &ServerSettings) -> Value {
    json!({
        "asset_id": asset.asset_id,
        "public_id": asset.public_id,
        "resource_type": asset.resource_type,
        "type": asset.delivery_type,
        "version": asset.media.version,
        "bytes": asset.media.content.bytes(),
        "etag": asset.media.content.etag(),
        "format": asset.media.format,
        "folder": asset.folder(settings.dynamic_folders()),
        "display_name": asset.display_name,
        "tags": asset.tags,
        "context": asset.context,
        "metadata": asset.metadata,
        "created_at": asset.created_at.iso(),
        "updated_at": asset.last_updated.updated_at.iso_micros(),
        "deleted": !asset.is_live(),
    })
}

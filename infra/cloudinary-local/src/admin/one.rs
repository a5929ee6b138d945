//! One asset, by name or by asset id; a deleted one with a backup still answers, as a placeholder.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::app::App;
use crate::error::ApiError;
use crate::model::{Asset, DeliveryType, Id, Name, ResourceType};
use crate::params::Params;
use crate::view;

pub(crate) fn one(
    app: &App,
    kind: ResourceType,
    delivery: DeliveryType,
    public_id: &str,
    params: &Params,
) -> Result<Value, ApiError> {
    let name: Name = (kind, delivery, public_id.to_owned());
    let found = app.store.read(|state| state.by_name(&name).cloned());
    describe(app, found, public_id, params)
}

pub(crate) fn one_by_id(app: &App, asset_id: Id, params: &Params) -> Result<Value, ApiError> {
    let known = |asset: &&Arc<Asset>| asset.is_live() || asset.is_placeholder();
    let found = app
        .store
        .read(|state| state.assets.get(&asset_id).filter(known).cloned());
    describe(app, found, &asset_id.to_string(), params)
}

pub(crate) fn get_resource(app: &App, params: &Params) -> Result<Value, ApiError> {
    if params.filled("asset_id").is_some() {
        return one_by_id(app, params.asset_id("asset_id")?, params);
    }
    let kind = params.filled("resource_type").unwrap_or("image");
    let kind = kind
        .parse()
        .map_err(|()| ApiError::invalid("resource_type"))?;
    let delivery = params.delivery_type(if params.has("kind") { "kind" } else { "type" })?;
    one(app, kind, delivery, params.required("public_id")?, params)
}

fn describe(
    app: &App,
    found: Option<Arc<Asset>>,
    what: &str,
    params: &Params,
) -> Result<Value, ApiError> {
    let asset = found.ok_or_else(|| ApiError::not_found(what))?;
    let settings = app.store.read(|state| state.settings.clone());
    let mut answer = view::detailed(&asset, &app.account, &settings);
    answer.insert("derived".into(), json!([]));
    answer.insert("next_cursor".into(), Value::Null);
    if params.is_set("versions") {
        answer.insert("versions".into(), view::versions(&asset));
    }
    Ok(Value::Object(answer))
}

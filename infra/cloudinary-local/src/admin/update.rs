//! Editing one asset through the Admin API: tags are replaced as a whole.

use std::sync::Arc;

use serde_json::Value;

use crate::api::{addons, edit};
use crate::app::App;
use crate::error::ApiError;
use crate::model::{Asset, DeliveryType, Id, ResourceType};
use crate::notify::events;
use crate::params::Params;
use crate::store::{Actor, State};
use crate::view;

pub(crate) fn update(
    app: &App,
    actor: &Actor,
    kind: ResourceType,
    delivery: DeliveryType,
    public_id: &str,
    params: &Params,
) -> Result<Value, ApiError> {
    let name = (kind, delivery, public_id.to_owned());
    edit_one(app, actor, params, public_id, |state| {
        state.live_by_name(&name).cloned()
    })
}

pub(crate) fn update_by_id(
    app: &App,
    actor: &Actor,
    asset_id: Id,
    params: &Params,
) -> Result<Value, ApiError> {
    edit_one(app, actor, params, &asset_id.to_string(), |state| {
        state.live(asset_id).cloned()
    })
}

pub(crate) fn update_by_body(app: &App, actor: &Actor, params: &Params) -> Result<Value, ApiError> {
    if params.filled("asset_id").is_some() {
        return update_by_id(app, actor, params.asset_id("asset_id")?, params);
    }
    let kind = params.filled("resource_type").unwrap_or("image");
    let kind = kind
        .parse()
        .map_err(|()| ApiError::invalid("resource_type"))?;
    let delivery = params.delivery_type("type")?;
    update(
        app,
        actor,
        kind,
        delivery,
        params.required("public_id")?,
        params,
    )
}

fn edit_one(
    app: &App,
    actor: &Actor,
    params: &Params,
    what: &str,
    find: impl FnOnce(&State) -> Option<Arc<Asset>>,
) -> Result<Value, ApiError> {
    addons::refuse_at_update(params)?;
    app.store.commit(actor, |transaction| {
        let settings = transaction.settings();
        let before = find(transaction.state()).ok_or_else(|| ApiError::not_found(what))?;
        let mut after = Asset::clone(&before);
        edit::apply(
            &mut after,
            params,
            transaction.state(),
            settings.update_context_merges,
            transaction.now(),
        )?;
        if after != *before {
            let folder = after.asset_folder.clone();
            transaction.ensure_folder(&folder);
            edit::grow_lists(transaction, &after);
            let after = transaction.put(after.clone());
            events::moderated(transaction, &app.account, &before, &after);
            events::changes(transaction, &[(before, after)]);
        }
        Ok(Value::Object(view::detailed(
            &after,
            &app.account,
            settings,
        )))
    })
}

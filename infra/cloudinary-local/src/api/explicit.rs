//! `explicit`: re-reads and updates one asset outside the hourly quota.

use serde_json::Value;

use super::{addons, edit};
use crate::app::App;
use crate::error::ApiError;
use crate::model::{Asset, ResourceType};
use crate::notify::events;
use crate::params::Params;
use crate::settings::ExplicitEmits;
use crate::store::Actor;
use crate::view;

pub(crate) fn explicit(
    app: &App,
    actor: &Actor,
    kind: ResourceType,
    params: &Params,
) -> Result<Value, ApiError> {
    addons::refuse_at_upload(params, Some(kind))?;
    let public_id = params.required("public_id")?.to_owned();
    let name = (kind, params.delivery_type("type")?, public_id);
    app.store.commit(actor, |transaction| {
        let settings = transaction.settings();
        let before = transaction
            .live_by_name(&name)
            .cloned()
            .ok_or_else(|| ApiError::not_found(&name.2))?;
        let mut after = Asset::clone(&before);
        let state = transaction.state();
        edit::apply(&mut after, params, state, false, transaction.now())?;
        if settings.explicit_bumps_version {
            after.media.version = after.media.version.max(transaction.now().seconds());
            after.last_updated.updated_at = transaction.now();
        }
        let folder = after.asset_folder.clone();
        transaction.ensure_folder(&folder);
        let after = if after == *before {
            before.clone()
        } else {
            edit::grow_lists(transaction, &after);
            transaction.put(after)
        };
        match settings.explicit_emits {
            ExplicitEmits::None => (),
            ExplicitEmits::Upload => events::upload(transaction, &app.account, &after, None),
            ExplicitEmits::Changes => events::changes(transaction, &[(before, after.clone())]),
        }
        Ok(Value::Object(view::uploaded(
            &after,
            &app.account,
            settings,
        )))
    })
}

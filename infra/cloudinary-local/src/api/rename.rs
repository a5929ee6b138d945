//! Renaming: a new public id, a new delivery type, or both.

use serde_json::{Map, Value};

use super::{delete_all, edit, forgotten, naming};
use crate::app::App;
use crate::error::ApiError;
use crate::model::{Asset, DeliveryType, ResourceType};
use crate::notify::events;
use crate::params::Params;
use crate::store::Actor;
use crate::view;

pub(crate) fn rename(
    app: &App,
    actor: &Actor,
    kind: ResourceType,
    params: &Params,
) -> Result<Value, ApiError> {
    let from = params.required("from_public_id")?.to_owned();
    let to = params
        .required("to_public_id")?
        .trim_matches('/')
        .to_owned();
    let from_type = params.delivery_type("type")?;
    let to_type = if params.filled("to_type").is_some() {
        params.delivery_type("to_type")?
    } else {
        from_type
    };
    app.store.commit(actor, |transaction| {
        let before = transaction
            .live_by_name(&(kind, from_type, from.clone()))
            .cloned()
            .ok_or_else(|| ApiError::not_found(&from))?;
        naming::check_public_id(&to, transaction.settings())?;
        let victim = transaction
            .live_by_name(&(kind, to_type, to.clone()))
            .filter(|asset| asset.asset_id != before.asset_id)
            .cloned();
        if let Some(victim) = victim {
            if !params.is_set("overwrite") {
                return Err(ApiError::bad_request(format!(
                    "to_public_id({to}) already exists"
                )));
            }
            if transaction.settings().rename_overwrite_emits_delete {
                delete_all(transaction, "delete", vec![victim]);
            } else {
                let gone = forgotten(&victim, transaction);
                transaction.record(gone);
            }
        }
        let after = transaction.put(renamed(&before, to, to_type, transaction.now()));
        if !transaction.settings().dynamic_folders() {
            let folder = after.folder(false).to_owned();
            transaction.ensure_folder(&folder);
        }
        if before.name() != after.name() {
            events::rename(transaction, &before, &after);
        }
        let answer = view::uploaded(&after, &app.account, transaction.settings());
        Ok(Value::Object(without_unasked(answer, params)))
    })
}

fn renamed(before: &Asset, to: String, to_type: DeliveryType, now: crate::moment::Moment) -> Asset {
    let mut after = before.clone();
    after.public_id = to;
    after.delivery_type = to_type;
    edit::stamp(before, &mut after, now);
    after
}

/// Context and metadata are answered only when asked for.
fn without_unasked(mut answer: Map<String, Value>, params: &Params) -> Map<String, Value> {
    for name in ["context", "metadata"] {
        if !params.is_set(name) {
            answer.remove(name);
        }
    }
    answer
}

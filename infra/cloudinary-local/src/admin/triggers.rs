//! Triggers: which addresses hear of which events.

use serde_json::{Map, Value, json};

use crate::app::App;
use crate::error::ApiError;
use crate::model::{Change, Id, Trigger};
use crate::params::Params;
use crate::store::{Actor, Transaction};
use crate::template;

const EVENT_TYPES: [&str; 28] = [
    "all",
    "access_control_changed",
    "bulk_refresh_auto_fetch",
    "create_folder",
    "delete",
    "delete_by_token",
    "delete_folder",
    "eager",
    "error",
    "explode",
    "generate_archive",
    "info",
    "invalidate_custom_cdn",
    "moderation",
    "moderation_summary",
    "move",
    "move_or_rename_asset_folder",
    "multi",
    "publish",
    "rename",
    "report",
    "resource_context_changed",
    "resource_display_name_changed",
    "resource_metadata_changed",
    "resource_tags_changed",
    "restore_asset_version",
    "sprite",
    "upload",
];

const SCHEMES: [&str; 3] = ["default", "legacy_hmac", "eddsa_v2"];

fn describe(app: &App, trigger: &Trigger) -> Value {
    let mut described = json!({
        "id": trigger.id,
        "product_environment_id": app.account.cloud,
        "uri": trigger.uri,
        "uri_type": trigger.uri_type,
        "event_type": trigger.event_type,
        "additive": trigger.additive,
        "auth_scheme": trigger.auth_scheme,
        "created_at": trigger.created_at.iso(),
        "updated_at": trigger.updated_at.iso(),
    });
    if let Some(template) = &trigger.payload_template {
        described["payload_template"] = json!(template);
    }
    described
}

pub(crate) fn list_triggers(app: &App, params: &Params) -> Value {
    let event = params.filled("event_type");
    let triggers: Vec<Value> = app.store.read(|state| {
        let wanted = |trigger: &&Trigger| event.is_none_or(|event| trigger.event_type == event);
        state
            .triggers
            .values()
            .filter(wanted)
            .map(|trigger| describe(app, trigger))
            .collect()
    });
    json!({"total": triggers.len(), "triggers": triggers})
}

pub(crate) fn create_trigger(app: &App, actor: &Actor, params: &Params) -> Result<Value, ApiError> {
    let uri = params.required("uri")?.to_owned();
    let event_type = params.required("event_type")?.to_owned();
    let uri_type = params.filled("uri_type").unwrap_or("webhook").to_owned();
    let auth_scheme = params.filled("auth_scheme").unwrap_or("default").to_owned();
    if !EVENT_TYPES.contains(&event_type.as_str()) {
        return Err(ApiError::invalid("event_type"));
    }
    if !["webhook", "flow", "poll"].contains(&uri_type.as_str()) {
        return Err(ApiError::invalid("uri_type"));
    }
    if !SCHEMES.contains(&auth_scheme.as_str()) {
        return Err(ApiError::invalid("auth_scheme"));
    }
    check_uri(&uri, &uri_type)?;
    let payload_template = payload_template(params)?;
    app.store.commit(actor, |transaction| {
        let same = |trigger: &Trigger| trigger.uri == uri && trigger.event_type == event_type;
        if transaction.state().triggers.values().any(same) {
            return Err(ApiError::new(409, "Trigger already exists"));
        }
        let now = transaction.now();
        let trigger = Trigger {
            id: Id::random(),
            uri,
            uri_type,
            event_type,
            additive: params.is_set("additive"),
            auth_scheme,
            payload_template,
            created_at: now,
            updated_at: now,
        };
        transaction.record(Change::Trigger(trigger.clone()));
        Ok(describe(app, &trigger))
    })
}

fn check_uri(uri: &str, uri_type: &str) -> Result<(), ApiError> {
    let schemes: &[&str] = if uri_type == "webhook" {
        &["http", "https"]
    } else {
        &["http", "https", "poll", "flow"]
    };
    let known = url::Url::parse(uri).is_ok_and(|url| schemes.contains(&url.scheme()));
    if known {
        Ok(())
    } else {
        Err(ApiError::invalid("uri"))
    }
}

/// A text, or the JSON that it renders to but for its variables.
fn payload_template(params: &Params) -> Result<Option<String>, ApiError> {
    const NAME: &str = "payload_template";
    let text = match params.text(NAME) {
        Some(text) => Some(text.to_owned()),
        None => params.json(NAME).map(|json| json.to_string()),
    };
    match text {
        Some(text) if text.len() > template::LONGEST => Err(ApiError::invalid(NAME)),
        text => Ok(text.filter(|text| !text.is_empty())),
    }
}

fn find(transaction: &Transaction<'_>, id: Id) -> Result<Trigger, ApiError> {
    let found = transaction
        .state()
        .triggers
        .values()
        .find(|trigger| trigger.id == id);
    found
        .cloned()
        .ok_or_else(|| ApiError::new(404, format!("Trigger {id} not found")))
}

pub(crate) fn update_trigger(
    app: &App,
    actor: &Actor,
    id: Id,
    params: &Params,
) -> Result<Value, ApiError> {
    app.store.commit(actor, |transaction| {
        let mut trigger = find(transaction, id)?;
        if let Some(uri) = params.filled("new_uri").or(params.filled("uri")) {
            check_uri(uri, &trigger.uri_type)?;
            uri.clone_into(&mut trigger.uri);
        }
        if let Some(additive) = params.flag("additive") {
            trigger.additive = additive;
        }
        if params.has("payload_template") {
            trigger.payload_template = payload_template(params)?;
        }
        trigger.updated_at = transaction.now();
        transaction.record(Change::Trigger(trigger));
        Ok(json!({"message": "Trigger's uri was updated"}))
    })
}

pub(crate) fn delete_trigger(app: &App, actor: &Actor, id: Id) -> Result<Value, ApiError> {
    app.store.commit(actor, |transaction| {
        find(transaction, id)?;
        transaction.record(Change::RemoveTrigger { id });
        Ok(json!({"message": "ok"}))
    })
}

/// There are no filters here, so every sample passes.
pub(crate) fn test_trigger(app: &App, id: Id) -> Result<Value, ApiError> {
    let known = app
        .store
        .read(|state| state.triggers.values().any(|trigger| trigger.id == id));
    if !known {
        return Err(ApiError::new(404, format!("Trigger {id} not found")));
    }
    let mut answer = Map::new();
    answer.insert("trigger_id".into(), json!(id));
    answer.insert("filter_present".into(), json!(false));
    answer.insert("filter_result".into(), json!(true));
    Ok(Value::Object(answer))
}

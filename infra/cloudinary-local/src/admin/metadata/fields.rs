//! Structured metadata fields: defined, listed, changed and deleted.

use serde_json::{Map, Value, json};

use super::datasource;
use super::known::find;
use crate::app::App;
use crate::error::ApiError;
use crate::model::{Change, FieldType, Id, MetadataField};
use crate::params::Params;
use crate::store::{Actor, Transaction};

fn describe(field: &MetadataField) -> Value {
    let mut map = Map::new();
    map.insert("external_id".into(), json!(field.external_id));
    map.insert("type".into(), json!(field.kind));
    map.insert("label".into(), json!(field.label));
    map.insert("mandatory".into(), json!(field.mandatory));
    map.insert("default_value".into(), field.default_value.clone());
    map.insert("default_disabled".into(), json!(field.default_disabled));
    map.insert("validation".into(), field.validation.clone());
    map.insert("restrictions".into(), field.restrictions.clone());
    if field.kind.has_datasource() {
        let dynamic = field.allow_dynamic_list_values;
        map.insert("allow_dynamic_list_values".into(), json!(dynamic));
        map.insert("datasource".into(), datasource::describe(field));
    }
    Value::Object(map)
}

pub(crate) fn list_fields(app: &App) -> Value {
    app.store.read(|state| {
        let fields: Vec<Value> = state.metadata_fields.values().map(describe).collect();
        json!({"metadata_fields": fields})
    })
}

pub(crate) fn one_field(app: &App, id: &str) -> Result<Value, ApiError> {
    app.store
        .read(|state| find(state, id).map(|field| describe(&field)))
}

pub(crate) fn create_field(app: &App, actor: &Actor, params: &Params) -> Result<Value, ApiError> {
    let kind = json!(params.required("type")?);
    let kind: FieldType = serde_json::from_value(kind).map_err(|_| ApiError::invalid("type"))?;
    let external_id = match params.filled("external_id") {
        Some(id) => id.to_owned(),
        None => Id::random().to_string(),
    };
    let mut field = MetadataField {
        external_id,
        label: params.required("label")?.to_owned(),
        kind,
        mandatory: false,
        default_value: Value::Null,
        default_disabled: false,
        validation: Value::Null,
        restrictions: Value::Null,
        allow_dynamic_list_values: false,
        datasource: Vec::new(),
    };
    if kind.has_datasource() {
        datasource::merge(&mut field.datasource, params)?;
    }
    app.store.commit(actor, |transaction| {
        let known = &transaction.state().metadata_fields;
        if known.contains_key(&field.external_id) {
            let message = format!("external id {} already exists", field.external_id);
            return Err(ApiError::bad_request(message));
        }
        if known.values().any(|other| other.label == field.label) {
            let message = format!("label {} already exists", field.label);
            return Err(ApiError::bad_request(message));
        }
        put(transaction, field, params)
    })
}

/// Neither the external id nor the type can be changed: they are passed over.
pub(crate) fn update_field(
    app: &App,
    actor: &Actor,
    id: &str,
    params: &Params,
) -> Result<Value, ApiError> {
    app.store.commit(actor, |transaction| {
        let mut field = find(transaction.state(), id)?;
        if let Some(label) = params.filled("label") {
            label.clone_into(&mut field.label);
        }
        if field.kind.has_datasource() {
            datasource::merge(&mut field.datasource, params)?;
        }
        put(transaction, field, params)
    })
}

/// Takes over the other members that the request names, and records the field.
fn put(
    transaction: &mut Transaction<'_>,
    mut field: MetadataField,
    params: &Params,
) -> Result<Value, ApiError> {
    for (name, member) in [
        ("mandatory", &mut field.mandatory),
        ("default_disabled", &mut field.default_disabled),
        (
            "allow_dynamic_list_values",
            &mut field.allow_dynamic_list_values,
        ),
    ] {
        *member = params.flag(name).unwrap_or(*member);
    }
    if let Some(validation) = params.json("validation") {
        field.validation = validation;
    }
    if let Some(restrictions) = params.json("restrictions") {
        field.restrictions = restrictions;
    }
    if let Some(text) = default_value(params) {
        let value = field.read(&text);
        field.default_value = value
            .ok_or_else(|| ApiError::bad_request(format!("default_value {text} is invalid")))?;
    }
    let described = describe(&field);
    transaction.record(Change::MetadataField(field));
    Ok(described)
}

fn default_value(params: &Params) -> Option<String> {
    const NAME: &str = "default_value";
    match params.text(NAME) {
        Some(text) => Some(text.to_owned()),
        None => params.json(NAME).map(|list| list.to_string()),
    }
}

pub(crate) fn delete_field(app: &App, actor: &Actor, id: &str) -> Result<Value, ApiError> {
    app.store.commit(actor, |transaction| {
        let field = find(transaction.state(), id)?;
        transaction.record(Change::RemoveMetadataField {
            external_id: field.external_id,
        });
        Ok(json!({"message": "ok"}))
    })
}

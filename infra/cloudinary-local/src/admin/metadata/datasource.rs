//! The lists that `enum` and `set` fields choose from.

use serde_json::{Value, json};

use super::known::find;
use crate::app::App;
use crate::error::ApiError;
use crate::model::{Change, DatasourceEntry, Id, MetadataField};
use crate::params::Params;
use crate::store::Actor;

/// Deleted entries are not shown.
pub(super) fn describe(field: &MetadataField) -> Value {
    let active = field.datasource.iter().filter(|entry| entry.active);
    let one =
        |entry: &DatasourceEntry| json!({"external_id": entry.external_id, "value": entry.value});
    json!({"values": active.map(one).collect::<Vec<_>>()})
}

/// Changes the entries that are known by their id, and adds the others.
pub(super) fn merge(entries: &mut Vec<DatasourceEntry>, params: &Params) -> Result<(), ApiError> {
    let datasource = params.json("datasource").unwrap_or_default();
    let values = params.json("values");
    let Some(values) = values.as_ref().or_else(|| datasource.get("values")) else {
        return Ok(());
    };
    let refused = || ApiError::invalid("datasource");
    for value in values.as_array().ok_or_else(refused)? {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let new = DatasourceEntry {
            external_id: text("external_id").unwrap_or_else(|| Id::random().to_string()),
            value: text("value").ok_or_else(refused)?,
            active: true,
        };
        match entries
            .iter_mut()
            .find(|entry| entry.external_id == new.external_id)
        {
            Some(known) => *known = new,
            None => entries.push(new),
        }
    }
    Ok(())
}

pub(crate) fn update_entries(
    app: &App,
    actor: &Actor,
    id: &str,
    params: &Params,
) -> Result<Value, ApiError> {
    change(app, actor, id, |entries| merge(entries, params))
}

pub(crate) fn delete_entries(
    app: &App,
    actor: &Actor,
    id: &str,
    params: &Params,
) -> Result<Value, ApiError> {
    switch(app, actor, id, params, false)
}

pub(crate) fn restore_entries(
    app: &App,
    actor: &Actor,
    id: &str,
    params: &Params,
) -> Result<Value, ApiError> {
    switch(app, actor, id, params, true)
}

fn switch(
    app: &App,
    actor: &Actor,
    id: &str,
    params: &Params,
    active: bool,
) -> Result<Value, ApiError> {
    let named = params
        .ids("external_ids")
        .ok_or_else(|| ApiError::missing("external_ids"))?;
    change(app, actor, id, |entries| {
        let named = |entry: &&mut DatasourceEntry| named.contains(&entry.external_id);
        entries
            .iter_mut()
            .filter(named)
            .for_each(|entry| entry.active = active);
        Ok(())
    })
}

pub(crate) fn order_entries(
    app: &App,
    actor: &Actor,
    id: &str,
    params: &Params,
) -> Result<Value, ApiError> {
    if params.required("order_by")? != "value" {
        return Err(ApiError::invalid("order_by"));
    }
    let descending = match params.filled("direction") {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => return Err(ApiError::invalid("direction")),
    };
    change(app, actor, id, |entries| {
        entries.sort_by(|a, b| a.value.cmp(&b.value));
        if descending {
            entries.reverse();
        }
        Ok(())
    })
}

fn change(
    app: &App,
    actor: &Actor,
    id: &str,
    edit: impl FnOnce(&mut Vec<DatasourceEntry>) -> Result<(), ApiError>,
) -> Result<Value, ApiError> {
    app.store.commit(actor, |transaction| {
        let mut field = find(transaction.state(), id)?;
        if !field.kind.has_datasource() {
            return Err(ApiError::bad_request(format!("{id} has no datasource")));
        }
        edit(&mut field.datasource)?;
        let described = describe(&field);
        transaction.record(Change::MetadataField(field));
        Ok(described)
    })
}

//! The bodies of events, each with the container shape that its type really has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::account::Account;
use crate::model::Asset;
use crate::settings::{ContextChangedShape, ServerSettings};
use crate::store::Transaction;
use crate::view;

/// An asset before and after one change.
pub(crate) type Edited = (Arc<Asset>, Arc<Asset>);

pub(crate) fn upload(
    transaction: &mut Transaction<'_>,
    account: &Account,
    asset: &Asset,
    flag: Option<&str>,
) {
    let mut body = view::announced(asset, account, transaction.settings(), transaction.now());
    if let Some(flag) = flag {
        body.insert(flag.to_owned(), json!(true));
    }
    transaction.emit("upload", body);
}

pub(crate) fn restored_version(
    transaction: &mut Transaction<'_>,
    account: &Account,
    asset: &Asset,
) {
    let body = view::announced(asset, account, transaction.settings(), transaction.now());
    transaction.emit("restore_asset_version", body);
}

/// `delete` or `delete_by_token`; nothing when nothing was deleted.
pub(crate) fn delete(transaction: &mut Transaction<'_>, event_type: &str, deleted: &[Arc<Asset>]) {
    if deleted.is_empty() {
        return;
    }
    let settings = transaction.settings();
    let one = |asset: &Arc<Asset>| {
        let mut map = identity(asset);
        map.insert("public_id".into(), json!(asset.public_id));
        map.insert("version".into(), json!(asset.media.version));
        place(&mut map, asset, settings);
        Value::Object(map)
    };
    let resources: Vec<Value> = deleted.iter().map(one).collect();
    transaction.emit(event_type, members([("resources", json!(resources))]));
}

/// Carries the name shown before, as Cloudinary's does.
pub(crate) fn rename(transaction: &mut Transaction<'_>, before: &Asset, after: &Asset) {
    let mut map = identity(before);
    place(&mut map, before, transaction.settings());
    view::insert_request(&mut map, transaction.now());
    map.insert("from_public_id".into(), json!(before.public_id));
    map.insert("to_public_id".into(), json!(after.public_id));
    if before.delivery_type != after.delivery_type {
        map.insert("to_type".into(), json!(after.delivery_type));
    }
    transaction.emit("rename", map);
}

pub(crate) fn folder(transaction: &mut Transaction<'_>, event_type: &str, path: &str) {
    let name = path.rsplit('/').next().unwrap_or(path);
    let source = transaction.actor().source;
    transaction.emit(
        event_type,
        members([
            ("source", json!(source)),
            ("folder_path", json!(path)),
            ("folder_name", json!(name)),
        ]),
    );
}

pub(crate) fn folder_renamed(transaction: &mut Transaction<'_>, from: &str, to: &str) {
    let source = transaction.actor().source;
    transaction.emit(
        "move_or_rename_asset_folder",
        members([
            ("source", json!(source)),
            ("from_path", json!(from)),
            ("to_path", json!(to)),
            ("status", json!("completed")),
        ]),
    );
}

/// Tells that a moderation has come to another status. It carries no asset id, and tells the type
/// only by its address.
pub(crate) fn moderated(
    transaction: &mut Transaction<'_>,
    account: &Account,
    before: &Asset,
    after: &Asset,
) {
    if before.moderation_status == after.moderation_status {
        return;
    }
    if transaction.settings().moderation_names_only {
        let body = members([
            ("public_id", json!(after.public_id)),
            ("moderation_status", json!(after.moderation_status)),
        ]);
        return transaction.emit("moderation", body);
    }
    let url = account.url(after);
    let body = members([
        ("public_id", json!(after.public_id)),
        ("moderation_status", json!(after.moderation_status)),
        ("moderation_kind", json!("manual")),
        ("moderation_updated_at", json!(transaction.now().iso())),
        ("uploaded_at", json!(after.media.uploaded_at.iso())),
        ("version", json!(after.media.version)),
        ("url", json!(url)),
        ("secure_url", json!(url)),
        ("etag", Value::Null),
    ]);
    transaction.emit("moderation", body);
}

/// One event for each facet that changed, with every asset in which it did.
pub(crate) fn changes(transaction: &mut Transaction<'_>, edited: &[Edited]) {
    let settings = transaction.settings();
    let tags: Vec<Value> = edited.iter().filter_map(tags_changed).collect();
    announce(
        transaction,
        "resource_tags_changed",
        json!(tags),
        tags.is_empty(),
    );
    let shape = settings.context_changed_shape;
    let context = by_public_id(edited, |edit| context_changed(edit, shape));
    announce(
        transaction,
        "resource_context_changed",
        json!(context),
        context.is_empty(),
    );
    let metadata = by_public_id(edited, metadata_changed);
    announce(
        transaction,
        "resource_metadata_changed",
        json!(metadata),
        metadata.is_empty(),
    );
    if settings.dynamic_folders() {
        let names = by_public_id(edited, display_name_changed);
        if !names.is_empty() {
            let mut body = members([("resources", json!(names))]);
            view::insert_request(&mut body, transaction.now());
            body.insert("source".into(), json!(transaction.actor().source));
            transaction.emit("resource_display_name_changed", body);
        }
        moves(transaction, edited);
    }
    let access: Vec<Value> = edited.iter().filter_map(access_changed).collect();
    announce(
        transaction,
        "access_control_changed",
        json!(access),
        access.is_empty(),
    );
}

pub(crate) fn moves(transaction: &mut Transaction<'_>, edited: &[Edited]) {
    let moved = by_public_id(edited, moved);
    announce(transaction, "move", json!(moved), moved.is_empty());
}

fn announce(transaction: &mut Transaction<'_>, event_type: &str, resources: Value, empty: bool) {
    if !empty {
        let source = transaction.actor().source;
        transaction.emit(
            event_type,
            members([("source", json!(source)), ("resources", resources)]),
        );
    }
}

fn members<const N: usize>(pairs: [(&str, Value); N]) -> Map<String, Value> {
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

fn identity(asset: &Asset) -> Map<String, Value> {
    members([
        ("asset_id", json!(asset.asset_id)),
        ("resource_type", json!(asset.resource_type)),
        ("type", json!(asset.delivery_type)),
    ])
}

fn place(map: &mut Map<String, Value>, asset: &Asset, settings: &ServerSettings) {
    if settings.dynamic_folders() {
        map.insert("asset_folder".into(), json!(asset.asset_folder));
        map.insert("display_name".into(), json!(asset.display_name));
    } else {
        map.insert("folder".into(), json!(asset.folder(false)));
    }
}

/// The map form: two assets that share a public id under different types collide, and one is lost,
/// as in Cloudinary's own events.
fn by_public_id(
    edited: &[Edited],
    entry: impl Fn(&Edited) -> Option<Map<String, Value>>,
) -> Map<String, Value> {
    let pairs = edited
        .iter()
        .filter_map(|edit| Some((edit.1.public_id.clone(), Value::Object(entry(edit)?))));
    pairs.collect()
}

fn tags_changed((before, after): &Edited) -> Option<Value> {
    let old: BTreeSet<&String> = before.tags.iter().collect();
    let new: BTreeSet<&String> = after.tags.iter().collect();
    if old == new {
        return None;
    }
    let mut map = identity(after);
    map.insert("public_id".into(), json!(after.public_id));
    map.insert(
        "added".into(),
        json!(new.difference(&old).collect::<Vec<_>>()),
    );
    map.insert(
        "removed".into(),
        json!(old.difference(&new).collect::<Vec<_>>()),
    );
    Some(Value::Object(map))
}

fn context_changed(
    (before, after): &Edited,
    shape: ContextChangedShape,
) -> Option<Map<String, Value>> {
    if before.context == after.context {
        return None;
    }
    let (old, new) = (&before.context, &after.context);
    let added: BTreeMap<_, _> = new
        .iter()
        .filter(|(key, _)| !old.contains_key(*key))
        .collect();
    let removed: BTreeMap<_, _> = old
        .iter()
        .filter(|(key, _)| !new.contains_key(*key))
        .collect();
    let differs =
        |(key, value): &(&String, &String)| old.get(*key).is_some_and(|was| was != *value);
    let updated: BTreeMap<_, _> = new.iter().filter(differs).collect();
    let mut map = identity(after);
    match shape {
        ContextChangedShape::Maps => {
            map.insert("added".into(), json!(added));
            map.insert("removed".into(), json!(removed.keys().collect::<Vec<_>>()));
            map.insert("updated".into(), json!(updated));
        }
        ContextChangedShape::NameValue => {
            for (name, pairs) in [("added", added), ("removed", removed), ("updated", updated)] {
                let pairs = pairs
                    .into_iter()
                    .map(|(name, value)| json!({"name": name, "value": value}));
                map.insert(name.into(), pairs.collect());
            }
        }
    }
    Some(map)
}

fn metadata_changed((before, after): &Edited) -> Option<Map<String, Value>> {
    (before.metadata != after.metadata).then(|| {
        let mut map = identity(after);
        map.insert("previous_metadata".into(), json!(before.metadata));
        map.insert("new_metadata".into(), json!(after.metadata));
        map
    })
}

fn display_name_changed((before, after): &Edited) -> Option<Map<String, Value>> {
    (before.display_name != after.display_name).then(|| {
        let mut map = identity(after);
        map.insert("public_id".into(), json!(after.public_id));
        map.insert("asset_folder".into(), json!(after.asset_folder));
        map.insert("previous_display_name".into(), json!(before.display_name));
        map.insert("new_display_name".into(), json!(after.display_name));
        map
    })
}

fn moved((before, after): &Edited) -> Option<Map<String, Value>> {
    (before.asset_folder != after.asset_folder).then(|| {
        let mut map = identity(after);
        map.insert("from_asset_folder".into(), json!(before.asset_folder));
        map.insert("to_asset_folder".into(), json!(after.asset_folder));
        map.insert("display_name".into(), json!(after.display_name));
        map
    })
}

fn access_changed((before, after): &Edited) -> Option<Value> {
    (before.access_control != after.access_control).then(|| {
        let mut map = identity(after);
        map.insert("public_id".into(), json!(after.public_id));
        map.insert(
            "previous_access_control".into(),
            json!(before.access_control.clone().unwrap_or(json!([]))),
        );
        map.insert(
            "new_access_control".into(),
            json!(after.access_control.clone().unwrap_or(json!([]))),
        );
        Value::Object(map)
    })
}

//! Assets as the API's answers and notifications show them.

use serde_json::{Map, Value, json};

use crate::account::Account;
use crate::model::{Asset, Id, LastUpdated, Media};
use crate::moment::Moment;
use crate::settings::ServerSettings;
use crate::signature;

/// Which of the optional members an answer carries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    pub(crate) tags: bool,
    pub(crate) context: bool,
    pub(crate) metadata: bool,
    pub(crate) moderation: bool,
    /// Only these, besides the ids.
    pub(crate) fields: Option<Vec<String>>,
}

/// The members that every answer about an asset shares.
fn base(asset: &Asset, account: &Account, settings: &ServerSettings) -> Map<String, Value> {
    let mut map = Map::new();
    let media = &asset.media;
    let gone = is_hidden(asset, settings);
    map.insert("asset_id".into(), json!(asset.asset_id));
    map.insert("public_id".into(), json!(asset.public_id));
    if let Some(format) = &media.format {
        map.insert("format".into(), json!(format));
    }
    map.insert("version".into(), json!(media.version));
    map.insert("resource_type".into(), json!(asset.resource_type));
    map.insert("type".into(), json!(asset.delivery_type));
    map.insert("created_at".into(), json!(asset.created_at.iso()));
    map.insert(
        "bytes".into(),
        json!(if gone { 0 } else { media.content.bytes() }),
    );
    if gone {
        map.insert("placeholder".into(), json!(true));
    } else if let (Some(width), Some(height)) = (media.width, media.height) {
        map.insert("width".into(), json!(width));
        map.insert("height".into(), json!(height));
    }
    if let Some(duration) = media.duration {
        map.insert("duration".into(), json!(duration));
    }
    insert_folder(&mut map, asset, settings);
    let url = account.url(asset);
    map.insert("secure_url".into(), json!(url));
    map.insert("url".into(), json!(url));
    map
}

/// Its content is deleted, or withheld.
fn is_hidden(asset: &Asset, settings: &ServerSettings) -> bool {
    let is_rejected = asset.moderation_status.as_deref() == Some("rejected");
    !asset.is_live() || is_rejected && settings.rejected_is_placeholder
}

fn insert_folder(map: &mut Map<String, Value>, asset: &Asset, settings: &ServerSettings) {
    if settings.dynamic_folders() {
        map.insert("asset_folder".into(), json!(asset.asset_folder));
        map.insert("display_name".into(), json!(asset.display_name));
    } else {
        map.insert("folder".into(), json!(asset.folder(false)));
    }
}

fn full_context(asset: &Asset) -> Value {
    json!({"custom": asset.context})
}

fn insert_access(map: &mut Map<String, Value>, asset: &Asset) {
    if let Some(access) = &asset.access_control {
        map.insert("access_control".into(), access.clone());
    }
    map.insert("access_mode".into(), json!("public"));
}

/// An asset in the answer to an upload, an explicit or a rename.
pub(crate) fn uploaded(
    asset: &Asset,
    account: &Account,
    settings: &ServerSettings,
) -> Map<String, Value> {
    let mut map = base(asset, account, settings);
    let signature = signature::sign_response(
        &asset.public_id,
        asset.media.version,
        &account.api_secret,
        settings.signature_algorithm,
    );
    map.insert("signature".into(), json!(signature));
    insert_upload_details(&mut map, asset, account, settings);
    map
}

/// The own part of an `upload` notification: the upload's answer without its signature.
pub(crate) fn announced(
    asset: &Asset,
    account: &Account,
    settings: &ServerSettings,
    at: Moment,
) -> Map<String, Value> {
    let mut map = base(asset, account, settings);
    insert_upload_details(&mut map, asset, account, settings);
    if settings.empty_keys_omitted {
        map.remove("access_mode");
    }
    insert_request(&mut map, at);
    map
}

/// `timestamp` and `request_id`, which some events carry at their top.
pub(crate) fn insert_request(map: &mut Map<String, Value>, at: Moment) {
    map.insert("timestamp".into(), json!(at.iso_offset()));
    map.insert("request_id".into(), json!(Id::random()));
}

fn insert_upload_details(
    map: &mut Map<String, Value>,
    asset: &Asset,
    account: &Account,
    settings: &ServerSettings,
) {
    map.insert("version_id".into(), json!(asset.media.version_id));
    map.insert("etag".into(), json!(asset.media.content.etag()));
    map.insert("placeholder".into(), json!(is_hidden(asset, settings)));
    map.insert("tags".into(), json!(asset.tags));
    if !asset.context.is_empty() {
        map.insert("context".into(), full_context(asset));
    }
    if !asset.metadata.is_empty() {
        map.insert("metadata".into(), json!(asset.metadata));
    }
    if let Some(name) = &asset.original_filename {
        map.insert("original_filename".into(), json!(name));
    }
    insert_access(map, asset);
    insert_moderation(map, asset);
    map.insert("api_key".into(), json!(account.api_key));
}

fn insert_moderation(map: &mut Map<String, Value>, asset: &Asset) {
    if let Some(status) = &asset.moderation_status {
        let moderation = json!([{"kind": "manual", "status": status}]);
        map.insert("moderation".into(), moderation);
    }
}

/// Answers to uploads tell tags as they were sent; listings, looks and searches by the alphabet.
fn sorted_tags(asset: &Asset) -> Vec<&String> {
    let mut tags: Vec<_> = asset.tags.iter().collect();
    tags.sort();
    tags
}

/// An asset in a listing of the Admin API.
pub(crate) fn listed(
    asset: &Asset,
    account: &Account,
    settings: &ServerSettings,
    shown: &Shown,
) -> Value {
    if let Some(fields) = &shown.fields {
        let mut all = detailed(asset, account, settings);
        all.retain(|key, _| {
            key == "public_id" || key == "asset_id" || fields.iter().any(|field| field == key)
        });
        return Value::Object(all);
    }
    let mut map = base(asset, account, settings);
    insert_access(&mut map, asset);
    let omit = settings.empty_keys_omitted;
    if shown.tags {
        map.insert("tags".into(), json!(sorted_tags(asset)));
    }
    if shown.context && !(omit && asset.context.is_empty()) {
        map.insert("context".into(), full_context(asset));
    }
    if shown.metadata && !(omit && asset.metadata.is_empty()) {
        map.insert("metadata".into(), json!(asset.metadata));
    }
    if shown.moderation {
        insert_moderation(&mut map, asset);
    }
    if settings.etag_in_listings {
        map.insert("etag".into(), json!(asset.media.content.etag()));
    }
    if settings.last_updated_in_listings {
        map.insert("last_updated".into(), last_updated(&asset.last_updated));
    }
    Value::Object(map)
}

/// One asset, with all that is known of it.
pub(crate) fn detailed(
    asset: &Asset,
    account: &Account,
    settings: &ServerSettings,
) -> Map<String, Value> {
    let mut map = base(asset, account, settings);
    insert_upload_details(&mut map, asset, account, settings);
    map.remove("api_key");
    if asset.tags.is_empty() {
        map.remove("tags");
    } else {
        map.insert("tags".into(), json!(sorted_tags(asset)));
    }
    if !is_hidden(asset, settings) {
        map.remove("placeholder");
    }
    map.insert("backup".into(), json!(!asset.backups.is_empty()));
    map.insert("uploaded_at".into(), json!(asset.media.uploaded_at.iso()));
    map.insert("last_updated".into(), last_updated(&asset.last_updated));
    map
}

pub(crate) fn versions(asset: &Asset) -> Value {
    let one = |media: &Media| {
        json!({
            "version_id": media.version_id,
            "version": media.version.to_string(),
            "format": media.format,
            "size": media.content.bytes(),
            "time": media.uploaded_at.iso(),
            "restorable": true,
        })
    };
    asset.backups.iter().rev().map(one).collect()
}

pub(crate) fn last_updated(times: &LastUpdated) -> Value {
    let mut map = Map::new();
    map.insert("updated_at".into(), json!(times.updated_at.iso()));
    let facets = [
        ("tags_updated_at", times.tags),
        ("context_updated_at", times.context),
        ("metadata_updated_at", times.metadata),
        ("public_id_updated_at", times.public_id),
        ("access_control_updated_at", times.access_control),
    ];
    for (name, at) in facets {
        if let Some(at) = at {
            map.insert(name.into(), json!(at.iso()));
        }
    }
    Value::Object(map)
}

/// An asset as a search finds it: context is flat here.
pub(crate) fn found(
    asset: &Asset,
    account: &Account,
    settings: &ServerSettings,
    shown: &Shown,
) -> Value {
    let mut map = base(asset, account, settings);
    map.insert("filename".into(), json!(asset.filename()));
    map.insert("status".into(), json!(asset.status()));
    map.insert("uploaded_at".into(), json!(asset.media.uploaded_at.iso()));
    map.insert("access_mode".into(), json!("public"));
    map.insert("etag".into(), json!(asset.media.content.etag()));
    map.insert("created_by".into(), json!({"access_key": account.api_key}));
    map.insert("uploaded_by".into(), json!({"access_key": account.api_key}));
    let wants = |field: &str| {
        shown
            .fields
            .as_ref()
            .is_some_and(|fields| fields.iter().any(|f| f == field))
    };
    let omit = settings.empty_keys_omitted;
    if shown.tags || wants("tags") {
        map.insert("tags".into(), json!(sorted_tags(asset)));
    }
    if (shown.context || wants("context")) && !(omit && asset.context.is_empty()) {
        map.insert("context".into(), json!(asset.context));
    }
    if (shown.metadata || wants("metadata")) && !(omit && asset.metadata.is_empty()) {
        map.insert("metadata".into(), json!(asset.metadata));
    }
    if settings.last_updated_in_search || wants("last_updated") {
        map.insert("last_updated".into(), last_updated(&asset.last_updated));
    }
    if let Some(fields) = &shown.fields {
        map.retain(|key, _| {
            ALWAYS_FOUND.contains(&key.as_str()) || fields.iter().any(|f| f == key)
        });
    }
    Value::Object(map)
}

const ALWAYS_FOUND: [&str; 8] = [
    "public_id",
    "asset_id",
    "asset_folder",
    "folder",
    "created_at",
    "status",
    "type",
    "resource_type",
];

//! Uploading: a new asset, a new version of one, or the one that is already there.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::addons;
use super::file::{self, Received};
use super::naming::{self, Folders, NamedFile, Names};
use super::{destroy, edit};
use crate::app::App;
use crate::delivery;
use crate::error::ApiError;
use crate::model::{
    Asset, Content, DeliveryType, Id, Kind, LastUpdated, Media, ResourceType, Sniffed, sniff,
};
use crate::notify::events;
use crate::params::Params;
use crate::store::{Actor, Transaction};
use crate::view;

pub(crate) async fn upload(
    app: &App,
    actor: &Actor,
    kind: Option<ResourceType>,
    params: &Params,
    headers: &HeaderMap,
) -> Result<Value, ApiError> {
    addons::refuse_at_upload(params, kind)?;
    let mut incoming = match file::receive(app, params, headers).await? {
        Received::Whole(incoming) => incoming,
        Received::Part(chunk) => return Ok(naming::unfinished(params, kind, &chunk)),
    };
    if incoming.bytes.is_empty() {
        return Err(ApiError::bad_request("Empty file"));
    }
    incoming.bytes = converted(incoming.bytes, kind, params).await?;
    let sniffed = sniff(&incoming.bytes);
    let kind = resource_type(kind, &sniffed)?;
    check_format(params, kind, &sniffed, incoming.filename.as_deref())?;
    let content = app
        .files
        .store(&incoming.bytes)
        .await
        .map_err(|error| file::storage(&error))?;
    let upload = headers.get("x-unique-upload-id");
    let names = Names::choose(
        params,
        NamedFile {
            kind,
            format: sniffed.format.as_deref(),
            filename: incoming.filename.as_deref(),
            upload: upload.and_then(|value| value.to_str().ok()),
        },
    );
    let delivery = params.delivery_type("type")?;
    app.store.commit(actor, |transaction| {
        let sent = Sent {
            params,
            kind,
            delivery,
            sniffed: &sniffed,
            content,
            names,
        };
        let (asset, flag) = place(transaction, app, sent)?;
        let mut answer = view::uploaded(&asset, &app.account, transaction.settings());
        if let Some(flag) = flag {
            answer.insert(flag.to_owned(), json!(true));
        }
        if params.is_set("return_delete_token") {
            let token = destroy::token(&app.account, asset.asset_id, transaction.now().seconds());
            answer.insert("delete_token".into(), json!(token));
        }
        Ok(Value::Object(answer))
    })
}

/// `format`: a picture is stored in this one, whichever it came in.
async fn converted(
    bytes: Bytes,
    kind: Option<ResourceType>,
    params: &Params,
) -> Result<Bytes, ApiError> {
    let is_picture = kind != Some(ResourceType::Raw) && sniff(&bytes).kind == Kind::Image;
    let Some(format) = params.filled("format").filter(|_| is_picture) else {
        return Ok(bytes);
    };
    let format = format.to_owned();
    let made = tokio::task::spawn_blocking(move || delivery::convert(&bytes, &format)).await;
    let made = made.map_err(|error| ApiError::internal(error.to_string()))?;
    made.map(Bytes::from).map_err(ApiError::bad_request)
}

fn resource_type(
    wanted: Option<ResourceType>,
    sniffed: &Sniffed,
) -> Result<ResourceType, ApiError> {
    match (wanted, sniffed.kind) {
        (None | Some(ResourceType::Image), Kind::Image) => Ok(ResourceType::Image),
        (None | Some(ResourceType::Video), Kind::Video) => Ok(ResourceType::Video),
        (None | Some(ResourceType::Raw), _) => Ok(ResourceType::Raw),
        (Some(ResourceType::Image), _) => Err(ApiError::bad_request("Invalid image file")),
        (Some(ResourceType::Video), _) => {
            Err(ApiError::bad_request("Unsupported video format or file"))
        }
    }
}

/// `allowed_formats`: by content, and where that tells nothing, by name.
fn check_format(
    params: &Params,
    kind: ResourceType,
    sniffed: &Sniffed,
    filename: Option<&str>,
) -> Result<(), ApiError> {
    let Some(allowed) = params.filled("allowed_formats") else {
        return Ok(());
    };
    let extension = filename.and_then(|name| Some(name.rsplit_once('.')?.1.to_lowercase()));
    let format = sniffed.format.clone().or(extension).unwrap_or_default();
    if allowed.split(',').any(|one| one.trim() == format) {
        return Ok(());
    }
    let kind = match kind {
        ResourceType::Image => "Image",
        ResourceType::Video => "Video",
        ResourceType::Raw => "Raw",
    };
    Err(ApiError::bad_request(format!(
        "{kind} file format {format} not allowed"
    )))
}

struct Sent<'a> {
    params: &'a Params,
    kind: ResourceType,
    delivery: DeliveryType,
    sniffed: &'a Sniffed,
    content: Content,
    names: Names,
}

/// Puts the upload where it belongs; the text is the flag that the answer and the event carry.
fn place(
    transaction: &mut Transaction<'_>,
    app: &App,
    sent: Sent<'_>,
) -> Result<(Asset, Option<&'static str>), ApiError> {
    let settings = transaction.settings();
    let folder = Folders::of(sent.params, settings);
    let public_id = folder.prefixed(&sent.names.public_id);
    naming::check_public_id(&public_id, settings)?;
    let name = (sent.kind, sent.delivery, public_id);
    let known = transaction.state().by_name(&name).cloned();
    let live = known.as_ref().filter(|asset| asset.is_live());
    let overwrite = sent.params.flag("overwrite").unwrap_or(true);
    if let Some(existing) = live.filter(|_| !overwrite) {
        if settings.existing_emits_upload {
            events::upload(transaction, &app.account, existing, Some("existing"));
        }
        return Ok((Asset::clone(existing), Some("existing")));
    }
    let flag = live.map(|_| "overwritten");
    let reused = known.filter(|asset| asset.is_live() || settings.asset_id_reused_after_backup);
    let mut asset = match &reused {
        Some(old) => next_version(old, &sent, transaction),
        None => fresh(name.2, &sent, transaction),
    };
    if let Some(folder) = folder.asset_folder {
        asset.asset_folder = folder;
    }
    let now = transaction.now();
    edit::apply(&mut asset, sent.params, transaction.state(), false, now)?;
    edit::complete_metadata(&mut asset, transaction.state())?;
    asset.last_updated.updated_at = now;
    if sent.params.filled("moderation").is_some() {
        asset.moderation_status = Some("pending".to_owned());
    }
    if settings.backups || sent.params.is_set("backup") {
        asset.backups.push(asset.media.clone());
    }
    let folder = asset.folder(settings.dynamic_folders()).to_owned();
    transaction.ensure_folder(&folder);
    edit::grow_lists(transaction, &asset);
    let asset = transaction.put(asset);
    events::upload(transaction, &app.account, &asset, flag);
    Ok((Asset::clone(&asset), flag))
}

fn media(sent: &Sent<'_>, transaction: &Transaction<'_>, not_before: i64) -> Media {
    let raw = sent.kind == ResourceType::Raw;
    Media {
        version: transaction.now().seconds().max(not_before),
        version_id: Id::random(),
        content: sent.content.clone(),
        format: sent.sniffed.format.clone().filter(|_| !raw),
        width: sent.sniffed.width.filter(|_| !raw),
        height: sent.sniffed.height.filter(|_| !raw),
        duration: (sent.kind == ResourceType::Video).then_some(1.0),
        uploaded_at: transaction.now(),
    }
}

fn fresh(public_id: String, sent: &Sent<'_>, transaction: &mut Transaction<'_>) -> Asset {
    let now = transaction.now();
    let mut asset = Asset {
        asset_id: Id::random(),
        public_id,
        resource_type: sent.kind,
        delivery_type: sent.delivery,
        media: media(sent, transaction, 0),
        created_at: now,
        sequence: transaction.next_sequence(),
        last_updated: LastUpdated {
            updated_at: now,
            ..LastUpdated::default()
        },
        tags: Vec::new(),
        context: BTreeMap::new(),
        metadata: Map::new(),
        asset_folder: String::new(),
        display_name: String::new(),
        original_filename: sent.names.original.clone(),
        access_control: None,
        moderation_status: None,
        deleted_at: None,
        backups: Vec::new(),
    };
    if transaction.settings().dynamic_folders() {
        asset.display_name = default_display_name(&asset, sent);
    }
    asset
}

fn default_display_name(asset: &Asset, sent: &Sent<'_>) -> String {
    match &sent.names.original {
        Some(name) if sent.params.is_set("use_filename_as_display_name") => name.clone(),
        _ => asset.filename().to_owned(),
    }
}

/// New bytes under an old identity: an overwrite, or a name that comes back from the backup.
fn next_version(old: &Asset, sent: &Sent<'_>, transaction: &mut Transaction<'_>) -> Asset {
    let settings = transaction.settings();
    let mut asset = old.clone();
    asset.media = media(sent, transaction, old.media.version);
    asset.original_filename = sent.names.original.clone();
    asset.moderation_status = None;
    if asset.deleted_at.take().is_some() || !settings.created_at_kept_on_overwrite {
        asset.created_at = transaction.now();
        asset.sequence = transaction.next_sequence();
    }
    let retained = settings.overwrite_retains && old.is_live();
    if !retained {
        asset.tags.clear();
        asset.context.clear();
        asset.metadata.clear();
        edit::stamp(old, &mut asset, transaction.now());
    }
    if !old.is_live() && settings.dynamic_folders() {
        asset.asset_folder = String::new();
        asset.display_name = default_display_name(&asset, sent);
    }
    asset
}

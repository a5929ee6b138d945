//! The Upload API: signed calls that change assets, not counted against the hourly quota.

use std::collections::BTreeMap;

use bytes::Bytes;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::call::{Body, Call, Param};
use super::name_lists::check_names;
use super::{CloudinaryAnswer, CloudinaryClient, CloudinaryError, CloudinaryResource, escape};
use crate::asset::{AssetId, DeliveryName, ResourceType};

/// The most public ids that one change of tags, context or metadata processes. Further ones are
/// skipped by Cloudinary without a word.
pub const MAX_PUBLIC_IDS: usize = 1000;

/// The most tags times public ids in one change of tags. Cloudinary refuses more.
pub const MAX_TAGS_TIMES_IDS: usize = 10_000;

/// The outcome of one asset's destruction. Both are success: it is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DestroyOutcome {
    Ok,
    NotFound,
}

/// A new name for an asset.
#[derive(Debug, Clone)]
pub struct RenameRequest<'a> {
    pub from: &'a DeliveryName,
    pub to_public_id: &'a str,
    /// Moves to another delivery type (`upload`, `private`, `authenticated`).
    pub to_type: Option<&'a str>,
    /// Replaces the asset that has that name.
    pub overwrite: bool,
    pub invalidate: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagCommand {
    Add,
    Remove,
    Replace,
    RemoveAll,
}

#[derive(Debug, Clone)]
pub enum ContextCommand<'a> {
    /// Merges; an empty value deletes its key.
    Add(&'a BTreeMap<String, String>),
    RemoveAll,
}

/// Which assets a bulk change is for: public ids of one resource and delivery type.
#[derive(Debug, Clone, Copy)]
pub struct BulkTargets<'a> {
    pub resource_type: ResourceType,
    pub delivery_type: &'a str,
    /// At most [`MAX_PUBLIC_IDS`]. A name that a list may be split within is refused:
    /// [`CloudinaryClient::update_resource`] names its asset by id.
    pub public_ids: &'a [String],
}

/// Which assets a bulk change was applied to: compare with the request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct BulkOutcome {
    #[serde(default)]
    pub public_ids: Vec<String>,
    #[serde(default)]
    pub unauthorized: Vec<String>,
}

/// The content of an upload.
#[derive(Debug, Clone)]
pub enum UploadSource {
    Bytes {
        data: Bytes,
        filename: String,
    },
    /// An address that Cloudinary fetches, or a data URI.
    Url(String),
}

/// The options of an upload. An overwrite without tags, context and metadata may clear them.
#[derive(Debug, Clone, Default)]
pub struct UploadOptions {
    /// `None` lets Cloudinary decide.
    pub resource_type: Option<ResourceType>,
    pub delivery_type: Option<String>,
    pub public_id: Option<String>,
    /// Dynamic folder mode.
    pub asset_folder: Option<String>,
    /// Fixed folder mode.
    pub folder: Option<String>,
    pub display_name: Option<String>,
    pub tags: Vec<String>,
    pub context: BTreeMap<String, String>,
    pub metadata: Map<String, Value>,
    /// Formats that the file may have, by its content; none means any.
    pub allowed_formats: Vec<String>,
    /// Cloudinary's default is to overwrite.
    pub overwrite: Option<bool>,
    pub invalidate: bool,
}

impl CloudinaryClient {
    /// Deletes the original and all derived files of one asset; `invalidate` also clears the CDN.
    ///
    /// # Errors
    /// See [`CloudinaryError`].
    pub async fn destroy(
        &self,
        id: &AssetId,
        invalidate: bool,
    ) -> Result<CloudinaryAnswer<DestroyOutcome>, CloudinaryError> {
        #[derive(Deserialize)]
        struct Outcome {
            result: String,
        }
        let doing = format!("destroy asset {id}");
        let params = vec![
            ("asset_id", one(id.as_str())),
            ("invalidate", flag(invalidate)),
        ];
        let answer = self
            .call::<Outcome>(signed(doing.clone(), ["asset", "destroy"], params, true))
            .await?;
        let destroyed = match answer.value.result.as_str() {
            "ok" => DestroyOutcome::Ok,
            "not found" => DestroyOutcome::NotFound,
            other => {
                return Err(CloudinaryError::Unreadable {
                    doing,
                    status: 200,
                    excerpt: format!("the unknown result `{other}`"),
                    source: None,
                });
            }
        };
        Ok(answer.map(|_| destroyed))
    }

    /// Renames an asset; its id stays.
    ///
    /// # Errors
    /// See [`CloudinaryError`]; a taken name is a refusal.
    pub async fn rename(
        &self,
        rename: &RenameRequest<'_>,
    ) -> Result<CloudinaryAnswer<CloudinaryResource>, CloudinaryError> {
        let mut params = vec![
            ("from_public_id", one(&rename.from.public_id)),
            ("to_public_id", one(rename.to_public_id)),
            ("type", one(&rename.from.delivery_type)),
            ("overwrite", flag(rename.overwrite)),
            ("invalidate", flag(rename.invalidate)),
            // Asks for them in the answer.
            ("context", flag(true)),
            ("metadata", flag(true)),
        ];
        params.extend(rename.to_type.map(|to_type| ("to_type", one(to_type))));
        let kind = rename.from.resource_type.as_str();
        let doing = format!("rename {} to {}", rename.from, rename.to_public_id);
        self.call(signed(doing, [kind, "rename"], params, false))
            .await
    }

    /// Adds, removes or replaces tags of many assets.
    ///
    /// # Errors
    /// See [`CloudinaryError`]; a tag with a comma cannot be written and is refused here.
    pub async fn update_tags(
        &self,
        targets: BulkTargets<'_>,
        command: TagCommand,
        tags: &[String],
    ) -> Result<CloudinaryAnswer<BulkOutcome>, CloudinaryError> {
        let doing = targets.doing("tags");
        let word = match command {
            TagCommand::Add => "add",
            TagCommand::Remove => "remove",
            TagCommand::Replace => "replace",
            TagCommand::RemoveAll => "remove_all",
        };
        let mut params = vec![("command", one(word))];
        if command != TagCommand::RemoveAll {
            params.push(("tag", Param::One(join_tags(&doing, tags)?)));
        }
        self.change(targets, doing, "tags", params).await
    }

    /// Merges into, or clears, the context of many assets.
    ///
    /// # Errors
    /// See [`CloudinaryError`].
    pub async fn update_context(
        &self,
        targets: BulkTargets<'_>,
        command: ContextCommand<'_>,
    ) -> Result<CloudinaryAnswer<BulkOutcome>, CloudinaryError> {
        let params = match command {
            ContextCommand::Add(pairs) => vec![
                ("command", one("add")),
                ("context", Param::One(escape::pairs(pairs))),
            ],
            ContextCommand::RemoveAll => vec![("command", one("remove_all"))],
        };
        self.change(targets, targets.doing("context"), "context", params)
            .await
    }

    /// Sets structured metadata fields of many assets; null clears a field.
    ///
    /// # Errors
    /// See [`CloudinaryError`].
    pub async fn update_metadata(
        &self,
        targets: BulkTargets<'_>,
        metadata: &Map<String, Value>,
    ) -> Result<CloudinaryAnswer<BulkOutcome>, CloudinaryError> {
        let params = vec![("metadata", Param::One(metadata_pairs(metadata)))];
        self.change(targets, targets.doing("metadata"), "metadata", params)
            .await
    }

    /// Uploads a file. The answer's `existing` says that `overwrite: false` met an asset.
    ///
    /// # Errors
    /// See [`CloudinaryError`]. A lost answer is not repeated, for it may have been stored.
    pub async fn upload(
        &self,
        source: UploadSource,
        options: &UploadOptions,
    ) -> Result<CloudinaryAnswer<CloudinaryResource>, CloudinaryError> {
        let doing = match &options.public_id {
            Some(id) => format!("upload {id}"),
            None => "upload a file".to_owned(),
        };
        let mut params = upload_params(&doing, options)?;
        let body = match source {
            UploadSource::Url(url) => {
                params.push(("file", Param::One(url)));
                Body::Signed(params)
            }
            UploadSource::Bytes { data, filename } => Body::File {
                params,
                file: data,
                filename,
            },
        };
        let kind = options.resource_type.map_or("auto", ResourceType::as_str);
        self.call(Call::new(
            doing,
            Method::POST,
            [kind, "upload"],
            body,
            false,
        ))
        .await
    }

    /// All three bulk changes come to the same state when repeated.
    async fn change(
        &self,
        targets: BulkTargets<'_>,
        doing: String,
        action: &'static str,
        mut params: Vec<(&'static str, Param)>,
    ) -> Result<CloudinaryAnswer<BulkOutcome>, CloudinaryError> {
        if !(1..=MAX_PUBLIC_IDS).contains(&targets.public_ids.len()) {
            return Err(CloudinaryError::Invalid {
                doing,
                reason: format!("one call takes 1 to {MAX_PUBLIC_IDS} public ids"),
            });
        }
        check_names(&doing, targets.public_ids)?;
        params.push(("public_ids", Param::Many(targets.public_ids.to_vec())));
        params.push(("type", one(targets.delivery_type)));
        self.call(signed(
            doing,
            [targets.resource_type.as_str(), action],
            params,
            true,
        ))
        .await
    }
}

impl BulkTargets<'_> {
    fn doing(&self, what: &str) -> String {
        match self.public_ids {
            [one] => format!(
                "update {what} of {}/{}/{one}",
                self.resource_type, self.delivery_type
            ),
            many => format!("update {what} of {} assets", many.len()),
        }
    }
}

/// The form in which Cloudinary takes a list of tags.
pub(super) fn join_tags(doing: &str, tags: &[String]) -> Result<String, CloudinaryError> {
    match tags.iter().find(|tag| tag.contains(',')) {
        Some(tag) => Err(CloudinaryError::Invalid {
            doing: doing.to_owned(),
            reason: format!("the tag `{tag}` holds a comma, which separates tags"),
        }),
        None => Ok(tags.join(",")),
    }
}

fn upload_params(
    doing: &str,
    options: &UploadOptions,
) -> Result<Vec<(&'static str, Param)>, CloudinaryError> {
    let mut params = vec![("invalidate", flag(options.invalidate))];
    let texts = [
        ("type", &options.delivery_type),
        ("public_id", &options.public_id),
        ("asset_folder", &options.asset_folder),
        ("folder", &options.folder),
        ("display_name", &options.display_name),
    ];
    for (name, text) in texts {
        params.extend(text.as_ref().map(|text| (name, one(text))));
    }
    params.extend(
        options
            .overwrite
            .map(|overwrite| ("overwrite", flag(overwrite))),
    );
    if !options.tags.is_empty() {
        params.push(("tags", Param::One(join_tags(doing, &options.tags)?)));
    }
    if !options.allowed_formats.is_empty() {
        let formats = options.allowed_formats.join(",");
        params.push(("allowed_formats", Param::One(formats)));
    }
    if !options.context.is_empty() {
        params.push(("context", Param::One(escape::pairs(&options.context))));
    }
    if !options.metadata.is_empty() {
        params.push(("metadata", Param::One(metadata_pairs(&options.metadata))));
    }
    Ok(params)
}

pub(super) fn metadata_pairs(metadata: &Map<String, Value>) -> String {
    escape::pairs(
        metadata
            .iter()
            .map(|(field, value)| (field, escape::metadata_value(value))),
    )
}

fn one(value: &str) -> Param {
    Param::One(value.to_owned())
}

fn flag(value: bool) -> Param {
    one(if value { "1" } else { "0" })
}

fn signed<const N: usize>(
    doing: String,
    path: [&str; N],
    params: Vec<(&'static str, Param)>,
    repeatable: bool,
) -> Call {
    Call::new(doing, Method::POST, path, Body::Signed(params), repeatable)
}

//! The name of an upload, and the folder that it goes to.

use rand::Rng;
use rand::distr::Alphanumeric;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::file::Chunk;
use crate::error::ApiError;
use crate::model::ResourceType;
use crate::params::Params;
use crate::settings::ServerSettings;

/// The answer to every chunk but the last. It tells the name that the whole will have.
pub(super) fn unfinished(params: &Params, kind: Option<ResourceType>, chunk: &Chunk) -> Value {
    // What the whole is, the parts do not tell; only raw files keep their extension.
    let file = NamedFile {
        kind: kind.unwrap_or(ResourceType::Image),
        format: None,
        filename: chunk.filename.as_deref(),
        upload: Some(&chunk.upload),
    };
    let public_id = Names::choose(params, file).public_id;
    json!({"done": false, "bytes": chunk.bytes, "public_id": public_id, "kind": "upload"})
}

/// The parts from which the name of a file is made.
#[derive(Clone, Copy)]
pub(super) struct NamedFile<'a> {
    pub(super) kind: ResourceType,
    pub(super) format: Option<&'a str>,
    pub(super) filename: Option<&'a str>,
    /// The id of an upload in chunks, which all get the same name by it.
    pub(super) upload: Option<&'a str>,
}

/// The wanted names of an upload, before folders.
pub(super) struct Names {
    pub(super) public_id: String,
    pub(super) original: Option<String>,
}

impl Names {
    pub(super) fn choose(params: &Params, file: NamedFile<'_>) -> Self {
        let filename = params.filled("filename_override").or(file.filename);
        let filename = filename.and_then(|name| name.rsplit(['/', '\\']).next());
        let (stem, extension) = match filename.map(|name| name.rsplit_once('.').ok_or(name)) {
            Some(Ok((stem, extension))) if !stem.is_empty() => (Some(stem), Some(extension)),
            Some(Ok((_, name)) | Err(name)) => (Some(name), None),
            None => (None, None),
        };
        let suffix = match (file.kind, extension.or(file.format)) {
            (ResourceType::Raw, Some(extension)) => format!(".{extension}"),
            _ => String::new(),
        };
        let public_id = match (params.filled("public_id"), stem) {
            (Some(given), _) => given.trim_matches('/').to_owned(),
            (None, Some(stem)) if params.is_set("use_filename") => {
                let stem = cleaned(stem);
                if params.flag("unique_filename") == Some(false) {
                    format!("{stem}{suffix}")
                } else {
                    format!("{stem}_{}{suffix}", unique_text(file.upload, 6))
                }
            }
            (None, _) => format!("{}{suffix}", unique_text(file.upload, 20)),
        };
        Self {
            public_id,
            original: stem.map(str::to_owned),
        }
    }
}

/// The same for all chunks of one upload, without remembering anything; otherwise by chance.
fn unique_text(upload: Option<&str>, length: usize) -> String {
    match upload {
        Some(upload) => hex::encode(Sha256::digest(upload))[..length].to_owned(),
        None => random_text(length),
    }
}

/// Refuses a public id that Cloudinary's naming rules forbid.
pub(super) fn check_public_id(public_id: &str, settings: &ServerSettings) -> Result<(), ApiError> {
    let has_bounds = (1..=255).contains(&public_id.len());
    let is_named_well = public_id.trim() == public_id && !public_id.contains(FORBIDDEN);
    if has_bounds && (is_named_well || settings.any_public_id) {
        return Ok(());
    }
    let message = format!("public_id ({public_id}) is invalid");
    Err(ApiError::bad_request(message))
}

const FORBIDDEN: [char; 8] = ['?', '&', '#', '\\', '%', '<', '>', '+'];

/// Characters that Cloudinary replaces when a file name becomes a public id.
fn cleaned(stem: &str) -> String {
    stem.trim()
        .chars()
        .map(|c| {
            if c == ' ' || FORBIDDEN.contains(&c) {
                '_'
            } else {
                c
            }
        })
        .collect()
}

fn random_text(length: usize) -> String {
    let mut dice = rand::rng();
    (0..length)
        .map(|_| char::from(dice.sample(Alphanumeric)).to_ascii_lowercase())
        .collect()
}

/// Where an upload goes, by the rules of the account's folder mode.
pub(super) struct Folders {
    pub(super) asset_folder: Option<String>,
    prefix: String,
}

impl Folders {
    pub(super) fn of(params: &Params, settings: &ServerSettings) -> Self {
        let text = |name: &str| {
            params
                .filled(name)
                .map(|path| path.trim_matches('/').to_owned())
        };
        let prefix = text("public_id_prefix");
        if !settings.dynamic_folders() {
            let prefix = text("folder").or(prefix).unwrap_or_default();
            return Self {
                asset_folder: None,
                prefix,
            };
        }
        // `folder` is the old name: it sets both, as long as the new names do not.
        let asset_folder = text("asset_folder").or(text("folder"));
        let prefix = prefix.or(text("folder")).or_else(|| {
            let use_folder = params.is_set("use_asset_folder_as_public_id_prefix");
            asset_folder.clone().filter(|_| use_folder)
        });
        Self {
            asset_folder,
            prefix: prefix.unwrap_or_default(),
        }
    }

    pub(super) fn prefixed(&self, public_id: &str) -> String {
        if self.prefix.is_empty() {
            public_id.to_owned()
        } else {
            format!("{}/{public_id}", self.prefix)
        }
    }
}

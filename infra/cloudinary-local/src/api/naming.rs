//! The name of an upload, and the folder that it goes to.

use http::HeaderMap;
use rand::Rng;
use rand::distr::Alphanumeric;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::file::Incoming;
use crate::model::{ResourceType, Sniffed};
use crate::params::Params;
use crate::settings::ServerSettings;

/// The answer to every chunk but the last.
pub(super) fn unfinished(params: &Params, upload: &str, bytes: u64) -> Value {
    let public_id = params
        .filled("public_id")
        .map_or_else(|| chunked_public_id(upload), str::to_owned);
    json!({"done": false, "bytes": bytes, "public_id": public_id, "kind": "upload"})
}

/// The same for all chunks of one upload, without remembering anything.
fn chunked_public_id(upload: &str) -> String {
    hex::encode(&Sha256::digest(upload)[..10])
}

/// The wanted names of an upload, before folders.
pub(super) struct Names {
    pub(super) public_id: String,
    pub(super) original: Option<String>,
}

impl Names {
    pub(super) fn choose(
        params: &Params,
        kind: ResourceType,
        sniffed: &Sniffed,
        incoming: &Incoming,
        headers: &HeaderMap,
    ) -> Self {
        let filename = params
            .filled("filename_override")
            .map(str::to_owned)
            .or(incoming.filename.clone());
        let filename = filename.map(|name| {
            name.rsplit(['/', '\\'])
                .next()
                .unwrap_or_default()
                .to_owned()
        });
        let (stem, extension) = match filename
            .as_deref()
            .map(|name| name.rsplit_once('.').ok_or(name))
        {
            Some(Ok((stem, extension))) if !stem.is_empty() => {
                (Some(stem.to_owned()), Some(extension.to_owned()))
            }
            Some(Ok((_, name)) | Err(name)) => (Some(name.to_owned()), None),
            None => (None, None),
        };
        let suffix = match (kind, extension.or(sniffed.format.clone())) {
            (ResourceType::Raw, Some(extension)) => format!(".{extension}"),
            _ => String::new(),
        };
        let public_id = match (params.filled("public_id"), &stem) {
            (Some(given), _) => given.trim_matches('/').to_owned(),
            (None, Some(stem)) if params.is_set("use_filename") => {
                let stem = cleaned(stem);
                if params.flag("unique_filename") == Some(false) {
                    format!("{stem}{suffix}")
                } else {
                    format!("{stem}_{}{suffix}", random_text(6))
                }
            }
            (None, _) => {
                let chunked = headers
                    .get("x-unique-upload-id")
                    .and_then(|value| value.to_str().ok());
                format!(
                    "{}{suffix}",
                    chunked.map_or_else(|| random_text(20), chunked_public_id)
                )
            }
        };
        Self {
            public_id,
            original: stem,
        }
    }
}

/// Characters that Cloudinary replaces when a file name becomes a public id.
fn cleaned(stem: &str) -> String {
    stem.trim()
        .chars()
        .map(|c| if "?&#\\%<>+ ".contains(c) { '_' } else { c })
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

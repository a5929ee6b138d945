//! From a widget's request to the signed parameters (pure).
//!
//! A signature is good for everything sent with it: any file, and any of the parameters that it
//! covers. So only listed parameters are signed, the name is pinned, and the parameters that bind
//! the upload are added here in any case.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::proof::PROOF_KEY;
use super::{ChosenName, NamingWishes, UploadProof, UploadRefusal, UploadRules, Uploader};
use crate::asset::ResourceType;
use crate::cloudinary::signature::sign_params;
use crate::cloudinary::{ApiCredentials, escape};
use crate::time::Timestamp;
use crate::value_rules::{DISPLAY_NAME, TAG};

/// The parameters that may be signed. The rest is refused by name.
pub const SIGNABLE: [&str; 12] = [
    "asset_folder",
    "context",
    "display_name",
    "filename_override",
    "folder",
    "metadata",
    "overwrite",
    "public_id",
    "source",
    "tags",
    "timestamp",
    "type",
];

/// The time after its timestamp in which Cloudinary takes a signature, in seconds.
const TAKEN_FOR: i64 = 3600;

/// The Upload Widget's name for itself.
const WIDGET: &str = "uw";

/// Bytes that all parameters together may have.
const LONGEST: usize = 16 * 1024;

/// An upload that may be signed, once its name is known to be free or the caller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignableUpload {
    pub named: ChosenName,
    /// True if the request asks to replace an existing asset.
    pub overwrite: bool,
    params: BTreeMap<&'static str, String>,
}

/// The request.
#[derive(Debug, Clone, Copy)]
pub struct SigningRequest<'a> {
    /// As the widget calls its parameters.
    pub params: &'a Map<String, Value>,
    /// The name of the file, if it is told, from which a public id is chosen.
    pub filename: Option<&'a str>,
    /// To which of Cloudinary's addresses the file will be sent; `None` for `auto`.
    pub resource_type: Option<ResourceType>,
}

impl SigningRequest<'_> {
    /// Checks the request and pins the parameters to be signed.
    ///
    /// # Errors
    /// Naming the parameter that is not signed, or why.
    pub fn plan(
        &self,
        rules: &UploadRules,
        uploader: Uploader,
        upload: Uuid,
    ) -> Result<SignableUpload, UploadRefusal> {
        let mut given = self.read()?;
        if let Some(kind) = self.resource_type {
            super::content::check_allowed_type(kind, rules)?;
        }
        expect(&given, "source", WIDGET)?;
        expect(&given, "type", "upload")?;
        given.remove("type");
        given.remove("timestamp");
        let overwrite = match given.remove("overwrite").as_deref() {
            None | Some("0" | "false") => false,
            Some("1" | "true") => true,
            Some(_) => return Err(UploadRefusal::parameter("overwrite", "must be 1 or 0")),
        };
        let folder = match (given.remove("folder"), given.remove("asset_folder")) {
            (Some(one), Some(other)) if one != other => {
                return Err(UploadRefusal::parameter(
                    "folder",
                    "says something else than asset_folder: give one of them",
                ));
            }
            (one, other) => other.or(one),
        };
        let public_id = given.remove("public_id");
        let naming = NamingWishes {
            public_id: public_id.as_deref(),
            folder: folder.as_deref(),
            filename: self
                .filename
                .or(given.get("filename_override").map(String::as_str)),
            resource_type: self.resource_type,
        };
        let named = naming.choose(rules, uploader, upload)?;
        let mut params = given;
        params.insert("public_id", named.public_id.clone());
        if let Some(shown) = &named.display_name {
            params.entry("display_name").or_insert(shown.clone());
        }
        if !named.folder.is_empty() {
            params.insert("asset_folder", named.folder.clone());
        }
        if let Some(formats) = rules.signed_formats() {
            params.insert("allowed_formats", formats.join(","));
        }
        Ok(SignableUpload {
            named,
            overwrite,
            params,
        })
    }

    /// The parameters as texts, in the form in which Cloudinary takes them; empty ones are not
    /// signed, and so count as not given.
    fn read(&self) -> Result<BTreeMap<&'static str, String>, UploadRefusal> {
        let mut given = BTreeMap::new();
        let mut length = 0;
        for (name, value) in self.params {
            let Some(known) = SIGNABLE.iter().find(|known| *known == name) else {
                let shown: String = name.chars().take(64).collect();
                let reason = format!("is not signed here; signed are {}", SIGNABLE.join(", "));
                return Err(UploadRefusal::parameter(shown, reason));
            };
            let text = text_of(known, value)?;
            length += text.len();
            if length > LONGEST {
                return Err(UploadRefusal::parameter(*known, "is too long"));
            }
            if text.contains('\0') {
                return Err(UploadRefusal::parameter(*known, "must not contain NUL"));
            }
            let fault = match *known {
                "tags" => text.split(',').map(str::trim).find_map(fault_of_given_tag),
                "display_name" if !text.is_empty() => DISPLAY_NAME.fault_of(&text),
                "context" if text.contains(PROOF_KEY) => Some("must not name an upload"),
                _ => None,
            };
            if let Some(fault) = fault {
                return Err(UploadRefusal::parameter(*known, fault));
            }
            if !text.is_empty() {
                given.insert(*known, text);
            }
        }
        Ok(given)
    }
}

/// Cloudinary leaves empty tags out.
fn fault_of_given_tag(tag: &str) -> Option<&'static str> {
    (!tag.is_empty()).then(|| TAG.fault_of(tag)).flatten()
}

fn expect(
    given: &BTreeMap<&'static str, String>,
    name: &'static str,
    only: &'static str,
) -> Result<(), UploadRefusal> {
    match given.get(name) {
        Some(text) if text != only => Err(UploadRefusal::parameter(
            name,
            format!("is signed as `{only}` only"),
        )),
        _ => Ok(()),
    }
}

fn text_of(name: &str, value: &Value) -> Result<String, UploadRefusal> {
    let text = match (name, value) {
        (_, Value::Null) => Some(String::new()),
        // Written anew, so that no escape hides what a key says.
        ("context", Value::String(text)) if !text.is_empty() => {
            escape::read_pairs(text).map(escape::pairs)
        }
        (_, Value::String(text)) => Some(text.clone()),
        (_, Value::Number(number)) => Some(number.to_string()),
        (_, Value::Bool(flag)) => Some(if *flag { "1" } else { "0" }.to_owned()),
        ("tags", Value::Array(tags)) => tags
            .iter()
            .map(|tag| tag.as_str().filter(|tag| !tag.contains(',')))
            .collect::<Option<Vec<_>>>()
            .map(|tags| tags.join(",")),
        ("context", Value::Object(pairs)) => pairs
            .iter()
            .map(|(key, value)| Some((key, value.as_str()?)))
            .collect::<Option<Vec<_>>>()
            .map(escape::pairs),
        ("metadata", Value::Object(pairs)) => Some(escape::pairs(
            pairs
                .iter()
                .map(|(key, value)| (key, escape::metadata_value(value))),
        )),
        _ => None,
    };
    text.ok_or_else(|| UploadRefusal::parameter(name, "is not of a form that can be signed"))
}

impl SignableUpload {
    /// Covers the pair of the context by which the asset is known as this upload's.
    #[must_use]
    pub fn with_proof(mut self, proof: UploadProof, upload: Uuid) -> Self {
        if proof == UploadProof::Context {
            let pair = escape::pairs([(PROOF_KEY, upload.to_string())]);
            let context = self.params.entry("context").or_default();
            let bar = if context.is_empty() { "" } else { "|" };
            *context = format!("{pair}{bar}{context}");
        }
        self
    }

    /// Signs, at `now` on Cloudinary's clock, for `valid_seconds`: the timestamp lies as far back
    /// as Cloudinary would take it longer. The answer is to be sent as it is.
    pub fn sign(
        mut self,
        overwrite: bool,
        now: Timestamp,
        valid_seconds: u32,
        credentials: &ApiCredentials,
    ) -> Map<String, Value> {
        let timestamp = now.micros() / 1_000_000 + i64::from(valid_seconds) - TAKEN_FOR;
        let flag = if overwrite { "1" } else { "0" };
        self.params.insert("overwrite", flag.to_owned());
        if overwrite {
            // The old picture would be delivered for as long as its copies live.
            self.params.insert("invalidate", "1".to_owned());
        }
        self.params.insert("timestamp", timestamp.to_string());
        let pairs = self
            .params
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        let signature = sign_params(pairs, credentials.api_secret(), credentials.algorithm());
        let mut answer: Map<String, Value> = self
            .params
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Value::String(value)))
            .collect();
        answer.insert("signature".to_owned(), json!(signature));
        answer.insert("api_key".to_owned(), json!(credentials.api_key()));
        answer.insert("cloud_name".to_owned(), json!(credentials.cloud_name()));
        answer
    }
}

#[cfg(test)]
mod tests;

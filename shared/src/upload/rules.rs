//! The rules for uploads, as the configuration's `UPLOAD_RULES` says them (pure).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::active::ACTIVE_FORMATS;
use super::format::{FORMATS, known_format};
use super::host_rule::HostRule;
use crate::asset::ResourceType;
use crate::user_role::UserRole;
use crate::value_rules::PUBLIC_ID;

/// Cloudinary takes a signature for an hour.
const LONGEST_VALIDITY: u32 = 3600;

/// A widget needs a moment between asking and sending.
const SHORTEST_VALIDITY: u32 = 60;

/// The placeholder of the user's id in a prefix.
const USER_ID: &str = "{user_id}";

/// The rules for uploads. Everything has a default; a misspelt key is a mistake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UploadRules {
    /// Below which public ids and folders of ordinary users lie, `{user_id}` standing for the user's
    /// id; empty for anywhere. The database's `media_sync.prefix_of` has the same default.
    pub prefix: String,
    /// Bytes that a file may have.
    pub max_bytes: u64,
    /// Formats as Cloudinary names them (`jpg`, `mp4`); none means any.
    pub formats: Vec<String>,
    /// Formats whose files browsers or machines carry out (`svg`, `html`, `js`), and that are taken all the same.
    pub active_formats: Vec<String>,
    pub resource_types: Vec<ResourceType>,
    /// The time in which a signature can be used, in seconds. Every chunk of a large file is
    /// checked.
    pub valid_seconds: u32,
    /// Hosts from which Cloudinary may be made to fetch; none switches it off.
    pub remote_hosts: Vec<HostRule>,
    /// True if plain http addresses are taken besides https.
    pub remote_http: bool,
}

/// The sender of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uploader {
    pub id: Uuid,
    pub role: UserRole,
}

impl Default for UploadRules {
    fn default() -> Self {
        Self {
            prefix: format!("users/{USER_ID}"),
            max_bytes: 100 * 1024 * 1024,
            formats: Vec::new(),
            active_formats: Vec::new(),
            resource_types: ResourceType::ALL.to_vec(),
            valid_seconds: 600,
            remote_hosts: Vec::new(),
            remote_http: false,
        }
    }
}

impl UploadRules {
    /// Reads the JSON object of the configuration.
    ///
    /// # Errors
    /// Its faults, without its values.
    pub fn parse(text: &str) -> Result<Self, String> {
        // A list would pass for an object whose fields are all left out.
        let mut rules = serde_json::from_str::<Map<String, Value>>(text)
            .and_then(|fields| Self::deserialize(Value::Object(fields)))
            .map_err(|error| format!("does not have the form of upload rules: {error}"))?;
        rules.prefix = rules.prefix.trim_matches('/').to_owned();
        if rules.prefix.replace(USER_ID, "").contains(['{', '}']) {
            return Err(format!(
                "has a prefix with something else in braces than {USER_ID}"
            ));
        }
        let example = rules.prefix.replace(USER_ID, &Uuid::nil().to_string());
        if let Some(fault) = PUBLIC_ID.fault_of(&example)
            && !example.is_empty()
        {
            return Err(format!("has a prefix that {fault}"));
        }
        if rules.max_bytes == 0 || rules.resource_types.is_empty() {
            return Err("allows nothing: max_bytes and resource_types must leave something".into());
        }
        if !(SHORTEST_VALIDITY..=LONGEST_VALIDITY).contains(&rules.valid_seconds) {
            return Err(format!(
                "has valid_seconds outside {SHORTEST_VALIDITY} to {LONGEST_VALIDITY}"
            ));
        }
        for format in rules.formats.iter_mut().chain(&mut rules.active_formats) {
            let name = format.trim_start_matches('.').to_ascii_lowercase();
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return Err("has a format that is not a file extension".into());
            }
            *format = known_format(&name).map_or(name, |(name, _)| name.to_owned());
        }
        rules.formats.sort();
        rules.formats.dedup();
        Ok(rules)
    }

    /// The prefix of this user's names; `None` for anywhere. Without slashes at its ends.
    pub fn prefix_of(&self, uploader: Uploader) -> Option<String> {
        (!uploader.role.edits_all() && !self.prefix.is_empty())
            .then(|| self.prefix.replace(USER_ID, &uploader.id.to_string()))
    }

    /// True unless files of this format act and nobody has asked for them.
    pub fn takes(&self, format: &str) -> bool {
        let lists = |list: &[String]| list.iter().any(|listed| listed == format);
        !ACTIVE_FORMATS.contains(&format) || lists(&self.formats) || lists(&self.active_formats)
    }

    /// The formats that a file of this type may have, whose content only Cloudinary sees.
    pub fn formats_of(&self, kind: ResourceType) -> Vec<String> {
        if !self.formats.is_empty() {
            return self.formats.clone();
        }
        let known = FORMATS
            .iter()
            .filter(|(name, known, _)| *known == kind && self.takes(name));
        known.map(|(name, ..)| (*name).to_owned()).collect()
    }

    /// The formats to which a signature binds the file, since no other signed parameter tells its
    /// type; `None` for any.
    pub fn signed_formats(&self) -> Option<Vec<&str>> {
        if !self.formats.is_empty() {
            return Some(self.formats.iter().map(String::as_str).collect());
        }
        let allows = |kind: &ResourceType| self.resource_types.contains(kind);
        if allows(&ResourceType::Raw) {
            return None;
        }
        let known = FORMATS
            .iter()
            .filter(|(name, kind, _)| allows(kind) && self.takes(name));
        Some(known.map(|(name, ..)| *name).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_has_its_default_and_what_is_misspelt_is_refused() {
        assert_eq!(UploadRules::parse("{}").unwrap(), UploadRules::default());
        let rules = UploadRules::parse(
            r#"{"prefix": "/users/{user_id}/", "formats": ["JPEG", ".jpg", "png"], "remote_hosts": ["*.example.com"]}"#,
        )
        .unwrap();
        assert_eq!(rules.prefix, "users/{user_id}");
        assert_eq!(rules.formats, ["jpg", "png"], "one name for each format");
        for wrong in [
            r#"{"maxBytes": 5}"#,
            r#"{"max_bytes": 0}"#,
            r#"{"resource_types": []}"#,
            r#"{"resource_types": ["movie"]}"#,
            r#"{"valid_seconds": 3601}"#,
            r#"{"valid_seconds": 59}"#,
            r#"{"prefix": "users/{userid}"}"#,
            r#"{"prefix": "users/../{user_id}"}"#,
            r#"{"prefix": "users//{user_id}"}"#,
            r#"{"formats": ["image/png"]}"#,
            r#"{"remote_hosts": ["https://example.com"]}"#,
            "[]",
        ] {
            assert!(UploadRules::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_prefix_is_each_users_own_and_binds_neither_editors_nor_administrators() {
        let rules = UploadRules::default();
        let mut uploader = Uploader {
            id: Uuid::nil(),
            role: UserRole::User,
        };
        let own = format!("users/{}", Uuid::nil());
        assert_eq!(rules.prefix_of(uploader), Some(own));
        for role in [UserRole::Editor, UserRole::Admin] {
            uploader.role = role;
            assert_eq!(rules.prefix_of(uploader), None);
        }
        uploader.role = UserRole::User;
        let anywhere = UploadRules::parse(r#"{"prefix": ""}"#).unwrap();
        assert_eq!(anywhere.prefix_of(uploader), None, "where it is asked for");
    }

    #[test]
    fn without_raw_files_a_signature_is_bound_to_the_known_formats() {
        assert_eq!(UploadRules::default().signed_formats(), None);
        let rules = UploadRules::parse(r#"{"resource_types": ["image"]}"#).unwrap();
        let formats = rules.signed_formats().unwrap();
        assert!(formats.contains(&"png") && !formats.contains(&"mp4"));
        assert!(!formats.contains(&"svg"), "nobody has asked for it");
    }
}

//! The rules of access, as the setting `ACCESS_RULES` says them (pure).
//!
//! The database judges by them (`media_sync.caller_role`, `is_assured`, `may_open`), whichever way a caller comes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The rules of access. Everything has a default; a misspelt key is a mistake.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccessRules {
    /// The rights of users who have signed in anonymously.
    pub allow_anonymous: AnonymousAccess,
    /// The level that an administrator's or editor's token needs for mass deletes, `force`, `allow_mass_delete`, the
    /// audit trail and the bodies of notifications.
    pub admin_aal: AdminAssurance,
    /// The users who get addresses with which anybody may fetch a `private` or `authenticated` file.
    pub guarded_files: GuardedFiles,
    /// The addresses of such files themselves, pictures of them apart.
    pub guarded_links: GuardedLinks,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AnonymousAccess {
    #[default]
    No,
    Read,
}

/// Authenticator assurance levels, as Supabase Auth counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AdminAssurance {
    /// Signed in by any means.
    #[default]
    Aal1,
    /// With a second factor.
    Aal2,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GuardedFiles {
    /// The file's owner, editors and administrators.
    #[default]
    Owner,
    /// Everybody who may see the asset.
    Everybody,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GuardedLinks {
    /// Cloudinary's API hands the file out, for ten minutes.
    #[default]
    Expiring,
    /// Delivery addresses with a signature. They open the file for as long as it has its name.
    Lasting,
}

impl AccessRules {
    /// Reads the JSON object of the setting.
    ///
    /// # Errors
    /// Its faults, without its values.
    pub fn parse(text: &str) -> Result<Self, String> {
        // A list would pass for an object whose fields are all left out.
        serde_json::from_str::<Map<String, Value>>(text)
            .and_then(|fields| Self::deserialize(Value::Object(fields)))
            .map_err(|error| format!("does not have the form of access rules: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_closed_and_what_is_misspelt_is_refused() {
        assert_eq!(AccessRules::parse("{}").unwrap(), AccessRules::default());
        let rules = AccessRules::parse(r#"{"admin_aal": "aal2"}"#).unwrap();
        assert_eq!(rules.admin_aal, AdminAssurance::Aal2);
        assert_eq!(rules.allow_anonymous, AnonymousAccess::No);
        for wrong in [
            "[]",
            r#"{"admin_aal": "aal3"}"#,
            r#"{"adminAal": "aal2"}"#,
            r#"{"allow_anonymous": true}"#,
            r#"{"guarded_files": "all"}"#,
            r#"{"guarded_links": "never"}"#,
        ] {
            assert!(AccessRules::parse(wrong).is_err(), "{wrong}");
        }
    }
}

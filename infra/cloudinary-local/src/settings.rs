//! The account's preferences, and a named switch for every point on which Cloudinary's
//! documentation leaves the behaviour open.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::signature::SigningAlgorithm;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FolderMode {
    #[default]
    Dynamic,
    Fixed,
}

/// The notification of a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestoreEmits {
    #[default]
    None,
    Upload,
    RestoreAssetVersion,
}

/// The notification of `explicit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExplicitEmits {
    None,
    Upload,
    /// One change event for each facet that really changed.
    #[default]
    Changes,
}

/// The element form of `resource_context_changed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContextChangedShape {
    /// `added`/`updated` as maps, `removed` as a list of keys.
    Maps,
    /// Lists of `{name, value}`.
    #[default]
    NameValue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletedKey {
    #[default]
    PublicId,
    AssetId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Envelope {
    #[default]
    Full,
    /// As captured in 2020-21: no `notification_context`, no `signature_key`.
    Legacy,
}

/// Every switch, with the most likely reading of Cloudinary's behaviour as its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    pub folder_mode: FolderMode,
    /// Deleted assets leave a placeholder and can be restored.
    pub backups: bool,
    pub asset_id_reused_after_backup: bool,
    /// An overwrite keeps tags, context and metadata instead of wiping them.
    pub overwrite_retains: bool,
    pub created_at_kept_on_overwrite: bool,
    pub rename_overwrite_emits_delete: bool,
    pub restore_emits: RestoreEmits,
    pub restore_bumps_version: bool,
    pub explicit_bumps_version: bool,
    pub explicit_emits: ExplicitEmits,
    pub context_changed_shape: ContextChangedShape,
    /// The Admin API's update adds to the context instead of replacing it.
    pub update_context_merges: bool,
    pub placeholder_in_listings: bool,
    pub last_updated_in_listings: bool,
    pub last_updated_in_search: bool,
    pub etag_in_listings: bool,
    /// Listings leave `context`/`metadata` out for assets that have none, even when asked.
    pub empty_keys_omitted: bool,
    pub delete_by_asset_ids_key: DeletedKey,
    /// `by_asset_ids` answers no more assets than `max_results` says, ten if it does not, and a cursor.
    pub by_asset_ids_in_pages: bool,
    /// Lists of public ids are split at commas, as if they had come as one text.
    pub public_ids_split_at_commas: bool,
    pub envelope: Envelope,
    /// A moderation's notification names its asset by its public id alone.
    pub moderation_names_only: bool,
    /// A rejected asset is shown as a placeholder.
    pub rejected_is_placeholder: bool,
    pub folder_rename_emits_moves: bool,
    /// `overwrite=false` on an existing asset announces an `upload` with `existing: true`.
    pub existing_emits_upload: bool,
    /// HTTP status of a stale timestamp.
    pub stale_status: u16,
    /// Upload endpoints accept the account's Basic credentials instead of a signature.
    pub basic_auth_on_upload: bool,
    /// The region whose API the account belongs to, `eu` or `ap`: this one then refuses every call.
    pub region: Option<String>,
    /// Only signed addresses may transform.
    pub strict_transformations: bool,
    /// PDF files are delivered.
    pub pdf_delivery: bool,
    pub signature_algorithm: SigningAlgorithm,
    /// Active access keys besides the one that the account began with: key to secret.
    pub access_keys: BTreeMap<String, String>,
    /// The key that the account began with is switched off.
    pub first_key_disabled: bool,
    /// The key whose secret signs notifications, when it is not the account's.
    pub notification_api_key: Option<String>,
    pub notification_api_secret: Option<String>,
    pub notifications_paused: bool,
    pub notification_concurrency: usize,
    pub notification_timeout_ms: u64,
    /// Waits before the second, third and fourth attempt.
    pub retry_delays_ms: Vec<u64>,
    /// Multiplies the waits: 0.001 turns minutes into fractions of a second.
    pub retry_factor: f64,
    /// The waits count from the first attempt, not from the last.
    pub retry_from_first: bool,
    pub retries_resign: bool,
    pub accept_any_2xx: bool,
    pub index_lag_ms: u64,
    pub clock_skew_ms: i64,
    /// Admin API calls per clock hour; 0 is no limit and no headers.
    pub rate_limit: u64,
    pub rate_limit_status: u16,
    /// Admin API calls that another program makes after each one that is counted here.
    pub rate_used_by_others: u64,
    /// Parallel `destroy` calls before `Too many concurrent`; 0 is no limit.
    pub destroy_concurrency: u64,
    /// The time for which a listing's cursor stays valid; 0 is for ever.
    pub cursor_ttl_ms: u64,
    /// Public ids may hold the characters that Cloudinary's naming rules forbid, as old ones do.
    pub any_public_id: bool,
    /// A structured metadata field that nobody has defined is taken as text, or as a list.
    pub any_metadata_field: bool,
    /// Texts that answers and notifications write otherwise, as raw JSON: a text to what stands in its
    /// place, such as half of a surrogate pair.
    pub raw_texts: BTreeMap<String, String>,
    /// Upload presets by name: `unsigned`, and default upload parameters.
    pub upload_presets: BTreeMap<String, Map<String, Value>>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            folder_mode: FolderMode::Dynamic,
            backups: true,
            asset_id_reused_after_backup: true,
            overwrite_retains: false,
            created_at_kept_on_overwrite: true,
            rename_overwrite_emits_delete: true,
            restore_emits: RestoreEmits::None,
            restore_bumps_version: true,
            explicit_bumps_version: true,
            explicit_emits: ExplicitEmits::Changes,
            context_changed_shape: ContextChangedShape::NameValue,
            update_context_merges: false,
            placeholder_in_listings: false,
            last_updated_in_listings: false,
            last_updated_in_search: false,
            etag_in_listings: false,
            empty_keys_omitted: true,
            delete_by_asset_ids_key: DeletedKey::PublicId,
            by_asset_ids_in_pages: false,
            public_ids_split_at_commas: false,
            envelope: Envelope::Full,
            moderation_names_only: false,
            rejected_is_placeholder: false,
            folder_rename_emits_moves: false,
            existing_emits_upload: false,
            stale_status: 400,
            basic_auth_on_upload: true,
            region: None,
            strict_transformations: false,
            pdf_delivery: true,
            signature_algorithm: SigningAlgorithm::Sha1,
            access_keys: BTreeMap::new(),
            first_key_disabled: false,
            notification_api_key: None,
            notification_api_secret: None,
            notifications_paused: false,
            notification_concurrency: 8,
            notification_timeout_ms: 20_000,
            retry_delays_ms: vec![180_000, 360_000, 540_000],
            retry_factor: 1.0,
            retry_from_first: false,
            retries_resign: true,
            accept_any_2xx: false,
            index_lag_ms: 0,
            clock_skew_ms: 0,
            rate_limit: 5000,
            rate_limit_status: 420,
            rate_used_by_others: 0,
            destroy_concurrency: 0,
            cursor_ttl_ms: 0,
            any_public_id: false,
            any_metadata_field: false,
            raw_texts: BTreeMap::new(),
            upload_presets: BTreeMap::new(),
        }
    }
}

impl ServerSettings {
    /// A copy with the named members replaced; unknown names and wrong types are refused.
    ///
    /// # Errors
    /// When a member is unknown or of the wrong type.
    pub fn with(&self, changes: Map<String, Value>) -> Result<Self, serde_json::Error> {
        let mut all = serde_json::to_value(self)?;
        if let Value::Object(all) = &mut all {
            all.extend(changes);
        }
        serde_json::from_value(all)
    }

    /// The JSON of an answer or a notification.
    pub(crate) fn write(&self, value: &Value) -> String {
        let texts = self.raw_texts.iter();
        texts.fold(value.to_string(), |json, (text, raw)| {
            json.replace(text, raw)
        })
    }

    #[must_use]
    pub fn dynamic_folders(&self) -> bool {
        self.folder_mode == FolderMode::Dynamic
    }
}

/// Deterministic mischief done to notifications, decided by seed and order of creation.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotificationChaos {
    /// Share of notifications never sent, 0.0 to 1.0.
    pub drop: f64,
    /// Share sent twice.
    pub duplicate: f64,
    /// Each is held back for a time drawn from 0 to this.
    pub delay_ms: u64,
    /// Share held back long enough to be overtaken.
    pub reorder: f64,
    /// The longest time for which a reordered one is held back; 500 when 0.
    pub reorder_window_ms: u64,
    pub seed: u64,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unknown_switches_and_wrong_types_are_refused() {
        let settings = ServerSettings::default();
        let change = |value: Value| match value {
            Value::Object(map) => settings.with(map),
            _ => unreachable!("the cases are objects"),
        };
        assert_eq!(
            change(json!({"folder_mode": "fixed"})).unwrap().folder_mode,
            FolderMode::Fixed
        );
        assert!(change(json!({"folder_mod": "fixed"})).is_err());
        assert!(change(json!({"backups": "perhaps"})).is_err());
    }
}

//! The database's functions for settings, typed.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::supabase::{DataApi, SupabaseError};
use crate::time::Timestamp;

/// A setting that the database was given at some time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct StoredSetting {
    /// A JSON object; nothing where the setting was taken back, and the defaults count.
    pub value: Option<Value>,
    pub changed_at: Timestamp,
}

impl StoredSetting {
    /// The value as JSON text; `{}` where the defaults count.
    pub fn text(&self) -> String {
        self.value
            .as_ref()
            .map_or_else(|| "{}".to_owned(), Value::to_string)
    }
}

/// Reads every setting that the database was ever given, by its name.
///
/// # Errors
/// When the database cannot be asked with the secret key.
pub async fn fetch_settings(
    supabase: &DataApi,
) -> Result<BTreeMap<String, StoredSetting>, SupabaseError> {
    supabase.rpc("media_sync_settings", &json!({})).await
}

/// Writes a setting; no value takes it back. With `only_new` nothing is written if the database was ever given one.
/// Answers true if something was written.
///
/// # Errors
/// When the database refuses the setting, or cannot be asked with the secret key.
pub async fn write_setting(
    supabase: &DataApi,
    name: &str,
    value: Option<&Value>,
    only_new: bool,
) -> Result<bool, SupabaseError> {
    let arguments = json!({"p_name": name, "p_value": value, "p_only_new": only_new});
    supabase.rpc("media_sync_set_setting", &arguments).await
}

//! Values by the names of the environment variables that the functions read, as they were given.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::exit::Exit;
use crate::failure::Failure;

/// Cloudinary's address with key and secret.
pub const CLOUDINARY_URL: &str = "CLOUDINARY_URL";
/// The Supabase project's address.
pub const SUPABASE_URL: &str = "SUPABASE_URL";
/// The key that bypasses row level security.
pub const SUPABASE_SECRET_KEY: &str = "SUPABASE_SECRET_KEY";
/// The key that names the project.
pub const SUPABASE_PUBLISHABLE_KEY: &str = "SUPABASE_PUBLISHABLE_KEY";
/// The shared secret of older projects.
pub const SUPABASE_JWT_SECRET: &str = "SUPABASE_JWT_SECRET";
/// Further secrets with which notifications may be signed, by their API keys.
pub const NOTIFICATION_SECRETS: &str = "CLOUDINARY_NOTIFICATION_SECRETS";
/// The address that Cloudinary notifies: the stack's output `WebhookUrl`.
pub const WEBHOOK_URL: &str = "WEBHOOK_URL";

/// The keys that commands may ask for. The environment is read for these only.
pub(super) const KEYS: [&str; 7] = [
    CLOUDINARY_URL,
    NOTIFICATION_SECRETS,
    SUPABASE_URL,
    SUPABASE_SECRET_KEY,
    SUPABASE_PUBLISHABLE_KEY,
    SUPABASE_JWT_SECRET,
    WEBHOOK_URL,
];

/// Values, unchecked. An empty one counts as none, and no text of it shows one.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ConfigurationValues(BTreeMap<String, String>);

impl ConfigurationValues {
    /// The environment's values, completed by those of a file in the form of the deployment's secret.
    ///
    /// # Errors
    /// The file cannot be read, or is no JSON object. Nothing of the file is repeated.
    pub fn read(file: Option<&Path>) -> Result<Self, Failure> {
        let mut values = Self::of_environment(&KEYS);
        if let Some(file) = file {
            values.complete(read_file(file)?);
        }
        Ok(values)
    }

    /// The environment's values of these keys.
    pub fn of_environment(keys: &[&str]) -> Self {
        keys.iter()
            .filter_map(|key| Some((*key, std::env::var(key).ok()?)))
            .collect()
    }

    /// The values of a file in the form of the secret.
    ///
    /// # Errors
    /// As for [`ConfigurationValues::read`].
    pub fn of_file(file: &Path) -> Result<Self, Failure> {
        read_file(file)
    }

    /// Reads a JSON object of keys, as the secret and the file have it; null is no value.
    pub fn parse(text: &str) -> Option<Self> {
        let Ok(Value::Object(object)) = serde_json::from_str(text) else {
            return None;
        };
        let values = object.into_iter().filter_map(|(key, value)| match value {
            Value::Null => None,
            Value::String(text) => Some((key, text)),
            other => Some((key, other.to_string())),
        });
        Some(values.collect())
    }

    /// Adds the values of keys that have none yet.
    pub fn complete(&mut self, more: Self) {
        for (key, value) in more.0 {
            self.0.entry(key).or_insert(value);
        }
    }

    /// The value of a key, if there is one.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// All of them, by their keys.
    pub fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

impl<K: Into<String>> FromIterator<(K, String)> for ConfigurationValues {
    fn from_iter<I: IntoIterator<Item = (K, String)>>(pairs: I) -> Self {
        let given = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        Self(given.map(|(key, value)| (key.into(), value)).collect())
    }
}

impl std::fmt::Debug for ConfigurationValues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn read_file(file: &Path) -> Result<ConfigurationValues, Failure> {
    let shown = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::new(Exit::Usage, format!("{shown} cannot be read: {error}")))?;
    ConfigurationValues::parse(&text).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("{shown} is not a JSON object")).mend(
            r#"write {"CLOUDINARY_URL": "cloudinary://...", "SUPABASE_URL": "https://...", ...}"#,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_value_that_is_not_empty_counts() {
        let values = |pairs: &[(&str, &str)]| -> ConfigurationValues {
            let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
            pairs.iter().map(owned).collect()
        };
        let mut found = values(&[(SUPABASE_URL, "from the environment"), (CLOUDINARY_URL, "")]);
        found.complete(values(&[
            (SUPABASE_URL, "from the file"),
            (CLOUDINARY_URL, "file"),
        ]));
        found.complete(values(&[(CLOUDINARY_URL, "from the stack")]));
        assert_eq!(found.get(SUPABASE_URL), Some("from the environment"));
        assert_eq!(found.get(CLOUDINARY_URL), Some("file"));
    }

    #[test]
    fn file_has_the_form_of_the_secret_and_no_text_shows_its_values() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.json");
        let object = r#"{"A": "hunter2", "B": {"1": "s"}, "C": null, "D": ""}"#;
        std::fs::write(&path, object).unwrap();
        let values = read_file(&path).unwrap();
        assert_eq!(values.get("A"), Some("hunter2"));
        assert_eq!(values.get("B"), Some(r#"{"1":"s"}"#));
        assert_eq!((values.get("C"), values.get("D")), (None, None));
        assert!(!format!("{values:?}").contains("hunter2"));

        for text in ["", "[]", "\"hunter2\"", "A=hunter2"] {
            std::fs::write(&path, text).unwrap();
            let failure = read_file(&path).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage);
            assert!(!format!("{failure:?}").contains("hunter2"));
        }
    }
}

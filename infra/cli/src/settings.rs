//! The settings of a deployment, by the names of the environment variables that the functions read.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::exit::Exit;
use crate::failure::Failure;

/// `CLOUDINARY_URL` and its like.
pub const CLOUDINARY_URL: &str = "CLOUDINARY_URL";
/// The Supabase project's address.
pub const SUPABASE_URL: &str = "SUPABASE_URL";
/// The key that bypasses row level security.
pub const SUPABASE_SECRET_KEY: &str = "SUPABASE_SECRET_KEY";
/// The key that names the project.
pub const SUPABASE_PUBLISHABLE_KEY: &str = "SUPABASE_PUBLISHABLE_KEY";
/// The shared secret of older projects.
pub const SUPABASE_JWT_SECRET: &str = "SUPABASE_JWT_SECRET";

const NAMES: [&str; 5] = [
    CLOUDINARY_URL,
    SUPABASE_URL,
    SUPABASE_SECRET_KEY,
    SUPABASE_PUBLISHABLE_KEY,
    SUPABASE_JWT_SECRET,
];

/// The values, unchecked: judging them is the work of whoever reads them. No text of it shows one.
#[derive(Clone, Default)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// Reads a file, which has the form of the deployment's secret, and the environment, which wins.
    ///
    /// # Errors
    /// The file cannot be read, or is no JSON object. Nothing of the file is repeated.
    pub fn read(file: Option<&Path>) -> Result<Self, Failure> {
        let mut values = match file {
            None => BTreeMap::new(),
            Some(path) => parse_file(path)?,
        };
        for name in NAMES {
            if let Some(value) = std::env::var(name).ok().filter(|value| !value.is_empty()) {
                values.insert(name.to_owned(), value);
            }
        }
        Ok(Self(values))
    }

    /// Takes from the deployment's secret what is not known yet.
    pub fn complete(&mut self, secret: &str) {
        for (name, value) in parse_object(secret).unwrap_or_default() {
            self.0.entry(name).or_insert(value);
        }
    }

    /// A value that is there and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn parse_file(path: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(
            Exit::Usage,
            format!("{} cannot be read: {error}", path.display()),
        )
    })?;
    parse_object(&text).ok_or_else(|| {
        let message = format!("{} is not a JSON object", path.display());
        Failure::new(Exit::Usage, message)
            .mend("give the file the form of the deployment's secret: {\"SUPABASE_URL\": \"…\", …}")
    })
}

/// Reads a JSON object's values as texts; null is no value.
pub(crate) fn parse_object(text: &str) -> Option<BTreeMap<String, String>> {
    let Ok(Value::Object(object)) = serde_json::from_str(text) else {
        return None;
    };
    let entries = object.into_iter().filter_map(|(name, value)| match value {
        Value::Null => None,
        Value::String(text) => Some((name, text)),
        other => Some((name, other.to_string())),
    });
    Some(entries.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_has_the_form_of_the_secret_and_no_text_shows_its_values() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.json");
        std::fs::write(&path, r#"{"A": "hush", "B": {"c": 1}, "C": null, "D": ""}"#).unwrap();
        let settings = Settings(parse_file(&path).unwrap());
        assert_eq!(settings.get("A"), Some("hush"));
        assert_eq!(settings.get("B"), Some(r#"{"c":1}"#));
        assert_eq!((settings.get("C"), settings.get("D")), (None, None));
        assert!(!format!("{settings:?}").contains("hush"));

        std::fs::write(&path, "hush").unwrap();
        let failure = parse_file(&path).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(!format!("{failure:?}").contains("hush"));
    }
}

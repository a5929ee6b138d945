//! The rules that a signature cannot bind, as the database keeps them for when the file has come (pure).

use serde::Serialize;

use super::active::ACTIVE_FORMATS;
use super::rules::UploadRules;
use crate::asset::ResourceType;

/// The bounds of a signed upload. The database judges its asset by them (`media_sync.fault_of_upload`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UploadBounds {
    max_bytes: u64,
    resource_types: Vec<ResourceType>,
    /// None means any.
    formats: Vec<String>,
    /// Formats that act, and that nobody has asked for.
    refused_formats: Vec<&'static str>,
}

impl From<&UploadRules> for UploadBounds {
    fn from(rules: &UploadRules) -> Self {
        let refused = ACTIVE_FORMATS.iter().filter(|format| !rules.takes(format));
        Self {
            max_bytes: rules.max_bytes,
            resource_types: rules.resource_types.clone(),
            formats: rules.formats.clone(),
            refused_formats: refused.copied().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_is_not_refused() {
        let rules = UploadRules::parse(r#"{"active_formats": ["svg"]}"#).unwrap();
        let bounds = UploadBounds::from(&rules);
        assert!(!bounds.refused_formats.contains(&"svg"));
        assert!(bounds.refused_formats.contains(&"html"));
    }
}

//! The rules that a signature cannot bind, as the database keeps them for when the file has come (pure).

use serde::Serialize;

use super::rules::UploadRules;
use crate::asset::ResourceType;

/// The bounds of a signed upload. The database judges its asset by them (`media_sync.fault_of_upload`), and by
/// the formats that act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UploadBounds {
    max_bytes: u64,
    resource_types: Vec<ResourceType>,
    /// None means any.
    formats: Vec<String>,
}

impl From<&UploadRules> for UploadBounds {
    fn from(rules: &UploadRules) -> Self {
        Self {
            max_bytes: rules.max_bytes,
            resource_types: rules.resource_types.clone(),
            formats: rules.formats.clone(),
        }
    }
}

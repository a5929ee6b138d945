//! Contradictions between what was decided here and what Cloudinary holds (plain data).

use serde::Serialize;
use serde_json::Value;

/// A wish that Cloudinary contradicts.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct WishCollision {
    pub field: &'static str,
    /// The key within `context` or `metadata`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    pub ours: Value,
    pub theirs: Value,
}

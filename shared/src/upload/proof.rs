//! The proof that an asset came of a signed upload (pure).
//!
//! A name that was chosen here has a random part, and proves the upload by itself. A name that the
//! caller gave can be guessed, so somebody else's asset may appear under it. There the signature
//! covers a pair of the context, which comes back with the asset and is removed afterwards.

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::observation::ValuePairs;

/// The key of the context under which an asset brings its upload's id along. Rows never show it.
pub const PROOF_KEY: &str = "media_sync_upload";

/// The evidence by which an upload's asset is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadProof {
    /// The name, which nobody else can know.
    Name,
    /// The pair of the context.
    Context,
    /// None is needed: it replaces the content of an asset that has an owner.
    None,
}

/// The upload that a context names.
pub fn upload_named_by(context: &ValuePairs) -> Option<Uuid> {
    context.get(PROOF_KEY).and_then(Value::as_str)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_context_names_an_upload_by_its_id_alone() {
        let id = Uuid::from_u128(7);
        let context = |value: Value| ValuePairs::from([(PROOF_KEY.to_owned(), value)]);
        assert_eq!(upload_named_by(&context(json!(id))), Some(id));
        assert_eq!(upload_named_by(&context(json!("7"))), None);
        assert_eq!(upload_named_by(&context(json!(7))), None);
        assert_eq!(upload_named_by(&ValuePairs::new()), None);
    }
}

//! Bodies of requests.

use serde::de::DeserializeOwned;

use crate::auth::errors::Refusal;

/// Reads a body as JSON, with any content type.
pub(super) fn parameters<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|problem| Refusal::BadJson(problem.to_string()))
}

/// A link of the PKCE flow would end in another way than its client expects.
pub(super) fn refuse_pkce(code_challenge: Option<&str>) -> Result<(), Refusal> {
    match code_challenge {
        None | Some("") => Ok(()),
        Some(_) => Err(Refusal::NotOffered("PKCE".to_owned())),
    }
}

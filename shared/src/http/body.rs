//! Bodies of requests: limited in size before anything else, then bytes or JSON.

use http::StatusCode;
use lambda_http::{Body, Request};
use serde::de::DeserializeOwned;

use super::Problem;

/// Enough for a thousand edits with their context.
pub const JSON_LIMIT: usize = 1024 * 1024;

/// The raw bytes of a body that is not larger than `limit`.
///
/// # Errors
/// 413 when it is.
pub fn bytes(body: &Body, limit: usize) -> Result<&[u8], Problem> {
    let bytes: &[u8] = match body {
        Body::Text(text) => text.as_bytes(),
        Body::Binary(bytes) => bytes,
        // Also what kinds may come.
        _ => &[],
    };
    if bytes.len() > limit {
        return Err(Problem::too_large(limit));
    }
    Ok(bytes)
}

/// The JSON body of a request, [`JSON_LIMIT`] at most.
///
/// # Errors
/// 413 when it is larger, 400 when it is not a `T`.
pub fn json<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    let bytes = bytes(request.body(), JSON_LIMIT)?;
    serde_json::from_slice(bytes).map_err(|error| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid_body",
            format!("The body is not the JSON that is expected here: {error}."),
        )
    })
}

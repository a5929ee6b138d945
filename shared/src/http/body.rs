//! Bodies of requests: limited in size before anything else, then bytes or JSON.

use std::fmt;

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

/// The JSON object that is the body of a request, [`JSON_LIMIT`] at most.
///
/// # Errors
/// 413 when it is larger, 400 when it is not a `T`.
pub fn json<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    let bytes = bytes(request.body(), JSON_LIMIT)?;
    // An array would be read as a struct's fields in their order, without their names.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(invalid("an object is expected, not an array"));
    }
    serde_json::from_slice(bytes).map_err(invalid)
}

fn invalid(reason: impl fmt::Display) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "invalid_body",
        format!("The body is not the JSON that is expected here: {reason}."),
    )
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Options {
        force: bool,
    }

    #[test]
    fn fields_are_read_by_their_names_only() {
        let read = |text: &str| {
            let request = Request::new(Body::from(text));
            json::<Options>(&request).map_err(|problem| problem.code())
        };
        assert_eq!(read(r#" {"force": true}"#), Ok(Options { force: true }));
        for text in ["[]", "[true]", " \n[[]]", "true", "null", ""] {
            assert_eq!(read(text), Err("invalid_body"), "{text}");
        }
    }
}

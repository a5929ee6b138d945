//! Bodies of requests: limited in size before anything else, then bytes or JSON.

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
        // `Body::Empty`, and any variant that is added.
        _ => &[],
    };
    if bytes.len() > limit {
        return Err(Problem::too_large(limit));
    }
    Ok(bytes)
}

/// Refuses a body that says anything, where there is nothing to say. An empty object is nothing.
///
/// # Errors
/// 413 when it is too large, 400 when it has fields, or is no JSON object.
pub fn nothing(request: &Request) -> Result<(), Problem> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    if !bytes(request.body(), JSON_LIMIT)?.is_empty() {
        let Nothing {} = json(request)?;
    }
    Ok(())
}

/// The JSON object that is the body of a request, [`JSON_LIMIT`] at most.
///
/// # Errors
/// 413 when it is larger, 400 when it is not a `T`, naming the field that differs.
pub fn json<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    let bytes = bytes(request.body(), JSON_LIMIT)?;
    // An array would be read as a struct's fields in their order, without their names.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::invalid_body("The body must be a JSON object."));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        invalid(&path, &error.into_inner())
    })?;
    reader.end().map_err(|error| invalid(".", &error))?;
    Ok(read)
}

/// `path` leads to where the JSON differs; "." is the whole.
fn invalid(path: &str, error: &serde_json::Error) -> Problem {
    let reason = error.to_string();
    if !error.is_data() {
        return Problem::invalid_body(format!("The body is not JSON: {reason}."));
    }
    // Where in the text helps nobody who did not write it by hand; where in the object does.
    let place = format!(" at line {} column {}", error.line(), error.column());
    let mut reason = reason.strip_suffix(&place).unwrap_or(&reason).to_owned();
    for integer in ["i64", "u32"] {
        reason = reason.replace(&format!("expected {integer}"), "expected a whole number");
    }
    if path == "." {
        return Problem::invalid_body(format!("The body cannot be used: {reason}."));
    }
    Problem::invalid_body(format!("`{path}` cannot be used: {reason}.")).about(path)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Options {
        force: bool,
        ids: Vec<String>,
        most: u32,
    }

    fn read(text: &str) -> Result<Options, Problem> {
        json(&Request::new(Body::from(text)))
    }

    #[test]
    fn fields_are_read_by_their_names_only() {
        let all = Options {
            force: true,
            ids: vec!["a".to_owned()],
            most: 5,
        };
        assert_eq!(
            read(r#" {"force": true, "ids": ["a"], "most": 5}"#).unwrap(),
            all
        );
        for text in ["[]", "[true]", " \n[[]]", "true", "null", ""] {
            let problem = read(text).unwrap_err();
            assert_eq!(problem.code(), "invalid_body", "{text}");
            assert_eq!(problem.detail(), "The body must be a JSON object.");
        }
    }

    #[test]
    fn what_differs_is_named() {
        for (text, field, detail) in [
            (
                r#"{"ids": ["a", 1]}"#,
                Some("ids[1]"),
                "`ids[1]` cannot be used: invalid type: integer `1`, expected a string.",
            ),
            (
                r#"{"force": "yes"}"#,
                Some("force"),
                "`force` cannot be used: invalid type: string \"yes\", expected a boolean.",
            ),
            (
                r#"{"forced": true}"#,
                Some("forced"),
                "`forced` cannot be used: unknown field `forced`, expected one of `force`, `ids`, `most`.",
            ),
            (
                r#"{"most": -1}"#,
                Some("most"),
                "`most` cannot be used: invalid value: integer `-1`, expected a whole number.",
            ),
            (
                r#"{"force": true"#,
                None,
                "The body is not JSON: EOF while parsing an object at line 1 column 14.",
            ),
            (
                r#"{"force": true} {}"#,
                None,
                "The body is not JSON: trailing characters at line 1 column 17.",
            ),
        ] {
            let problem = read(text).unwrap_err();
            assert_eq!(problem.subject(), field, "{text}");
            assert_eq!(problem.detail(), detail, "{text}");
        }
    }
}

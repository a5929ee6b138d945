//! Successful answers, and the headers that every answer carries.

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use lambda_http::Body;
use serde::Serialize;

/// A JSON answer. A newline ends it: people's prompts begin on a line of their own.
pub fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    let text =
        serde_json::to_string(value).expect("answers have string keys and no failing fields");
    with_type(status, "application/json", text + "\n")
}

/// Adds the tag of the told asset's state, for `If-Match`.
pub fn tag(response: &mut Response<Body>, state: Option<&str>) {
    let tag = state.and_then(|state| HeaderValue::from_str(&format!("\"{state}\"")).ok());
    if let Some(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
}

/// A document that is the same for everybody, and changes with a deployment only.
pub fn document(text: &'static str) -> Response<Body> {
    let mut response = with_type(StatusCode::OK, "application/json", text.to_owned());
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=300"),
    );
    response
}

/// An answer with a body of the given type and the headers that browsers heed.
pub(super) fn with_type(
    status: StatusCode,
    content_type: &'static str,
    text: String,
) -> Response<Body> {
    let mut response = Response::new(Body::Text(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, content_type),
        // Answers differ by caller and go stale with the next change.
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
        // Not for pages of others to embed; who may read it across origins, CORS says.
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

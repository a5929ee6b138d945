//! Pages of every origin may upload. The other calls need a secret, which no page has.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
};
use http::{HeaderValue, Method, Request, StatusCode};

/// With the headers of uploads in chunks.
const HEADERS: &str = "Cache-Control, Content-Disposition, Content-MD5, Content-Range, Content-Type, DPR, \
    Viewport-Width, X-CSRF-Token, X-Prototype-Version, X-Requested-With, X-Unique-Upload-Id";

/// True for `/v1_1/<cloud>/<resource type>/upload`.
pub(super) fn is_upload(path: &str) -> bool {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    matches!(parts[..], ["v1_1", _, _, "upload"])
}

/// The answer to a browser's question before an upload in chunks.
pub(super) fn answer_preflight(request: &Request<Body>) -> Option<Response> {
    let asks = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    asks.then(|| {
        let headers = [
            (ACCESS_CONTROL_ALLOW_METHODS, "POST, GET, OPTIONS"),
            (ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
            (ACCESS_CONTROL_MAX_AGE, "1728000"),
        ];
        (StatusCode::OK, headers).into_response()
    })
}

/// Lets the page that asked read the answer.
pub(super) fn let_pages_read(response: &mut Response) {
    let every_origin = HeaderValue::from_static("*");
    response
        .headers_mut()
        .insert(ACCESS_CONTROL_ALLOW_ORIGIN, every_origin);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_upload_and_nothing_else() {
        assert!(is_upload("/v1_1/demo/auto/upload"));
        for path in [
            "/v1_1/demo/image/destroy",
            "/v1_1/demo/resources/image/upload",
            "/v1_1/demo/usage",
        ] {
            assert!(!is_upload(path), "{path}");
        }
    }

    #[test]
    fn chunks_may_name_their_range() {
        let request = Request::options("/v1_1/demo/auto/upload")
            .header(ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .body(Body::empty())
            .unwrap();
        let answer = answer_preflight(&request).unwrap();
        let allowed = answer.headers()[ACCESS_CONTROL_ALLOW_HEADERS]
            .to_str()
            .unwrap();
        for header in ["Content-Range", "X-Unique-Upload-Id"] {
            assert!(allowed.split(", ").any(|name| name == header), "{allowed}");
        }
        assert!(answer_preflight(&Request::new(Body::empty())).is_none());
    }
}

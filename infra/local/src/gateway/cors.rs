//! Answers to browsers' questions of origin, as Supabase's gateway gives them: every page may call.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

const METHODS: &str = "GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT";

/// Answers preflights itself, before any key is asked for, and marks all other answers as readable.
pub(super) async fn allow_every_origin(request: Request, next: Next) -> Response {
    let mut response = match preflight(request.method(), request.headers()) {
        Some(headers) => (StatusCode::OK, headers).into_response(),
        None => next.run(request).await,
    };
    response
        .headers_mut()
        .insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// The answer's headers, if the request is a preflight: all methods, and the headers that it asks for.
fn preflight(method: &Method, asked: &HeaderMap) -> Option<HeaderMap> {
    let preflight = method == Method::OPTIONS
        && asked.contains_key(ORIGIN)
        && asked.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    preflight.then(|| {
        let mut headers = HeaderMap::new();
        headers.insert(
            ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static(METHODS),
        );
        if let Some(wanted) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
        }
        headers
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn preflight_is_granted_the_headers_that_it_asks_for() {
        let asked = asked(&[
            ("origin", "http://page"),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "apikey,x-client-info"),
        ]);
        let granted = preflight(&Method::OPTIONS, &asked).unwrap();
        assert_eq!(
            granted["access-control-allow-headers"],
            "apikey,x-client-info"
        );
        assert_eq!(preflight(&Method::GET, &asked), None);
    }

    #[test]
    fn options_request_without_origin_is_no_preflight() {
        let asked = asked(&[("access-control-request-method", "POST")]);
        assert_eq!(preflight(&Method::OPTIONS, &asked), None);
    }
}

//! Reads a request's parameters from wherever its client put them.

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart};
use http::{Request, header};
use serde_json::Value;

use crate::error::ApiError;
use crate::params::{Params, SentFile};

/// Uploads arrive whole or in chunks of any size; this bounds the memory of one request.
const BODY_AT_MOST: usize = 256 << 20;

pub(super) async fn read(request: Request<Body>) -> Result<Params, ApiError> {
    let mut params = Params::default();
    let (parts, body) = request.into_parts();
    if let Some(query) = parts.uri.query() {
        params.add_form(query.as_bytes());
    }
    let content_type = parts.headers.get(header::CONTENT_TYPE);
    let content_type = content_type
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    // To its end: what a reader of parts leaves on the connection ends it, and fails the next call.
    let body = axum::body::to_bytes(body, BODY_AT_MOST)
        .await
        .map_err(|_| ApiError::new(413, "Request entity is too large"))?;
    if content_type.starts_with("multipart/form-data") {
        let whole = Request::from_parts(parts, Body::from(body));
        read_multipart(whole, &mut params).await?;
        return Ok(params);
    }
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(params);
    }
    if content_type.starts_with("application/json") {
        match serde_json::from_slice(&body) {
            Ok(Value::Object(object)) => params.add_json(object),
            Ok(Value::Null) => (),
            _ => return Err(ApiError::bad_request("Invalid JSON body")),
        }
    } else {
        params.add_form(&body);
    }
    Ok(params)
}

/// Takes what nobody reads off the connection, which ends otherwise and fails the client's next call.
pub(super) async fn drain(request: Request<Body>) {
    if let Err(error) = axum::body::to_bytes(request.into_body(), BODY_AT_MOST).await {
        tracing::debug!(%error, "a body ended early");
    }
}

async fn read_multipart(mut request: Request<Body>, params: &mut Params) -> Result<(), ApiError> {
    DefaultBodyLimit::max(BODY_AT_MOST).apply(&mut request);
    let refused = |error: &dyn std::fmt::Display| {
        ApiError::bad_request(format!("Invalid multipart body: {error}"))
    };
    let mut parts = Multipart::from_request(request, &())
        .await
        .map_err(|error| refused(&error))?;
    while let Some(part) = parts.next_field().await.map_err(|error| refused(&error))? {
        let name = part.name().unwrap_or_default().to_owned();
        let filename = part.file_name().map(str::to_owned);
        let bytes = part.bytes().await.map_err(|error| refused(&error))?;
        if name == "file" && filename.is_some() {
            params.file = Some(SentFile {
                name: filename.filter(|name| !name.is_empty()),
                bytes,
            });
        } else {
            let text = String::from_utf8(bytes.to_vec()).map_err(|error| refused(&error))?;
            params.add(&name, text);
        }
    }
    Ok(())
}

//! The body of a call to the control plane, and the actor of its changes.

use axum::body::Body;
use http::Request;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::app::App;
use crate::error::ApiError;
use crate::store::Actor;

/// Reads a JSON object; no body is an empty one.
pub(super) async fn read(request: Request<Body>) -> Result<Map<String, Value>, ApiError> {
    let body = axum::body::to_bytes(request.into_body(), 64 << 20)
        .await
        .map_err(|_| ApiError::bad_request("the body could not be read"))?;
    if body.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(&body)
        .map_err(|error| ApiError::bad_request(format!("expected a JSON object: {error}")))
}

/// Makes a typed request of the body.
pub(super) fn parse<T: DeserializeOwned>(body: Map<String, Value>) -> Result<T, ApiError> {
    serde_json::from_value(Value::Object(body)).map_err(|error| unreadable(&error))
}

/// Changes made here are nobody's API calls.
pub(super) fn operator(app: &App) -> Actor {
    Actor {
        source: "ui",
        api_key: app.account.api_key.clone(),
        notification_url: None,
        batch_id: None,
    }
}

pub(super) fn unreadable(error: &serde_json::Error) -> ApiError {
    ApiError::bad_request(error.to_string())
}

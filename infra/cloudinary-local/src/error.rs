//! Failures as the API answers them: a status and `{"error":{"message":...}}`.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

/// An error answer of the API.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{status}: {message}")]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) message: String,
}

impl ApiError {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(401, message)
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(404, format!("Resource not found - {what}"))
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        Self::new(400, format!("Missing required parameter - {parameter}"))
    }

    pub(crate) fn invalid(parameter: &str) -> Self {
        Self::new(400, format!("Invalid value for parameter {parameter}"))
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(500, message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (
            status,
            axum::Json(json!({"error": {"message": self.message}})),
        )
            .into_response()
    }
}

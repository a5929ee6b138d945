//! The calls that name their module first: `/v2/notifications/{cloud}/...`.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::{auth, body};
use crate::app::App;
use crate::error::ApiError;
use crate::model::Id;
use crate::notify::poll;

pub(super) async fn handle(app: &App, path: &str, request: Request<Body>) -> Response {
    let id = Id::random().to_string();
    let mut response = match dispatch(app, path, request).await {
        Ok(answer) => axum::Json(answer).into_response(),
        Err(error) => refusal(&error, &id),
    };
    let value = id.parse().expect("ids are plain ASCII");
    response.headers_mut().insert("x-request-id", value);
    response
}

async fn dispatch(app: &App, path: &str, request: Request<Body>) -> Result<Value, ApiError> {
    let unknown = || ApiError::not_found(path);
    let rest = path.strip_prefix("notifications/").ok_or_else(unknown)?;
    let (cloud, call) = rest.split_once('/').ok_or_else(unknown)?;
    if cloud != app.account.cloud {
        return Err(ApiError::unauthorized("cloud_name mismatch"));
    }
    auth::basic(request.headers(), &app.account, &app.settings())?;
    let method = request.method().clone();
    let params = body::read(request).await?;
    match (method, call) {
        (Method::GET, "messages") => {
            let _counted = app.traffic.begin("poll_notifications");
            poll::fetch(&app.store, &app.account, &params).await
        }
        (Method::POST, "messages/ack") => {
            let _counted = app.traffic.begin("ack_notifications");
            poll::acknowledge(&app.store, &params)
        }
        _ => Err(unknown()),
    }
}

/// Errors have a form of their own here.
fn refusal(error: &ApiError, request_id: &str) -> Response {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (category, code) = match error.status {
        401 | 403 => ("auth_error", "unauthorized"),
        404 => ("user_error", "not_found"),
        400..=499 => ("user_error", "bad_request"),
        _ => ("server_error", "internal"),
    };
    let told = json!({"category": category, "code": code, "message": error.message});
    (
        status,
        axum::Json(json!({"error": told, "request_id": request_id})),
    )
        .into_response()
}

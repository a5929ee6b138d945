//! The way in: a handshake with an API key, then the socket.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::frames::Version;
use super::server::RealtimeServer;
use super::socket::Connection;
use super::token;

/// Everything below `/realtime/v1`. The gateway has put the API key's token into `Authorization`.
pub(crate) fn router(server: &Arc<RealtimeServer>) -> Router {
    Router::new()
        .route("/websocket", get(connect))
        .fallback(absent)
        .with_state(Arc::clone(server))
}

async fn connect(
    State(server): State<Arc<RealtimeServer>>,
    Query(parameters): Query<HashMap<String, String>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if server.database().is_none() {
        return refuse(
            StatusCode::FORBIDDEN,
            "Realtime was disabled for this tenant",
        );
    }
    let version = match parameters.get("vsn") {
        None => Some(Version::One),
        Some(vsn) => Version::named(vsn),
    };
    let Some(version) = version else {
        return refuse(StatusCode::FORBIDDEN, "The protocol's version is not known");
    };
    let token = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default()
        .to_owned();
    if let Err(problem) = token::verify(&server.keys, &token) {
        return refuse(StatusCode::UNAUTHORIZED, &problem.told().1);
    }
    upgrade.on_upgrade(move |socket| Connection::new(server, socket, version, token).attend())
}

/// Broadcasts by HTTP, and the administration of projects.
async fn absent() -> Response {
    refuse(
        StatusCode::NOT_IMPLEMENTED,
        "the local stack offers Realtime's socket only",
    )
}

fn refuse(status: StatusCode, words: &str) -> Response {
    (status, Json(json!({ "error": words }))).into_response()
}

//! The gateway's answers: it checks a request's key, and hands the request on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use http_body_util::BodyExt as _;

use super::access::{self, Access};
use super::faults::Effect;
use super::server::Gateway;
use super::{control, cors};
use crate::proxy::{self, Target};
use crate::{auth, realtime};

/// The routes of the Data API, of Auth, of Realtime and of the control.
pub(crate) fn router(gateway: &Arc<Gateway>) -> Router {
    let keyed = from_fn_with_state(Arc::clone(gateway), ask_for_key);
    let auth = auth::router(&gateway.auth).layer(keyed.clone());
    let realtime = realtime::router(&gateway.realtime).layer(keyed);
    Router::new()
        .route("/rest/v1", any(rest))
        .route("/rest/v1/", any(rest))
        .route("/rest/v1/{*path}", any(rest))
        .nest_service("/auth/v1", auth)
        .nest_service("/realtime/v1", realtime)
        .layer(from_fn(cors::allow_every_origin))
        .route(
            "/_control/requests",
            get(control::counts).delete(control::reset_counts),
        )
        .route(
            "/_control/fault",
            axum::routing::put(control::set_fault).delete(control::clear_fault),
        )
        .route(
            "/_control/keys",
            axum::routing::post(control::add_key).delete(control::revoke_key),
        )
        .route(
            "/_control/legacy_keys",
            axum::routing::put(control::switch_legacy_keys),
        )
        .route(
            "/_control/mails",
            get(control::mails).delete(control::forget_mails),
        )
        .with_state(Arc::clone(gateway))
}

async fn rest(State(gateway): State<Arc<Gateway>>, mut request: Request) -> Response {
    let fault = gateway.with_control(|control| {
        control.counts.count(request.method(), request.uri().path());
        control.take_fault(request.uri().path())
    });
    match fault {
        Some(Effect::Status(status)) => return message(status, "the gateway was told to fail"),
        Some(Effect::Answer(status, body)) => {
            // An answer before the end of a request costs its sender the connection.
            let _sent = request.into_body().collect().await;
            return verbatim(status, body);
        }
        // Until the caller hangs up.
        Some(Effect::Silence) => return std::future::pending().await,
        None => (),
    }
    if let Err(denied) = let_in(&gateway, &mut request) {
        return denied;
    }
    // The key was for us.
    request.headers_mut().remove("apikey");
    let path = upstream_path(&request);
    let Some(authority) = gateway.postgrest.get().cloned() else {
        return message(
            StatusCode::SERVICE_UNAVAILABLE,
            "PostgREST is being started",
        );
    };
    let target = Target {
        host: authority.clone(),
        authority,
        path,
    };
    match proxy::forward(&gateway.client, request, &target).await {
        Ok(response) => counted(response, Arc::clone(&gateway.sent_bytes)),
        Err(error) => {
            tracing::debug!(%error, "PostgREST does not answer");
            message(StatusCode::SERVICE_UNAVAILABLE, "name resolution failed")
        }
    }
}

/// The same answer, whose bytes are added to `sent` as they pass.
fn counted(response: Response, sent: Arc<AtomicU64>) -> Response {
    response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let length = frame.data_ref().map_or(0, Bytes::len);
            sent.fetch_add(length as u64, Ordering::Relaxed);
            frame
        }))
    })
}

/// Paths of Auth that browsers and verifiers reach without a key.
const OPEN: [&str; 4] = [
    "/verify",
    "/callback",
    "/authorize",
    "/.well-known/jwks.json",
];

async fn ask_for_key(
    State(gateway): State<Arc<Gateway>>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if !OPEN.iter().any(|open| path.starts_with(open))
        && let Err(denied) = let_in(&gateway, &mut request)
    {
        return denied;
    }
    next.run(request).await
}

/// Leaves the request with the `Authorization` that its keys amount to; the error is the answer.
#[expect(clippy::result_large_err, reason = "an answer is what it is")]
fn let_in(gateway: &Gateway, request: &mut Request) -> Result<(), Response> {
    let access = {
        let keys = gateway
            .api_keys
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        access::decide(&keys, request.headers(), request.uri().query())
    };
    match access {
        Access::Denied { message, hint } => {
            let body = serde_json::json!({ "message": message, "hint": hint });
            Err((StatusCode::UNAUTHORIZED, axum::Json(body)).into_response())
        }
        Access::AsSent => Ok(()),
        Access::AsRole(role) => {
            let bearer = format!("Bearer {}", gateway.keys.role_token(role));
            let bearer = HeaderValue::from_str(&bearer).expect("a token is base64 and dots");
            request.headers_mut().insert(AUTHORIZATION, bearer);
            Ok(())
        }
    }
}

/// Without the prefix, and without a key that came as a query parameter.
fn upstream_path(request: &Request<Body>) -> String {
    let path = request
        .uri()
        .path()
        .strip_prefix("/rest/v1")
        .expect("only such paths are routed here");
    let path = if path.is_empty() { "/" } else { path };
    let query: Vec<&str> = request
        .uri()
        .query()
        .unwrap_or("")
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("apikey="))
        .collect();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", query.join("&"))
    }
}

fn verbatim(status: StatusCode, body: String) -> Response {
    let is_json = body.starts_with('{');
    let kind = if is_json {
        "application/json"
    } else {
        "text/html"
    };
    (status, [(CONTENT_TYPE, kind)], body).into_response()
}

fn message(status: StatusCode, text: &str) -> Response {
    (status, axum::Json(serde_json::json!({ "message": text }))).into_response()
}

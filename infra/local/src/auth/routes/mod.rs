//! The HTTP interface: decodes a request, makes its change in one transaction, encodes the answer.

mod absent;
mod admin;
mod body;
mod invite;
mod otp;
mod provider;
mod sign_in;
mod sign_up;
mod user;
mod verify;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::HeaderName;
use http::header::ACCESS_CONTROL_EXPOSE_HEADERS;
use serde_json::{Value, json};

use super::caller;
use super::errors::{Refusal, in_the_form_asked_for};
use super::server::AuthServer;

/// Pages may read these of an answer.
const EXPOSED: (HeaderName, &str) = (
    ACCESS_CONTROL_EXPOSE_HEADERS,
    "X-Total-Count, Link, X-Supabase-Api-Version",
);

/// Everything below `/auth/v1`.
pub(crate) fn router(auth: &Arc<AuthServer>) -> Router {
    let for_admins = Router::new()
        .route("/admin/users", get(admin::list).post(admin::create))
        .route(
            "/admin/users/{id}",
            get(admin::show).put(admin::change).delete(admin::remove),
        )
        .route("/admin/generate_link", post(invite::generate_link))
        .route("/invite", post(invite::invite))
        .route_layer(from_fn_with_state(Arc::clone(auth), admins_only));
    Router::new()
        .route("/health", get(health))
        .route("/settings", get(settings))
        .route("/.well-known/jwks.json", get(jwks))
        .route("/signup", post(sign_up::sign_up))
        .route("/token", post(sign_in::token))
        .route("/logout", post(sign_in::log_out))
        .route("/user", get(user::show).put(user::change))
        .route("/recover", post(invite::recover))
        .route("/otp", post(otp::send))
        .route("/authorize", get(provider::authorize))
        .route("/callback", get(provider::callback))
        .route("/verify", get(verify::by_link).post(verify::by_client))
        .merge(for_admins)
        .fallback(absent::answer)
        .layer(from_fn(in_the_form_asked_for))
        .layer(from_fn(expose_headers))
        .with_state(Arc::clone(auth))
}

async fn admins_only(
    State(auth): State<Arc<AuthServer>>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    caller::check_admin(&auth.keys, request.headers())?;
    Ok(next.run(request).await)
}

async fn expose_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let (name, value) = EXPOSED;
    response
        .headers_mut()
        .insert(name, http::HeaderValue::from_static(value));
    response
}

async fn health() -> Json<Value> {
    Json(json!({
        "version": concat!("local-stack-", env!("CARGO_PKG_VERSION")), "name": "GoTrue",
        "description": "GoTrue is a user registration and authentication API",
    }))
}

async fn jwks(State(auth): State<Arc<AuthServer>>) -> Json<Value> {
    Json(auth.published_keys())
}

/// Providers that applications may look for. The local Auth signs in by e-mail, and by one of them if a stack wants it.
const PROVIDERS: [&str; 24] = [
    "apple",
    "azure",
    "bitbucket",
    "discord",
    "facebook",
    "figma",
    "fly",
    "github",
    "gitlab",
    "google",
    "kakao",
    "keycloak",
    "linkedin",
    "linkedin_oidc",
    "notion",
    "phone",
    "slack",
    "slack_oidc",
    "snapchat",
    "spotify",
    "twitch",
    "twitter",
    "workos",
    "zoom",
];

async fn settings(State(auth): State<Arc<AuthServer>>) -> Json<Value> {
    let mut external = json!({
        "email": true, "anonymous_users": auth.settings.anonymous_sign_ins,
    });
    for provider in PROVIDERS {
        let offered = provider == provider::PROVIDER && auth.settings.other_sign_in;
        external[provider] = json!(offered);
    }
    Json(json!({
        "external": external, "disable_signup": auth.settings.sign_up_disabled,
        "mailer_autoconfirm": true, "phone_autoconfirm": false, "sms_provider": "",
        "saml_enabled": false, "saml_private_key_next_configured": false, "passkeys_enabled": false,
    }))
}

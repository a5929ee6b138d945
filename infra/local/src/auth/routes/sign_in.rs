//! Sign-in by password, refreshed sessions, and their end.

use std::sync::Arc;

use axum::extract::{Query, State};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::body::parameters;
use crate::auth::caller::signed_in;
use crate::auth::errors::Refusal;
use crate::auth::pages;
use crate::auth::time::Time;
use crate::auth::tokens::{self, SessionAnswer, begin_session};
use crate::auth::{AuthServer, passwords};

#[derive(Debug, Deserialize)]
struct Credentials {
    email: Option<String>,
    phone: Option<String>,
    password: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Refresh {
    refresh_token: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Code {
    auth_code: Option<String>,
    code_verifier: Option<String>,
}

/// Issues a session for the user that `grant_type` says.
pub(super) async fn token(
    State(auth): State<Arc<AuthServer>>,
    Query(query): Query<pages::Query>,
    body: Bytes,
) -> Result<SessionAnswer, Refusal> {
    let grant = query.get("grant_type").map_or("", String::as_str);
    match grant {
        "password" => by_password(&auth, parameters(&body)?).await,
        "refresh_token" => by_refresh_token(&auth, parameters(&body)?).await,
        "pkce" => by_code(&auth, parameters(&body)?).await,
        "id_token" | "web3" => Err(Refusal::NotOffered(format!("the grant {grant}"))),
        _ => Err(Refusal::UnsupportedGrant),
    }
}

async fn by_password(auth: &AuthServer, asked: Credentials) -> Result<SessionAnswer, Refusal> {
    let email = asked.email.unwrap_or_default();
    let by_phone = asked.phone.is_some_and(|phone| !phone.is_empty());
    match (email.is_empty(), by_phone) {
        (false, true) => {
            return Err(Refusal::invalid(
                "Only an email address or phone number should be provided on login.",
            ));
        }
        (true, true) => return Err(Refusal::PhoneDisabled("logins")),
        (true, false) => return Err(Refusal::invalid("missing email or phone")),
        (false, false) => {}
    }
    let user = auth.begin().await?.user_by_email(&email).await?;
    let user = user.ok_or(Refusal::InvalidCredentials)?;
    let hash = user.password_hash().ok_or(Refusal::InvalidCredentials)?;
    if user.is_banned(Time::now()) {
        return Err(Refusal::Banned(StatusCode::BAD_REQUEST));
    }
    // Outside the transaction: it takes its time.
    if !passwords::fits(asked.password.unwrap_or_default(), hash.to_owned()).await? {
        return Err(Refusal::InvalidCredentials);
    }
    if user.email_confirmed_at.is_none() {
        return Err(Refusal::EmailNotConfirmed);
    }
    let database = auth.begin().await?;
    let mut user = database
        .user(user.id)
        .await?
        .ok_or(Refusal::InvalidCredentials)?;
    let answer = begin_session(auth, &database, &mut user, "password", Time::now()).await?;
    database.commit().await?;
    Ok(answer)
}

async fn by_refresh_token(auth: &AuthServer, asked: Refresh) -> Result<SessionAnswer, Refusal> {
    let token = asked.refresh_token.unwrap_or_default();
    tokens::check_form(&token)?;
    let now = Time::now();
    let database = auth.begin().await?;
    let token = database
        .refresh_token(&token)
        .await?
        .ok_or(Refusal::RefreshTokenNotFound)?;
    let session = database
        .session(token.session_id)
        .await?
        .ok_or(Refusal::RefreshTokenNotFound)?;
    let user = database
        .user(session.user_id)
        .await?
        .ok_or(Refusal::RefreshTokenNotFound)?;
    if user.is_banned(now) {
        return Err(Refusal::Banned(StatusCode::BAD_REQUEST));
    }
    let answer = tokens::refresh(auth, &database, &user, &session, &token, now).await;
    // A refusal has revoked tokens.
    database.commit().await?;
    answer
}

/// Ends a PKCE flow.
async fn by_code(auth: &AuthServer, asked: Code) -> Result<SessionAnswer, Refusal> {
    let (code, verifier) = (
        asked.auth_code.unwrap_or_default(),
        asked.code_verifier.unwrap_or_default(),
    );
    if code.is_empty() || verifier.is_empty() {
        return Err(Refusal::invalid(
            "invalid request: both auth code and code verifier should be non-empty",
        ));
    }
    let now = Time::now();
    let user = auth.flows.end(&code, &verifier, now)?;
    let database = auth.begin().await?;
    let user = database.user(user).await?;
    let mut user = user.ok_or(Refusal::FlowNotFound)?;
    let answer = begin_session(auth, &database, &mut user, "otp", now).await?;
    database.commit().await?;
    Ok(answer)
}

/// Ends all sessions of the caller, this one (`local`) or all but this one (`others`).
pub(super) async fn log_out(
    State(auth): State<Arc<AuthServer>>,
    Query(query): Query<pages::Query>,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    let database = auth.begin().await?;
    let caller = signed_in(&auth.keys, &headers, &database).await?;
    let scope = query.get("scope").map_or("", String::as_str);
    if !["", "global", "local", "others"].contains(&scope) {
        return Err(Refusal::invalid(format!(
            "Unsupported logout scope \"{scope}\""
        )));
    }
    match (scope, caller.session) {
        ("local", Some(session)) => database.delete_session(session.id).await?,
        ("others", Some(session)) => {
            database
                .delete_sessions(caller.user.id, Some(session.id))
                .await?;
        }
        _ => database.delete_sessions(caller.user.id, None).await?,
    }
    database.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

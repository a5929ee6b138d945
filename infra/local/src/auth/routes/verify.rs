//! Mailed links and digits: they confirm an address and begin a session.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::StatusCode;
use http::header::LOCATION;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::parameters;
use super::sign_up::random_password;
use super::user::take_new_email;
use crate::auth::errors::Refusal;
use crate::auth::mails::{self, redirect_of};
use crate::auth::pages;
use crate::auth::store::Transaction;
use crate::auth::time::Time;
use crate::auth::tokens::{SessionAnswer, begin_session};
use crate::auth::users::{EMAIL, Metadata, User, email_identity, merge};
use crate::auth::{AuthServer, email, passwords};

/// Mailed tokens are good for so long; Supabase's default.
const LIFETIME: SignedDuration = SignedDuration::from_hours(1);

#[derive(Debug, Deserialize)]
pub(super) struct Proof {
    #[serde(rename = "type")]
    kind: Option<String>,
    token: Option<String>,
    token_hash: Option<String>,
    email: Option<String>,
}

/// Takes six digits with their address, or a token's hash.
pub(super) async fn by_client(
    State(auth): State<Arc<AuthServer>>,
    body: Bytes,
) -> Result<SessionAnswer, Refusal> {
    let proof: Proof = parameters(&body)?;
    let kind = proof.kind.unwrap_or_default();
    if kind.is_empty() {
        return Err(Refusal::invalid("Verify requires a verification type"));
    }
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let hash = match (given(proof.token), given(proof.token_hash)) {
        (Some(digits), None) => {
            let address = email::parse(&proof.email.unwrap_or_default())?;
            mails::hash(&address, &digits)
        }
        (None, Some(hash)) => hash,
        _ => {
            return Err(Refusal::invalid(
                "Verify requires either a token or a token hash",
            ));
        }
    };
    verify(&auth, &kind, &hash).await
}

/// Follows a mailed link: leads to the page it names, with the session or the refusal behind `#`.
pub(super) async fn by_link(
    State(auth): State<Arc<AuthServer>>,
    Query(query): Query<pages::Query>,
) -> Result<Response, Refusal> {
    let text = |name: &str| query.get(name).map_or("", String::as_str);
    let (kind, hash) = (text("type"), text("token"));
    if kind.is_empty() {
        return Err(Refusal::invalid("Verify requires a verification type"));
    }
    if hash.is_empty() {
        return Err(Refusal::invalid("Verify requires a token or a token hash"));
    }
    let page = redirect_of(Some(text("redirect_to"))).unwrap_or(mails::SITE_URL);
    let behind = match verify(&auth, kind, hash).await {
        Ok(session) => session_parameters(&session.0, kind),
        Err(refusal) => url::form_urlencoded::Serializer::new(String::new())
            .append_pair("error", "access_denied")
            .append_pair("error_code", refusal.code())
            .append_pair("error_description", &refusal.to_string())
            .finish(),
    };
    let target = format!("{page}#{behind}");
    Ok((StatusCode::SEE_OTHER, [(LOCATION, target)]).into_response())
}

fn session_parameters(session: &Value, kind: &str) -> String {
    let mut parameters = url::form_urlencoded::Serializer::new(String::new());
    for name in ["access_token", "expires_at", "expires_in", "refresh_token"] {
        let text = match &session[name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        parameters.append_pair(name, &text);
    }
    parameters
        .append_pair("token_type", "bearer")
        .append_pair("type", kind)
        .finish()
}

async fn verify(auth: &AuthServer, kind: &str, hash: &str) -> Result<SessionAnswer, Refusal> {
    let columns = columns_of(kind)?;
    let now = Time::now();
    let database = auth.begin().await?;
    let mut user = database
        .user_by_token(columns, hash)
        .await?
        .ok_or(Refusal::BadOneTimeToken)?;
    if user.is_banned(now) {
        return Err(Refusal::Banned(StatusCode::FORBIDDEN));
    }
    if sent_at(&user, hash).is_none_or(|sent| now > sent.plus(LIFETIME)) {
        return Err(Refusal::BadOneTimeToken);
    }
    accept(&database, &mut user, hash, now).await?;
    if user
        .identities
        .iter()
        .flatten()
        .any(|i| i.provider == EMAIL)
    {
        let providers = [("provider", json!(EMAIL)), ("providers", json!([EMAIL]))];
        let providers = providers.map(|(name, value)| (name.to_owned(), value));
        merge(&mut user.raw_app_meta_data, Metadata::from_iter(providers));
    }
    let answer = begin_session(auth, &database, &mut user, "otp", now).await?;
    database.commit().await?;
    Ok(answer)
}

/// The columns that may hold a token of this type.
fn columns_of(kind: &str) -> Result<&'static [&'static str], Refusal> {
    match kind {
        "signup" | "invite" => Ok(&["confirmation_token"]),
        "recovery" | "magiclink" => Ok(&["recovery_token"]),
        "email" => Ok(&["confirmation_token", "recovery_token"]),
        "email_change" => Ok(&["email_change_token_current", "email_change_token_new"]),
        "sms" | "phone_change" => Err(Refusal::NotOffered("phone numbers".to_owned())),
        _ => Err(Refusal::invalid("Invalid email verification type")),
    }
}

fn sent_at(user: &User, hash: &str) -> Option<Time> {
    if user.confirmation_token == hash {
        user.confirmation_sent_at
    } else if user.recovery_token == hash {
        user.recovery_sent_at
    } else {
        user.email_change_sent_at
    }
}

/// Uses the token up, and confirms the address that its mail went to.
async fn accept(
    database: &Transaction,
    user: &mut User,
    hash: &str,
    now: Time,
) -> Result<(), Refusal> {
    if user.confirmation_token == hash {
        // An invited user is signed in first, and chooses a password then.
        if user.password_hash().is_none() && user.invited_at.is_some() {
            user.set_password(Some(passwords::hash(random_password()).await?));
            database.delete_sessions(user.id, None).await?;
        }
        user.confirm(now);
        let data = email_identity(user.id, user.address(), true);
        return database.put_email_identity(user, data, now).await;
    }
    if user.recovery_token == hash {
        user.recovery_token.clear();
        if user.email_confirmed_at.is_none() {
            user.confirm(now);
        }
        return Ok(());
    }
    take_new_email(database, user, now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_looked_for_where_its_type_is_kept() {
        assert_eq!(columns_of("invite").unwrap(), ["confirmation_token"]);
        assert_eq!(columns_of("magiclink").unwrap(), ["recovery_token"]);
        assert!(matches!(columns_of("sms"), Err(Refusal::NotOffered(_))));
        assert!(matches!(columns_of("else"), Err(Refusal::Invalid(_))));
    }
}

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
use crate::auth::pkce;
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
    let hashes = match (given(proof.token), given(proof.token_hash)) {
        (Some(digits), None) => {
            let address = email::parse(&proof.email.unwrap_or_default())?;
            let hash = mails::hash(&address, &digits);
            // Digits count in either flow.
            vec![pkce::with_prefix(&hash), hash]
        }
        (None, Some(hash)) => vec![hash],
        _ => {
            return Err(Refusal::invalid(
                "Verify requires either a token or a token hash",
            ));
        }
    };
    sign_in(&auth, &kind, &hashes).await
}

/// Follows a mailed link: leads to the page it names, with the session or the refusal behind `#`. In a PKCE flow it leads
/// there with a code.
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
    let target = if pkce::is_of_flow(hash) {
        let code = code_of_link(&auth, kind, hash).await;
        let query = code.map_or_else(error_parameters, |code| format!("code={code}"));
        let joint = if page.contains('?') { '&' } else { '?' };
        format!("{page}{joint}{query}")
    } else {
        let session = sign_in(&auth, kind, &[hash.to_owned()]).await;
        let behind = session.map_or_else(error_parameters, |session| {
            session_parameters(&session.0, kind)
        });
        format!("{page}#{behind}")
    };
    Ok((StatusCode::SEE_OTHER, [(LOCATION, target)]).into_response())
}

fn error_parameters(refusal: Refusal) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .append_pair("error", "access_denied")
        .append_pair("error_code", refusal.code())
        .append_pair("error_description", &refusal.to_string())
        .finish()
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

/// Begins a session by the first of these tokens that somebody has.
async fn sign_in(
    auth: &AuthServer,
    kind: &str,
    hashes: &[String],
) -> Result<SessionAnswer, Refusal> {
    let now = Time::now();
    let database = auth.begin().await?;
    let mut user = use_up(&database, kind, hashes, now).await?;
    let answer = begin_session(auth, &database, &mut user, "otp", now).await?;
    database.commit().await?;
    Ok(answer)
}

async fn code_of_link(auth: &AuthServer, kind: &str, hash: &str) -> Result<String, Refusal> {
    let now = Time::now();
    let database = auth.begin().await?;
    let mut user = use_up(&database, kind, &[hash.to_owned()], now).await?;
    let code = auth.flows.code(user.id)?;
    database.save_user(&mut user, now).await?;
    database.commit().await?;
    Ok(code)
}

/// The token's user, whose address it confirms.
async fn use_up(
    database: &Transaction,
    kind: &str,
    hashes: &[String],
    now: Time,
) -> Result<User, Refusal> {
    let columns = columns_of(kind)?;
    let mut found = None;
    for hash in hashes {
        if let Some(user) = database.user_by_token(columns, hash).await? {
            found = Some((user, hash));
            break;
        }
    }
    let (mut user, hash) = found.ok_or(Refusal::BadOneTimeToken)?;
    if user.is_banned(now) {
        return Err(Refusal::Banned(StatusCode::FORBIDDEN));
    }
    if sent_at(&user, hash).is_none_or(|sent| now > sent.plus(LIFETIME)) {
        return Err(Refusal::BadOneTimeToken);
    }
    accept(database, &mut user, hash, now).await?;
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
    Ok(user)
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

//! Access tokens and refresh tokens: their contents, and when one may be used.

use axum::Json;
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use rand::Rng as _;
use serde_json::{Value, json};

use super::errors::Refusal;
use super::server::AuthServer;
use super::store::{RefreshToken, Session, Transaction};
use super::time::Time;
use super::users::User;

/// Supabase's default, in seconds.
const LIFETIME: i64 = 3600;
/// A used refresh token is forgiven for so long: several pages may refresh at once.
const REUSE_INTERVAL: SignedDuration = SignedDuration::from_secs(10);
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";
const TOKEN_LENGTH: usize = 12;

/// A signed-in user's session, as an answer.
#[derive(Debug)]
pub(super) struct SessionAnswer(pub(super) Value);

impl IntoResponse for SessionAnswer {
    fn into_response(self) -> Response {
        Json(self.0).into_response()
    }
}

/// Begins a session. `method` is the way of signing in by its name in `amr`.
pub(super) async fn begin_session(
    auth: &AuthServer,
    database: &Transaction,
    user: &mut User,
    method: &str,
    now: Time,
) -> Result<SessionAnswer, Refusal> {
    let session = database.insert_session(user.id, method, now).await?;
    let refresh = random_token();
    database
        .insert_refresh_token(&session, &refresh, None, now)
        .await?;
    user.last_sign_in_at = Some(now);
    database.save_user(user, now).await?;
    answer(auth, user, &session, &refresh, now)
}

/// Exchanges a refresh token.
///
/// # Errors
/// A token that was used too often revokes all tokens of its session: commit the changes all the same.
pub(super) async fn refresh(
    auth: &AuthServer,
    database: &Transaction,
    user: &User,
    session: &Session,
    token: &RefreshToken,
    now: Time,
) -> Result<SessionAnswer, Refusal> {
    let active = match token.revoked {
        true => database.active_refresh_token(session.id).await?,
        false => None,
    };
    let issued = match plan_exchange(token, active.as_ref(), now) {
        Exchange::Repeat(active) => active,
        Exchange::Refuse => {
            database.revoke_tokens(session.id, now).await?;
            return Err(Refusal::RefreshTokenUsed);
        }
        Exchange::Swap => {
            let issued = random_token();
            database.revoke_token(&token.token, now).await?;
            database
                .insert_refresh_token(session, &issued, Some(&token.token), now)
                .await?;
            issued
        }
    };
    database.session_was_refreshed(session.id, now).await?;
    answer(auth, user, session, &issued, now)
}

/// The fate of a presented refresh token.
#[derive(Debug, PartialEq, Eq)]
enum Exchange {
    /// It is revoked, and a new one is issued.
    Swap,
    /// Its holder did not get the successor, which is given out again.
    Repeat(String),
    /// Somebody else may hold it: no token of the session counts any more.
    Refuse,
}

fn plan_exchange(token: &RefreshToken, active: Option<&RefreshToken>, now: Time) -> Exchange {
    if !token.revoked {
        return Exchange::Swap;
    }
    match active {
        Some(active) if active.parent.as_deref() == Some(&token.token) => {
            Exchange::Repeat(active.token.clone())
        }
        _ if now > token.updated_at.plus(REUSE_INTERVAL) => Exchange::Refuse,
        _ => Exchange::Swap,
    }
}

/// Tokens that cannot be any of ours are told from unknown ones.
pub(super) fn check_form(token: &str) -> Result<(), Refusal> {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if token.len() == TOKEN_LENGTH && token.chars().all(letter) {
        Ok(())
    } else {
        Err(Refusal::invalid("Refresh token is not valid"))
    }
}

fn random_token() -> String {
    let mut random = rand::rng();
    (0..TOKEN_LENGTH)
        .map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())]))
        .collect()
}

fn answer(
    auth: &AuthServer,
    user: &User,
    session: &Session,
    refresh: &str,
    now: Time,
) -> Result<SessionAnswer, Refusal> {
    let claims = access_claims(user, session, auth.issuer()?, now);
    Ok(SessionAnswer(json!({
        "access_token": auth.sign(&claims), "token_type": "bearer", "expires_in": LIFETIME,
        "expires_at": claims["exp"], "refresh_token": refresh, "user": user.view(),
    })))
}

fn access_claims(user: &User, session: &Session, issuer: &str, now: Time) -> Value {
    json!({
        "iss": issuer, "aud": user.aud, "sub": user.id, "iat": now.seconds(), "exp": now.seconds() + LIFETIME,
        "email": user.address(), "phone": user.phone.as_deref().unwrap_or_default(),
        "app_metadata": user.raw_app_meta_data, "user_metadata": user.raw_user_meta_data, "role": user.role,
        "aal": session.aal.as_deref().unwrap_or("aal1"), "amr": session.amr, "session_id": session.id,
        "is_anonymous": user.is_anonymous,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn token(name: &str, parent: &str, revoked: bool, updated_at: Time) -> RefreshToken {
        RefreshToken {
            token: name.to_owned(),
            parent: Some(parent.to_owned()),
            session_id: Uuid::nil(),
            revoked,
            updated_at,
        }
    }

    #[test]
    fn used_token_gets_its_successor_or_ends_the_session() {
        let now = Time::now();
        let ago = |seconds: i64| now.plus(SignedDuration::from_secs(-seconds));
        let third = token("third", "second", false, now);
        let fresh = token("second", "first", false, ago(60));
        assert_eq!(plan_exchange(&fresh, None, now), Exchange::Swap);
        let parent = token("second", "first", true, ago(60));
        assert_eq!(
            plan_exchange(&parent, Some(&third), now),
            Exchange::Repeat("third".to_owned())
        );
        let just_used = token("first", "", true, ago(5));
        assert_eq!(plan_exchange(&just_used, Some(&third), now), Exchange::Swap);
        let stolen = token("first", "", true, ago(60));
        assert_eq!(plan_exchange(&stolen, Some(&third), now), Exchange::Refuse);
    }

    #[test]
    fn tokens_have_the_form_that_is_checked() {
        assert!(check_form(&random_token()).is_ok());
        assert!(check_form("short").is_err() && check_form("UPPERCASE123").is_err());
    }

    #[test]
    fn claims_are_those_of_a_hosted_project() {
        let now = Time::now();
        let mut user = User::new(Uuid::new_v4(), now);
        user.is_anonymous = true;
        let session = Session {
            id: Uuid::new_v4(),
            user_id: user.id,
            aal: None,
            amr: vec![json!({ "method": "anonymous", "timestamp": 1 })],
        };
        let claims = access_claims(&user, &session, "http://project/auth/v1", now);
        let mut names: Vec<&str> = claims
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "aal",
                "amr",
                "app_metadata",
                "aud",
                "email",
                "exp",
                "iat",
                "is_anonymous",
                "iss",
                "phone",
                "role",
                "session_id",
                "sub",
                "user_metadata"
            ]
        );
        assert_eq!(
            (&claims["email"], &claims["phone"]),
            (&json!(""), &json!(""))
        );
        assert_eq!(claims["is_anonymous"], true);
    }
}

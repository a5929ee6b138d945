//! The caller of a request, by the token that the gateway passes on.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde_json::Value;
use uuid::Uuid;

use super::errors::Refusal;
use super::store::{Session, Transaction};
use super::time::Time;
use super::users::User;
use crate::keys::Keys;

/// Roles that may use the admin API.
const ADMIN_ROLES: [&str; 2] = ["service_role", "supabase_admin"];

/// A user with a valid access token.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) user: User,
    /// Tokens that Auth did not issue may name none.
    pub(super) session: Option<Session>,
    pub(super) claims: Value,
}

/// The token's user, who is there and not banned, and whose session has not ended.
pub(super) async fn signed_in(
    keys: &Keys,
    headers: &HeaderMap,
    database: &Transaction,
) -> Result<Caller, Refusal> {
    let claims = claims(keys, headers)?;
    let (user, session) = ids(&claims)?;
    let user = database.user(user).await?.ok_or(Refusal::UserOfTokenGone)?;
    let session = match session {
        Some(id) => Some(database.session(id).await?.ok_or(Refusal::SessionGone)?),
        None => None,
    };
    if user.is_banned(Time::now()) {
        return Err(Refusal::Banned(http::StatusCode::FORBIDDEN));
    }
    Ok(Caller {
        user,
        session,
        claims,
    })
}

/// Lets the service role in.
pub(super) fn check_admin(keys: &Keys, headers: &HeaderMap) -> Result<(), Refusal> {
    let claims = claims(keys, headers)?;
    let role = claims["role"].as_str().unwrap_or_default();
    if ADMIN_ROLES.contains(&role) {
        Ok(())
    } else {
        Err(Refusal::NotAdmin)
    }
}

fn claims(keys: &Keys, headers: &HeaderMap) -> Result<Value, Refusal> {
    let value = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok());
    let token = value.and_then(bearer).ok_or(Refusal::NoAuthorization)?;
    keys.verify(token)
        .map_err(|problem| Refusal::BadToken(problem.to_string()))
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let alone = !token.is_empty() && !token.contains(char::is_whitespace);
    (scheme.eq_ignore_ascii_case("bearer") && alone).then_some(token)
}

/// The ids of user and session in the claims.
fn ids(claims: &Value) -> Result<(Uuid, Option<Uuid>), Refusal> {
    let text = |name: &str| claims[name].as_str().filter(|text| !text.is_empty());
    let user = text("sub").ok_or(Refusal::NoSubject)?;
    let user = user.parse().map_err(|_| Refusal::ClaimNotUuid("sub"))?;
    let session: Option<Uuid> = text("session_id")
        .map(|id| id.parse().map_err(|_| Refusal::ClaimNotUuid("session_id")))
        .transpose()?;
    Ok((user, session.filter(|id| !id.is_nil())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::TokenClaims;

    fn headers(authorization: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, authorization.parse().unwrap());
        headers
    }

    #[test]
    fn only_the_service_role_is_an_admin() {
        let keys = Keys::generate();
        let user = keys.token(&TokenClaims::admin("a@example.com"), "issuer");
        let foreign = Keys::generate().role_token("service_role");
        let table = [
            (
                format!("Bearer {}", keys.role_token("service_role")),
                "admin",
            ),
            (format!("bearer {}", keys.legacy_service_role), "admin"),
            (format!("Bearer {}", keys.role_token("anon")), "not_admin"),
            (format!("Bearer {user}"), "not_admin"),
            (format!("Bearer {foreign}"), "bad_jwt"),
            ("Bearer nonsense".to_owned(), "bad_jwt"),
            ("Basic abc".to_owned(), "no_authorization"),
            ("Bearer a b".to_owned(), "no_authorization"),
        ];
        for (authorization, expected) in table {
            let outcome = match check_admin(&keys, &headers(&authorization)) {
                Ok(()) => "admin",
                Err(refusal) => refusal.code(),
            };
            assert_eq!(outcome, expected, "{authorization}");
        }
    }

    #[test]
    fn keys_of_roles_are_no_users() {
        let claims = serde_json::json!({ "role": "anon" });
        assert!(matches!(ids(&claims), Err(Refusal::NoSubject)));
    }
}

//! The claims of a token that this project reads (pure).
//!
//! A claim of another kind than Supabase Auth writes is refused, never passed over: nobody knows what such a token means.
//! The database refuses the same (`media_sync.has_odd_claims`).

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use uuid::Uuid;

use super::error::TokenError;
use crate::user_role::UserRole;

/// The database role of signed-in users. Tokens of other roles belong to services, not to users.
pub(super) const USERS: &str = "authenticated";

/// The length of a UUID as Supabase Auth writes it.
const UUID_LENGTH: usize = 36;

#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    pub(super) exp: f64,
    #[serde(default, deserialize_with = "given")]
    pub(super) nbf: Option<f64>,
    #[serde(default, deserialize_with = "given")]
    pub(super) iss: Option<String>,
    #[serde(default, deserialize_with = "given")]
    sub: Option<String>,
    #[serde(default, deserialize_with = "given")]
    role: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[expect(
        dead_code,
        reason = "the database judges by it; only its kind is checked here"
    )]
    aal: Option<String>,
    #[serde(default)]
    is_anonymous: bool,
    #[serde(default)]
    app_metadata: AppMetadata,
}

/// The part of a token that only servers can write. The user writes `user_metadata`, so it decides on nothing.
#[derive(Debug, Default, Deserialize)]
struct AppMetadata {
    #[serde(default, deserialize_with = "given")]
    role: Option<String>,
}

impl Claims {
    /// Reads the claims of a verified token.
    pub(super) fn read(claims: Value) -> Result<Self, TokenError> {
        if !claims.get("exp").is_some_and(Value::is_number) {
            return Err(TokenError::Malformed);
        }
        // A list would pass for an object whose fields are all left out.
        let is_listed = claims.get("app_metadata").is_some_and(Value::is_array);
        match Self::deserialize(claims) {
            Ok(claims) if !is_listed => Ok(claims),
            _ => Err(TokenError::Claims),
        }
    }

    /// The user whom the token names, with the role in this application.
    pub(super) fn user(&self) -> Result<(Uuid, UserRole), TokenError> {
        if self.role.as_deref() != Some(USERS) {
            return Err(TokenError::Role);
        }
        let sub = self.sub.as_deref().filter(|sub| sub.len() == UUID_LENGTH);
        let sub = sub.and_then(|sub| Uuid::parse_str(sub).ok());
        let role = match self.is_anonymous {
            true => UserRole::Anonymous,
            false => UserRole::parse(self.app_metadata.role.as_deref()),
        };
        Ok((sub.ok_or(TokenError::Subject)?, role))
    }
}

/// Reads a claim that is there, so that `null` is refused as any other kind is.
fn given<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SUB: &str = "3d7c1c9e-5c0e-4d43-9f5e-0c1f1a6d2b11";

    fn user(change: impl FnOnce(&mut Value)) -> Result<(Uuid, UserRole), &'static str> {
        let mut claims = json!({
            "exp": 7, "sub": SUB, "role": "authenticated", "aal": "aal1", "is_anonymous": false,
            "app_metadata": {"provider": "email", "role": "editor"},
        });
        change(&mut claims);
        let read = Claims::read(claims).and_then(|claims| claims.user());
        read.map_err(|error| error.code())
    }

    #[test]
    fn claims_of_another_kind_are_refused_and_never_passed_over() {
        let odd = [
            json!(7),
            json!(["authenticated"]),
            json!(null),
            json!({}),
            json!(true),
        ];
        for value in odd {
            for claim in ["sub", "role", "aal", "is_anonymous", "app_metadata"] {
                let fits = match claim {
                    "is_anonymous" => value.is_boolean(),
                    "app_metadata" => value.is_object(),
                    _ => false,
                };
                let read = user(|claims| claims[claim] = value.clone());
                assert_eq!(
                    read.err(),
                    (!fits).then_some("token_claims"),
                    "{claim} {value}"
                );
            }
            let read = user(|claims| claims["app_metadata"]["role"] = value.clone());
            assert_eq!(read, Err("token_claims"), "app_metadata.role {value}");
        }
    }

    #[test]
    fn only_a_user_of_the_project_is_one() {
        let huge = "x".repeat(7000);
        for role in ["service_role", "anon", "postgres", "", &huge] {
            assert_eq!(
                user(|it| it["role"] = role.into()),
                Err("token_role"),
                "{role}"
            );
        }
        let without = user(|it| drop(it.as_object_mut().unwrap().remove("role")));
        assert_eq!(without, Err("token_role"));
        for sub in [
            "",
            "nobody",
            &SUB.replace('-', ""),
            &format!("{{{SUB}}}"),
            &huge,
        ] {
            assert_eq!(
                user(|it| it["sub"] = sub.into()),
                Err("token_subject"),
                "{sub}"
            );
        }
    }

    #[test]
    fn an_anonymous_user_has_no_other_role_whatever_else_is_said() {
        assert_eq!(user(|_| ()).unwrap().1, UserRole::Editor);
        let anonymous = user(|it| it["is_anonymous"] = true.into());
        assert_eq!(anonymous.unwrap().1, UserRole::Anonymous);
    }
}

//! The token of a channel: the one that its client sent, or the API key's.

use jiff::Timestamp;
use serde_json::Value;

use crate::keys::Keys;

/// Verified claims.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Claims {
    pub(super) all: Value,
    pub(super) role: String,
    /// Seconds since 1970.
    pub(super) expires_at: i64,
}

/// The reason why a token does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TokenProblem {
    Malformed,
    Expired,
    Signature,
    Claims,
}

impl TokenProblem {
    /// The server's code and words for it, as a refused join has them.
    pub(super) fn told(&self) -> (&'static str, String) {
        match self {
            Self::Malformed => (
                "MalformedJWT",
                "The token provided is not a valid JWT".into(),
            ),
            Self::Expired => ("InvalidJWTToken", "Token has expired".into()),
            Self::Signature => (
                "JwtSignatureError",
                "Failed to validate JWT signature".into(),
            ),
            Self::Claims => (
                "InvalidJWTToken",
                "Fields `role` and `exp` are required in JWT".into(),
            ),
        }
    }
}

/// Keys in the place of a token stand for the API key of the socket.
pub(super) fn is_key(token: &str) -> bool {
    token.starts_with("sb_")
}

/// Verifies a token.
///
/// # Errors
/// The first reason why it does not count.
pub(super) fn verify(keys: &Keys, token: &str) -> Result<Claims, TokenProblem> {
    use jsonwebtoken::errors::ErrorKind;
    let all = keys.verify(token).map_err(|error| match error.kind() {
        ErrorKind::ExpiredSignature => TokenProblem::Expired,
        ErrorKind::InvalidSignature => TokenProblem::Signature,
        _ => TokenProblem::Malformed,
    })?;
    let role = all["role"].as_str().ok_or(TokenProblem::Claims)?.to_owned();
    let expires_at = all["exp"].as_i64().ok_or(TokenProblem::Claims)?;
    Ok(Claims {
        role,
        expires_at,
        all,
    })
}

impl Claims {
    /// The seconds that the token still counts.
    pub(super) fn seconds_left(&self, now: Timestamp) -> u64 {
        u64::try_from(self.expires_at - now.as_second()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::TokenClaims;

    #[test]
    fn tokens_count_or_say_why_not() {
        let keys = Keys::generate();
        let user = TokenClaims::user("u@example.com");
        let good = keys.token(&user, "issuer");
        assert_eq!(
            verify(&keys, &good).map(|claims| claims.role).as_deref(),
            Ok("authenticated")
        );
        let foreign = Keys::generate().role_token("anon");
        let sign = |claims: &Value| keys.sign(claims);
        let table = [
            (foreign, TokenProblem::Signature),
            ("nonsense".to_owned(), TokenProblem::Malformed),
            (
                sign(&serde_json::json!({ "role": "anon", "exp": 1 })),
                TokenProblem::Expired,
            ),
            (
                sign(&serde_json::json!({ "exp": 4_000_000_000_u32 })),
                TokenProblem::Claims,
            ),
            (
                sign(&serde_json::json!({ "role": "anon" })),
                TokenProblem::Claims,
            ),
        ];
        for (token, expected) in table {
            assert_eq!(verify(&keys, &token), Err(expected));
        }
        assert!(is_key(&keys.publishable));
    }
}

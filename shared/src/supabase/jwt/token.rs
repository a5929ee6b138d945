//! A token's header and claims, checked (pure).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::claims::{Claims, USERS};
use super::error::TokenError;
use crate::supabase::keys::UserToken;
use crate::time::Timestamp;
use crate::user_role::UserRole;

/// The largest allowed difference of clocks.
const LEEWAY: Duration = Duration::from_secs(30);

/// A user whose token was verified.
#[derive(Debug, Clone)]
pub struct ApiCaller {
    /// The user's id.
    pub sub: Uuid,
    /// The role in this application, as the server has written it.
    pub user_role: UserRole,
    /// To be forwarded, so that row level security decides.
    pub token: UserToken,
}

/// As much of a token's header as decides on its verification. Keys that a header brings along or
/// points to (`jwk`, `jku`, `x5u`, `x5c`) are an attacker's offer, and not looked at.
#[derive(Deserialize)]
pub(super) struct Header {
    alg: String,
    pub(super) kid: Option<String>,
    crit: Option<Value>,
}

impl Header {
    pub(super) fn algorithm(&self) -> Result<Algorithm, TokenError> {
        match self.alg.as_str() {
            "HS256" => Ok(Algorithm::HS256),
            "ES256" => Ok(Algorithm::ES256),
            "RS256" => Ok(Algorithm::RS256),
            _ => Err(TokenError::Algorithm),
        }
    }
}

/// Reads the header of a text that has the form of a token.
pub(super) fn read_header(token: &str) -> Option<Header> {
    let mut parts = token.split('.');
    let (Some(first), Some(_), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let bytes = URL_SAFE_NO_PAD.decode(first).ok()?;
    let header: Header = serde_json::from_slice(&bytes).ok()?;
    // Extensions that must be understood (RFC 7515, section 4.1.11): we know none.
    header.crit.is_none().then_some(header)
}

/// Holds a token to its signature, its times, audience, issuer and user.
pub(super) fn check(
    token: &str,
    algorithm: Algorithm,
    key: &DecodingKey,
    issuers: &[String],
    now: Timestamp,
) -> Result<ApiCaller, TokenError> {
    let mut rules = Validation::new(algorithm);
    rules.set_audience(&[USERS]);
    rules.set_required_spec_claims(&["aud"]);
    // The library would ask its own clock.
    rules.validate_exp = false;
    let decoded = decode::<Value>(token, key, &rules).map_err(|error| read_error(&error))?;
    let claims = Claims::read(decoded.claims)?;

    let leeway = LEEWAY.as_secs_f64();
    #[expect(
        clippy::cast_precision_loss,
        reason = "today's microseconds are below 2^53"
    )]
    let now = now.micros() as f64 / 1e6;
    if claims.exp + leeway < now {
        return Err(TokenError::Expired);
    }
    if claims.nbf.is_some_and(|nbf| nbf - leeway > now) {
        return Err(TokenError::NotYetValid);
    }
    // Who else holds the legacy secret may sign tokens without an issuer, and PostgREST takes them;
    // the published keys only Supabase Auth signs with, and it always says so.
    let issuer_is_good = match &claims.iss {
        Some(said) => {
            let said = said.strip_suffix('/').unwrap_or(said);
            issuers.iter().any(|issuer| issuer == said)
        }
        None => algorithm == Algorithm::HS256,
    };
    if !issuer_is_good {
        return Err(TokenError::Issuer);
    }
    let (sub, user_role) = claims.user()?;
    Ok(ApiCaller {
        sub,
        user_role,
        token: UserToken::parse(token).map_err(|_| TokenError::Malformed)?,
    })
}

fn read_error(error: &jsonwebtoken::errors::Error) -> TokenError {
    match error.kind() {
        ErrorKind::InvalidSignature => TokenError::Signature,
        ErrorKind::InvalidAudience => TokenError::Audience,
        ErrorKind::MissingRequiredClaim(claim) if claim == "aud" => TokenError::Audience,
        ErrorKind::InvalidAlgorithm
        | ErrorKind::InvalidAlgorithmName
        | ErrorKind::UnsupportedAlgorithm => TokenError::Algorithm,
        _ => TokenError::Malformed,
    }
}

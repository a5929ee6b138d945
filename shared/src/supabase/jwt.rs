//! Verifies users' access tokens: by the project's published keys, or by its legacy secret.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;
use uuid::Uuid;

use super::keys::UserToken;
use crate::deadline::Deadline;
use crate::rotation::LiveValue;
use crate::time::Timestamp;

/// Tokens of Supabase Auth hold a few hundred bytes; custom claims may add to them.
const MAX_TOKEN: usize = 8 * 1024;

/// The largest allowed difference of clocks.
const LEEWAY: Duration = Duration::from_secs(30);

/// Supabase's own edge caches the key set for ten minutes; a revoked key lives no longer here.
const KEYS_LIVE: Duration = Duration::from_secs(600);

/// An unknown key id may be a new key, or an attacker's invention: ask no oftener than this.
const UNKNOWN_KEY_PAUSE: Duration = Duration::from_secs(30);

/// While there are no keys at all, nobody gets in: ask sooner.
const NO_KEYS_PAUSE: Duration = Duration::from_secs(2);

const FETCH_TIMEOUT: Duration = Duration::from_secs(4);

/// A user whose token was verified.
#[derive(Debug, Clone)]
pub struct ApiCaller {
    /// The user's id.
    pub sub: Uuid,
    /// The database role that PostgREST will take.
    pub role: String,
    /// True if the server marked the user as an administrator (`app_metadata.role`).
    pub is_admin: bool,
    /// To be forwarded, so that row level security decides.
    pub token: UserToken,
}

/// Reasons why a token is refused.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("the token is longer than 8 KB")]
    TooLarge,
    #[error("the token is not a JWT")]
    Malformed,
    #[error("an API key is not a token: send the access token of a signed-in user")]
    ApiKey,
    #[error("the token is signed by an algorithm that is not accepted")]
    Algorithm,
    #[error("the token is signed by an unknown key")]
    UnknownKey,
    #[error("the token's signature is wrong")]
    Signature,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYetValid,
    #[error("the token is meant for another audience")]
    Audience,
    #[error("the token was issued by somebody else")]
    Issuer,
    #[error("the token names no user")]
    Subject,
    /// Our fault or the project's, not the caller's.
    #[error("the keys that verify tokens could not be fetched")]
    KeysUnavailable(#[source] Option<reqwest::Error>),
}

impl TokenError {
    /// A stable word for the problem document.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "token_too_large",
            Self::Malformed => "token_malformed",
            Self::ApiKey => "token_is_api_key",
            Self::Algorithm => "token_algorithm",
            Self::UnknownKey => "token_key_unknown",
            Self::Signature => "token_signature",
            Self::Expired => "token_expired",
            Self::NotYetValid => "token_not_yet_valid",
            Self::Audience => "token_audience",
            Self::Issuer => "token_issuer",
            Self::Subject => "token_subject",
            Self::KeysUnavailable(_) => "token_keys_unavailable",
        }
    }

    /// Tells whether the same token may be accepted later.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::KeysUnavailable(_))
    }
}

/// Verifies tokens of one project. Cheap to clone; clones share the fetched keys.
#[derive(Clone)]
pub struct TokenVerifier {
    http: reqwest::Client,
    keys_url: Url,
    issuer: String,
    secret: LiveValue<Option<DecodingKey>>,
    keys: Arc<Mutex<KeySet>>,
}

/// The project's published keys, each with the one algorithm that its type allows.
#[derive(Default)]
struct KeySet {
    keys: HashMap<String, (Algorithm, DecodingKey)>,
    fetched: Option<Instant>,
    asked: Option<Instant>,
}

impl TokenVerifier {
    /// Of the project at `base`; `secret` is the legacy shared one, where the project has it.
    pub fn new(base: &Url, secret: Option<&str>, http: reqwest::Client) -> Self {
        Self::rotating(base, &LiveValue::fixed(secret.map(str::to_owned)), http)
    }

    /// The same with a shared secret that may be rotated.
    pub fn rotating(base: &Url, secret: &LiveValue<Option<String>>, http: reqwest::Client) -> Self {
        let issuer = format!("{}/auth/v1", base.as_str().trim_end_matches('/'));
        Self {
            http,
            keys_url: Url::parse(&format!("{issuer}/.well-known/jwks.json"))
                .expect("a path appended to an address"),
            issuer,
            secret: secret.part(|secret| {
                // Anybody can sign with an empty secret.
                let secret = secret.as_ref().filter(|secret| !secret.is_empty());
                secret.map(|secret| DecodingKey::from_secret(secret.as_bytes()))
            }),
            keys: Arc::default(),
        }
    }

    /// Verifies a token: size, form, algorithm, signature, times, audience, issuer, user.
    ///
    /// # Errors
    /// With the first reason to refuse it.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<ApiCaller, TokenError> {
        if token.len() > MAX_TOKEN {
            return Err(TokenError::TooLarge);
        }
        if token.starts_with("sb_") {
            return Err(TokenError::ApiKey);
        }
        let header = read_header(token).ok_or(TokenError::Malformed)?;
        match header.algorithm()? {
            Algorithm::HS256 => self.verify_shared(token, now).await,
            asymmetric => {
                let kid = header.kid.as_deref().ok_or(TokenError::UnknownKey)?;
                let (algorithm, key) = self.key(kid).await?;
                if algorithm != asymmetric {
                    return Err(TokenError::Algorithm);
                }
                check(token, algorithm, &key, &self.issuer, now)
            }
        }
    }

    /// By the shared secret, and if that was rotated by the new one.
    async fn verify_shared(&self, token: &str, now: Timestamp) -> Result<ApiCaller, TokenError> {
        let mut secret = self.secret.current().await;
        loop {
            let key = Option::as_ref(&secret).ok_or(TokenError::Algorithm)?;
            let error = match check(token, Algorithm::HS256, key, &self.issuer, now) {
                Err(error @ TokenError::Signature) => error,
                outcome => return outcome,
            };
            match self.secret.renewed(&secret, Deadline::NEVER).await {
                Some(newer) => secret = newer,
                None => return Err(error),
            }
        }
    }

    /// The key of an id, fetched when it is unknown. Callers wait for one another, so that a burst
    /// of requests asks once.
    async fn key(&self, kid: &str) -> Result<(Algorithm, DecodingKey), TokenError> {
        let mut set = self.keys.lock().await;
        let mut failure = None;
        if set.wants_fetch(kid, Instant::now()) {
            set.asked = Some(Instant::now());
            match self.fetch().await {
                Ok(keys) => {
                    set.keys = keys;
                    set.fetched = Some(Instant::now());
                }
                // Known keys stay good while the project does not answer.
                Err(error) => failure = Some(error.without_url()),
            }
        }
        match set.keys.get(kid) {
            Some(key) => Ok(key.clone()),
            None if set.fetched.is_some() && failure.is_none() => Err(TokenError::UnknownKey),
            None => Err(TokenError::KeysUnavailable(failure)),
        }
    }

    async fn fetch(&self) -> Result<HashMap<String, (Algorithm, DecodingKey)>, reqwest::Error> {
        #[derive(Deserialize)]
        struct Published {
            keys: Vec<Value>,
        }
        let published: Published = self
            .http
            .get(self.keys_url.clone())
            .timeout(FETCH_TIMEOUT)
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        Ok(published.keys.into_iter().filter_map(read_key).collect())
    }
}

impl fmt::Debug for TokenVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenVerifier")
            .field("issuer", &self.issuer)
            .field("has_secret", &self.secret.latest().is_some())
            .finish_non_exhaustive()
    }
}

impl KeySet {
    fn wants_fetch(&self, kid: &str, now: Instant) -> bool {
        let since = |moment: Option<Instant>| moment.map(|moment| now.duration_since(moment));
        let pause = if self.fetched.is_none() {
            NO_KEYS_PAUSE
        } else {
            UNKNOWN_KEY_PAUSE
        };
        let asked_lately = since(self.asked).is_some_and(|asked| asked < pause);
        let old = since(self.fetched).is_none_or(|fetched| fetched > KEYS_LIVE);
        !asked_lately && (old || !self.keys.contains_key(kid))
    }
}

/// As much of a token's header as decides on its verification. Keys that a header brings along or
/// points to (`jwk`, `jku`, `x5u`, `x5c`) are an attacker's offer, and not looked at.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

impl Header {
    fn algorithm(&self) -> Result<Algorithm, TokenError> {
        match self.alg.as_str() {
            "HS256" => Ok(Algorithm::HS256),
            "ES256" => Ok(Algorithm::ES256),
            "RS256" => Ok(Algorithm::RS256),
            _ => Err(TokenError::Algorithm),
        }
    }
}

fn read_header(token: &str) -> Option<Header> {
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

/// A key that we can use, or `None`: a set may hold keys for other purposes.
fn read_key(value: Value) -> Option<(String, (Algorithm, DecodingKey))> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let kid = jwk.common.key_id.clone()?;
    if jwk
        .common
        .public_key_use
        .as_ref()
        .is_some_and(|purpose| *purpose != PublicKeyUse::Signature)
    {
        return None;
    }
    let (algorithm, name) = match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        // A symmetric key in a public document is nobody's secret.
        _ => return None,
    };
    if jwk.common.key_algorithm.is_some_and(|said| said != name) {
        return None;
    }
    Some((kid, (algorithm, DecodingKey::from_jwk(&jwk).ok()?)))
}

#[derive(Deserialize)]
struct Claims {
    exp: f64,
    nbf: Option<f64>,
    iss: Option<String>,
    sub: Option<String>,
    role: Option<String>,
    app_metadata: Option<Value>,
}

fn check(
    token: &str,
    algorithm: Algorithm,
    key: &DecodingKey,
    issuer: &str,
    now: Timestamp,
) -> Result<ApiCaller, TokenError> {
    let mut rules = Validation::new(algorithm);
    rules.set_audience(&["authenticated"]);
    rules.set_required_spec_claims(&["aud"]);
    // The library would ask its own clock.
    rules.validate_exp = false;
    let claims = decode::<Claims>(token, key, &rules)
        .map_err(|error| read_error(&error))?
        .claims;

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
        Some(said) => said == issuer,
        None => algorithm == Algorithm::HS256,
    };
    if !issuer_is_good {
        return Err(TokenError::Issuer);
    }
    let sub = claims.sub.and_then(|sub| Uuid::parse_str(&sub).ok());
    Ok(ApiCaller {
        sub: sub.ok_or(TokenError::Subject)?,
        role: claims.role.unwrap_or_else(|| "authenticated".to_owned()),
        // `user_metadata` the user can write; this only the server can.
        is_admin: claims
            .app_metadata
            .is_some_and(|metadata| metadata.get("role") == Some(&Value::from("admin"))),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn set(fetched: Option<Duration>, asked: Option<Duration>, now: Instant) -> KeySet {
        let key = (Algorithm::HS256, DecodingKey::from_secret(b"k"));
        KeySet {
            keys: HashMap::from([("known".to_owned(), key)]),
            fetched: fetched.map(|ago| now.checked_sub(ago).unwrap()),
            asked: asked.map(|ago| now.checked_sub(ago).unwrap()),
        }
    }

    #[test]
    fn keys_are_fetched_when_missing_old_or_unknown_and_never_in_a_rush() {
        let now = Instant::now() + Duration::from_secs(3600);
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let wants = |kid, fetched, asked| set(fetched, asked, now).wants_fetch(kid, now);
        assert!(wants("known", None, None));
        assert!(!wants("known", None, seconds(1)));
        assert!(wants("known", None, seconds(3)));
        assert!(!wants("known", seconds(599), seconds(599)));
        assert!(wants("known", seconds(601), seconds(601)));
        assert!(
            !wants("known", seconds(601), seconds(5)),
            "the project is down"
        );
        assert!(!wants("new", seconds(20), seconds(20)));
        assert!(wants("new", seconds(31), seconds(31)));
    }
}

//! The verifier of one project's tokens.

use std::fmt;
use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey};
use tokio::sync::Mutex;
use url::Url;

use super::error::TokenError;
use super::published_keys::KeySet;
use super::token::{ApiCaller, check, read_header};
use crate::deadline::Deadline;
use crate::rotation::LiveValue;
use crate::time::Timestamp;

/// Tokens of Supabase Auth hold a few hundred bytes; custom claims may add to them.
const MAX_TOKEN: usize = 8 * 1024;

/// Verifies tokens of one project. Cheap to clone; clones share the fetched keys.
#[derive(Clone)]
pub struct TokenVerifier {
    http: reqwest::Client,
    keys_url: Url,
    /// The first is of the address that is called here.
    issuers: Vec<String>,
    secret: LiveValue<Option<DecodingKey>>,
    keys: Arc<Mutex<KeySet>>,
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
            issuers: vec![issuer],
            secret: secret.part(|secret| {
                // Anybody can sign with an empty secret.
                let secret = secret.as_ref().filter(|secret| !secret.is_empty());
                secret.map(|secret| DecodingKey::from_secret(secret.as_bytes()))
            }),
            keys: Arc::default(),
        }
    }

    /// The same, which also takes tokens of these issuers: a project with a domain of its own has two addresses, and its
    /// tokens name either.
    #[must_use]
    pub fn or_issued_by(mut self, others: &[String]) -> Self {
        self.issuers.extend_from_slice(others);
        self
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
                check(token, algorithm, &key, &self.issuers, now)
            }
        }
    }

    /// By the shared secret, and if that was rotated by the new one.
    async fn verify_shared(&self, token: &str, now: Timestamp) -> Result<ApiCaller, TokenError> {
        let mut secret = self.secret.current().await;
        loop {
            let key = Option::as_ref(&secret).ok_or(TokenError::Algorithm)?;
            let error = match check(token, Algorithm::HS256, key, &self.issuers, now) {
                Err(error @ TokenError::Signature) => error,
                outcome => return outcome,
            };
            match self
                .secret
                .renewed_for_stranger(&secret, Deadline::NEVER)
                .await
            {
                Some(newer) => secret = newer,
                None => return Err(error),
            }
        }
    }

    /// Callers wait for one another, so that a burst of requests asks for keys once.
    async fn key(&self, kid: &str) -> Result<(Algorithm, DecodingKey), TokenError> {
        let mut keys = self.keys.lock().await;
        keys.find(kid, &self.keys_url, &self.http).await
    }
}

impl fmt::Debug for TokenVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenVerifier")
            .field("issuers", &self.issuers)
            .field("has_secret", &self.secret.latest().is_some())
            .finish_non_exhaustive()
    }
}

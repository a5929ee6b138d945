//! The keys that a project publishes, and when they are asked for.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::error::TokenError;

/// Supabase's own edge caches the key set for ten minutes; a revoked key lives no longer here.
const KEYS_LIVE: Duration = Duration::from_secs(600);

/// An unknown key id may be a new key, or an attacker's invention: ask no oftener than this.
const UNKNOWN_KEY_PAUSE: Duration = Duration::from_secs(30);

/// While there are no keys at all, nobody gets in: ask sooner.
const NO_KEYS_PAUSE: Duration = Duration::from_secs(2);

const FETCH_TIMEOUT: Duration = Duration::from_secs(4);

/// The project's published keys, each with the one algorithm that its type allows.
#[derive(Default)]
pub(super) struct KeySet {
    keys: HashMap<String, (Algorithm, DecodingKey)>,
    fetched: Option<Instant>,
    asked: Option<Instant>,
}

impl KeySet {
    /// The key of an id, fetched from `url` when it is unknown.
    pub(super) async fn find(
        &mut self,
        kid: &str,
        url: &Url,
        http: &reqwest::Client,
    ) -> Result<(Algorithm, DecodingKey), TokenError> {
        let mut failure = None;
        if self.wants_fetch(kid, Instant::now()) {
            self.asked = Some(Instant::now());
            match fetch(url, http).await {
                Ok(keys) => {
                    self.keys = keys;
                    self.fetched = Some(Instant::now());
                }
                // Known keys stay good while the project does not answer.
                Err(error) => failure = Some(error.without_url()),
            }
        }
        match self.keys.get(kid) {
            Some(key) => Ok(key.clone()),
            None if self.fetched.is_some() && failure.is_none() => Err(TokenError::UnknownKey),
            None => Err(TokenError::KeysUnavailable(failure)),
        }
    }

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

async fn fetch(
    url: &Url,
    http: &reqwest::Client,
) -> Result<HashMap<String, (Algorithm, DecodingKey)>, reqwest::Error> {
    #[derive(Deserialize)]
    struct Published {
        keys: Vec<Value>,
    }
    let answer = http.get(url.clone()).timeout(FETCH_TIMEOUT).send().await?;
    let published: Published = answer.error_for_status()?.json().await?;
    Ok(published.keys.into_iter().filter_map(read_key).collect())
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

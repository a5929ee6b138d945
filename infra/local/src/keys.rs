//! The keys and tokens of a Supabase project: API keys of both generations, and users' access tokens.

use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::key_material::{KeyMaterial, random_text};

/// The lifetime of a minted token, in seconds; Supabase's default.
const LIFETIME: u64 = 3600;
/// Legacy API keys are valid for ten years.
const LEGACY_LIFETIME: u64 = 10 * 365 * 24 * 3600;

/// The claims of a user's access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenClaims {
    /// The user's id, `auth.uid()`.
    pub sub: Uuid,
    /// The user's address.
    pub email: String,
    /// The database role; `authenticated` for users.
    pub role: String,
    /// `app_metadata.role`: `admin`, `editor`, `reader` or nothing.
    pub app_role: Option<String>,
    /// True for a user without an account.
    pub is_anonymous: bool,
    /// The authenticator assurance level: `aal2` after a second factor.
    pub aal: String,
}

impl TokenClaims {
    /// An ordinary user with a new id.
    pub fn user(email: &str) -> Self {
        Self {
            sub: Uuid::new_v4(),
            email: email.to_owned(),
            role: "authenticated".to_owned(),
            app_role: None,
            is_anonymous: false,
            aal: "aal1".to_owned(),
        }
    }

    /// An administrator with a new id.
    pub fn admin(email: &str) -> Self {
        Self::with_role(email, "admin")
    }

    /// A user with a new id and a role of the application: `editor`, `reader`, or any other word.
    pub fn with_role(email: &str, role: &str) -> Self {
        Self {
            app_role: Some(role.to_owned()),
            ..Self::user(email)
        }
    }

    /// A user who has signed in anonymously.
    pub fn anonymous() -> Self {
        Self {
            is_anonymous: true,
            ..Self::user("")
        }
    }

    /// The same user, after a second factor.
    #[must_use]
    pub fn assured(self) -> Self {
        Self {
            aal: "aal2".to_owned(),
            ..self
        }
    }

    fn to_json(&self, issuer: &str) -> Value {
        let now = jsonwebtoken::get_current_timestamp();
        let mut app_metadata = json!({ "provider": "email", "providers": ["email"] });
        if let Some(role) = &self.app_role {
            app_metadata["role"] = json!(role);
        }
        json!({
            "iss": issuer, "aud": "authenticated", "sub": self.sub, "email": self.email, "role": self.role,
            "phone": "", "iat": now, "exp": now + LIFETIME, "aal": self.aal, "session_id": Uuid::new_v4(),
            "amr": [{ "method": "password", "timestamp": now }],
            "is_anonymous": self.is_anonymous, "app_metadata": app_metadata, "user_metadata": {},
        })
    }
}

/// Everything secret and public of one project.
pub(crate) struct Keys {
    pub(crate) secret: String,
    pub(crate) publishable: String,
    pub(crate) legacy_service_role: String,
    pub(crate) legacy_anon: String,
    pub(crate) legacy_secret: String,
    key_id: String,
    signing: EncodingKey,
    public_point: Vec<u8>,
    /// Every token that was handed out.
    signed: Mutex<Vec<String>>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

impl Keys {
    #[cfg(test)]
    pub(crate) fn generate() -> Self {
        Self::of(&KeyMaterial::generate())
    }

    pub(crate) fn of(material: &KeyMaterial) -> Self {
        let document = material.signing_document();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, &document, &SystemRandom::new())
            .expect("the key was made by us");
        let legacy =
            |role| sign_legacy(&material.legacy_secret, &role_claims(role, LEGACY_LIFETIME));
        Self {
            secret: material.secret.clone(),
            publishable: material.publishable.clone(),
            legacy_service_role: legacy("service_role"),
            legacy_anon: legacy("anon"),
            legacy_secret: material.legacy_secret.clone(),
            key_id: material.key_id.clone(),
            signing: EncodingKey::from_ec_der(&document),
            public_point: pair.public_key().as_ref().to_vec(),
            signed: Mutex::default(),
        }
    }

    /// A user's access token as Supabase Auth signs it today.
    pub(crate) fn token(&self, claims: &TokenClaims, issuer: &str) -> String {
        self.sign(&claims.to_json(issuer))
    }

    /// The same, signed with the shared secret of older projects.
    pub(crate) fn legacy_token(&self, claims: &TokenClaims, issuer: &str) -> String {
        self.sign_legacy(&claims.to_json(issuer))
    }

    /// Any claims, with the current key.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = Header {
            kid: Some(self.key_id.clone()),
            ..Header::new(Algorithm::ES256)
        };
        let token = jsonwebtoken::encode(&header, claims, &self.signing);
        self.handed_out(token.expect("claims are a JSON object and the key fits"))
    }

    /// Any claims, with the shared secret.
    pub(crate) fn sign_legacy(&self, claims: &Value) -> String {
        self.handed_out(sign_legacy(&self.legacy_secret, claims))
    }

    /// Texts that may be in no log: the keys, and each token's signature.
    pub(crate) fn secrets(&self) -> Vec<(&'static str, String)> {
        let tokens = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        let signature = |token: &String| token.rsplit('.').next().unwrap_or_default().to_owned();
        let signatures = tokens
            .iter()
            .map(|token| ("a token's signature", signature(token)));
        signatures
            .chain([
                ("the secret API key", self.secret.clone()),
                ("the service_role key", self.legacy_service_role.clone()),
                ("the JWT secret", self.legacy_secret.clone()),
            ])
            .collect()
    }

    fn handed_out(&self, token: String) -> String {
        let mut signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        signed.push(token.clone());
        token
    }

    /// Verifies this project's tokens: with the current key by its id, or with the shared secret.
    ///
    /// # Errors
    /// Another signature, or a time at which the token does not count.
    pub(crate) fn verify(&self, token: &str) -> Result<Value, jsonwebtoken::errors::Error> {
        let header = jsonwebtoken::decode_header(token)?;
        let (algorithm, key) = if header.kid.as_deref() == Some(&self.key_id) {
            let point = self.public_jwk();
            let text = |name: &str| point[name].as_str().unwrap_or_default();
            let key = DecodingKey::from_ec_components(text("x"), text("y"))?;
            (Algorithm::ES256, key)
        } else {
            let key = DecodingKey::from_secret(self.legacy_secret.as_bytes());
            (Algorithm::HS256, key)
        };
        let mut validation = Validation::new(algorithm);
        validation.leeway = 0;
        validation.validate_aud = false;
        validation.validate_nbf = true;
        validation.required_spec_claims.clear();
        jsonwebtoken::decode(token, &key, &validation).map(|token| token.claims)
    }

    /// The token that the gateway gives PostgREST once it has recognised an API key.
    pub(crate) fn role_token(&self, role: &str) -> String {
        sign_legacy(&self.legacy_secret, &role_claims(role, 300))
    }

    /// The keys that `/auth/v1/.well-known/jwks.json` serves.
    pub(crate) fn public_jwks(&self) -> Value {
        json!({ "keys": [self.public_jwk()] })
    }

    /// The keys that PostgREST verifies tokens with: the public key and the shared secret.
    pub(crate) fn postgrest_jwks(&self) -> String {
        let shared = json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode(&self.legacy_secret), "alg": "HS256" });
        json!({ "keys": [self.public_jwk(), shared] }).to_string()
    }

    fn public_jwk(&self) -> Value {
        // An uncompressed point: one byte 4, then x and y of 32 bytes each.
        let (x, y) = self.public_point[1..].split_at(32);
        json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "key_ops": ["verify"], "kid": self.key_id,
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        })
    }
}

/// The API keys that the gateway lets in.
pub(crate) struct ApiKeys {
    known: Vec<ApiKey>,
    /// Set while the keys of the older generation are switched off, which goes for both at once.
    legacy_off_since: Option<jiff::Timestamp>,
}

struct ApiKey {
    text: String,
    role: &'static str,
    is_legacy: bool,
}

/// The gateway's knowledge of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyStanding {
    /// Stands for this role.
    Valid(&'static str),
    /// Of the older generation, switched off since then.
    LegacyOff(jiff::Timestamp),
    /// Never made, or revoked.
    Unknown,
}

impl std::fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ApiKeys({})", self.known.len())
    }
}

impl ApiKeys {
    /// Those that a project begins with.
    pub(crate) fn of(keys: &Keys) -> Self {
        let known = [
            (&keys.secret, "service_role", false),
            (&keys.publishable, "anon", false),
            (&keys.legacy_service_role, "service_role", true),
            (&keys.legacy_anon, "anon", true),
        ];
        let known = known.map(|(text, role, is_legacy)| ApiKey {
            text: text.clone(),
            role,
            is_legacy,
        });
        Self {
            known: known.into(),
            legacy_off_since: None,
        }
    }

    pub(crate) fn standing(&self, key: &str) -> KeyStanding {
        let found = self.known.iter().find(|known| known.text == key);
        match (found, self.legacy_off_since) {
            (None, _) => KeyStanding::Unknown,
            (Some(key), Some(since)) if key.is_legacy => KeyStanding::LegacyOff(since),
            (Some(key), _) => KeyStanding::Valid(key.role),
        }
    }

    /// Switches both keys of the older generation off or on, as the dashboard does.
    pub(crate) fn switch_legacy(&mut self, on: bool) {
        self.legacy_off_since = (!on).then(jiff::Timestamp::now);
    }

    /// One more of today's form; those that there are go on.
    pub(crate) fn add(&mut self, kind: ApiKeyKind) -> String {
        let (prefix, role) = match kind {
            ApiKeyKind::Secret => ("sb_secret_", "service_role"),
            ApiKeyKind::Publishable => ("sb_publishable_", "anon"),
        };
        let key = format!("{prefix}{}", random_text(31));
        self.known.push(ApiKey {
            text: key.clone(),
            role,
            is_legacy: false,
        });
        key
    }

    /// From now on the key is refused.
    pub(crate) fn revoke(&mut self, key: &str) {
        self.known.retain(|known| known.text != key);
    }
}

/// The purpose of an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiKeyKind {
    /// For services: stands for `service_role`.
    Secret,
    /// For browsers: stands for `anon`.
    Publishable,
}

fn sign_legacy(secret: &str, claims: &Value) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key)
        .expect("claims are a JSON object")
}

fn role_claims(role: &str, lifetime: u64) -> Value {
    let now = jsonwebtoken::get_current_timestamp();
    json!({ "iss": "supabase", "role": role, "iat": now, "exp": now + lifetime })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{DecodingKey, Validation};

    #[test]
    fn user_token_verifies_with_the_published_key() {
        let keys = Keys::generate();
        let claims = TokenClaims::admin("a@example.com");
        let token = keys.token(&claims, "http://project/auth/v1");
        let jwk = keys.public_jwks()["keys"][0].clone();
        let key =
            DecodingKey::from_ec_components(jwk["x"].as_str().unwrap(), jwk["y"].as_str().unwrap())
                .unwrap();
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&["authenticated"]);
        let decoded = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap();
        assert_eq!(decoded.claims["app_metadata"]["role"], "admin");
        assert_eq!(decoded.header.kid.as_deref(), jwk["kid"].as_str());
    }

    #[test]
    fn only_tokens_of_this_project_are_verified() {
        let (keys, other) = (Keys::generate(), Keys::generate());
        let user = TokenClaims::user("a@example.com");
        for token in [
            keys.token(&user, "issuer"),
            keys.legacy_token(&user, "issuer"),
        ] {
            assert_eq!(keys.verify(&token).unwrap()["sub"], json!(user.sub));
            assert!(other.verify(&token).is_err());
        }
        let expired = keys.sign(&json!({ "sub": user.sub, "exp": 1_000_000 }));
        assert!(keys.verify(&expired).is_err());
        // An HMAC with our public key's id is no signature of ours.
        let mixed = Header {
            kid: Some(keys.key_id.clone()),
            ..Header::new(Algorithm::HS256)
        };
        let secret = EncodingKey::from_secret(keys.legacy_secret.as_bytes());
        let mixed = jsonwebtoken::encode(&mixed, &json!({ "sub": "x" }), &secret).unwrap();
        assert!(keys.verify(&mixed).is_err());
    }
}

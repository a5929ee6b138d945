//! The parts of the configuration, so that each function asks for no more than it needs.

use std::collections::BTreeMap;
use std::fmt;

use url::Url;

use super::error::ConfigError;
use super::keys::{
    CLOUDINARY_URL, CURSOR_SECRET, NOTIFICATION_SECRETS, SETTINGS, SUPABASE_JWT_ISSUERS,
    SUPABASE_JWT_SECRET, SUPABASE_PUBLISHABLE_KEY, SUPABASE_SECRET_KEY, SUPABASE_URL,
};
use super::reader::ConfigReader;
use crate::cloudinary::signature::NotificationVerifier;
use crate::cloudinary::{self, ApiCredentials};
use crate::cursor::CursorKey;
use crate::rotation::LiveValue;
use crate::supabase::jwt::TokenVerifier;
use crate::supabase::{ApiKey, DataApi, keys::KeyKind};

/// Something that a function needs, read from keys of the configuration.
pub trait ConfigPart: Sized {
    #[doc(hidden)]
    fn read(reader: &mut ConfigReader<'_>) -> Option<Self>;
}

/// Reads a map whose keys are the names of the environment variables.
///
/// # Errors
/// With every key that is missing or wrong, at once.
pub fn from_map<P: ConfigPart>(map: &BTreeMap<String, String>) -> Result<P, ConfigError> {
    let mut reader = ConfigReader::new(map);
    let part = P::read(&mut reader);
    reader.finish(part)
}

/// Cloudinary's API, for calls and for signing addresses.
#[derive(Clone)]
pub struct CloudinaryConfig {
    pub credentials: ApiCredentials,
    /// Further secrets with which notifications may be signed: `api_key` → secret.
    pub notification_secrets: BTreeMap<String, String>,
}

/// PostgREST with the secret key: bypasses row level security. For workers.
#[derive(Clone)]
pub struct ServiceConfig {
    pub url: Url,
    pub secret_key: ApiKey,
}

/// PostgREST in the names of callers, and the means to verify their tokens.
#[derive(Clone)]
pub struct CallerConfig {
    pub url: Url,
    pub publishable_key: ApiKey,
    /// Legacy projects only; others publish their keys.
    pub jwt_secret: Option<String>,
    /// Further issuers of the project's tokens, without a slash at their ends.
    pub jwt_issuers: Vec<String>,
}

/// Settings that an old secret holds beside the keys, by their names and unchecked. The database keeps them now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretSettings(BTreeMap<&'static str, String>);

impl SecretSettings {
    /// The text of a setting, if the secret has it.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl CloudinaryConfig {
    pub fn client(&self, http: &reqwest::Client) -> cloudinary::CloudinaryClient {
        cloudinary::CloudinaryClient::new(http.clone(), self.credentials.clone())
    }
}

impl ServiceConfig {
    pub fn client(&self, http: &reqwest::Client) -> DataApi {
        DataApi::new(self.url.clone(), self.secret_key.clone(), http.clone())
    }
}

impl CallerConfig {
    /// Call [`DataApi::as_caller`] on it.
    pub fn client(&self, http: &reqwest::Client) -> DataApi {
        DataApi::new(self.url.clone(), self.publishable_key.clone(), http.clone())
    }

    pub fn token_verifier(&self, http: &reqwest::Client) -> TokenVerifier {
        TokenVerifier::new(&self.url, self.jwt_secret.as_deref(), http.clone())
            .or_issued_by(&self.jwt_issuers)
    }
}

impl LiveValue<CloudinaryConfig> {
    /// As [`CloudinaryConfig::client`], with the credentials as they are rotated.
    pub fn client(&self, http: &reqwest::Client) -> cloudinary::CloudinaryClient {
        let credentials = self.part(|config| config.credentials.clone());
        cloudinary::CloudinaryClient::rotating(http.clone(), credentials)
    }
}

impl LiveValue<ServiceConfig> {
    /// As [`ServiceConfig::client`], with the key as it is rotated.
    pub fn client(&self, http: &reqwest::Client) -> DataApi {
        let key = self.part(|config| config.secret_key.clone());
        DataApi::rotating(self.latest().url.clone(), key, http.clone())
    }
}

impl LiveValue<CallerConfig> {
    /// As [`CallerConfig::client`], with the key as it is rotated.
    pub fn client(&self, http: &reqwest::Client) -> DataApi {
        let key = self.part(|config| config.publishable_key.clone());
        DataApi::rotating(self.latest().url.clone(), key, http.clone())
    }

    /// As [`CallerConfig::token_verifier`], with the secret as it is rotated.
    pub fn token_verifier(&self, http: &reqwest::Client) -> TokenVerifier {
        let secret = self.part(|config| config.jwt_secret.clone());
        let config = self.latest();
        TokenVerifier::rotating(&config.url, &secret, http.clone())
            .or_issued_by(&config.jwt_issuers)
    }
}

impl ConfigPart for CloudinaryConfig {
    fn read(reader: &mut ConfigReader<'_>) -> Option<Self> {
        let credentials = reader.required(CLOUDINARY_URL, parse_credentials);
        let notification_secrets = reader.optional(NOTIFICATION_SECRETS, parse_secrets);
        Some(Self {
            credentials: credentials?,
            notification_secrets: notification_secrets.unwrap_or_default(),
        })
    }
}

/// The notification secrets are enough: the webhook calls nobody, and need not hold the secret that
/// may delete the library.
impl ConfigPart for NotificationVerifier {
    fn read(reader: &mut ConfigReader<'_>) -> Option<Self> {
        let secrets = reader.optional(NOTIFICATION_SECRETS, parse_secrets);
        let own = match secrets.as_ref().is_some_and(|secrets| !secrets.is_empty()) {
            true => reader.optional(CLOUDINARY_URL, parse_credentials),
            false => reader.required_or(CLOUDINARY_URL, NOTIFICATION_SECRETS, parse_credentials),
        };
        Some(Self::new(own.as_ref(), &secrets.unwrap_or_default()))
    }
}

impl ConfigPart for ServiceConfig {
    fn read(reader: &mut ConfigReader<'_>) -> Option<Self> {
        let url = reader.required(SUPABASE_URL, parse_base);
        let secret_key = reader.required(SUPABASE_SECRET_KEY, |text| {
            parse_key(text, KeyKind::Publishable)
        });
        Some(Self {
            url: url?,
            secret_key: secret_key?,
        })
    }
}

impl ConfigPart for CallerConfig {
    fn read(reader: &mut ConfigReader<'_>) -> Option<Self> {
        let url = reader.required(SUPABASE_URL, parse_base);
        let publishable_key = reader.required(SUPABASE_PUBLISHABLE_KEY, |text| {
            parse_key(text, KeyKind::Secret)
        });
        let jwt_secret = reader.optional(SUPABASE_JWT_SECRET, parse_secret);
        let jwt_issuers = reader.optional(SUPABASE_JWT_ISSUERS, parse_issuers);
        Some(Self {
            url: url?,
            publishable_key: publishable_key?,
            jwt_secret,
            jwt_issuers: jwt_issuers.unwrap_or_default(),
        })
    }
}

/// Without a secret of its own it is made of the secret key.
impl ConfigPart for CursorKey {
    fn read(reader: &mut ConfigReader<'_>) -> Option<Self> {
        if reader.has(CURSOR_SECRET) {
            return reader.optional(CURSOR_SECRET, parse_cursor_secrets);
        }
        let key = reader.required_or(SUPABASE_SECRET_KEY, CURSOR_SECRET, |text| {
            parse_key(text, KeyKind::Publishable)
        })?;
        Some(Self::derive(key.expose()))
    }
}

/// Never a fault: a setting in the secret matters only as long as the database was never given it.
impl ConfigPart for SecretSettings {
    fn read(reader: &mut ConfigReader<'_>) -> Option<Self> {
        let mut text = |name| reader.optional(name, |text| Ok(text.to_owned()));
        let settings = SETTINGS
            .into_iter()
            .filter_map(|name| Some((name, text(name)?)));
        Some(Self(settings.collect()))
    }
}

impl<A: ConfigPart, B: ConfigPart> ConfigPart for (A, B) {
    fn read(reader: &mut ConfigReader<'_>) -> Option<Self> {
        let (one, other) = (A::read(reader), B::read(reader));
        one.zip(other)
    }
}

impl fmt::Debug for CloudinaryConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudinaryConfig")
            .field("credentials", &self.credentials)
            .field("notification_keys", &self.notification_secrets.len())
            .finish()
    }
}

impl fmt::Debug for ServiceConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceConfig")
            .field("url", &self.url.as_str())
            .field("secret_key", &self.secret_key)
            .finish()
    }
}

impl fmt::Debug for CallerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallerConfig")
            .field("url", &self.url.as_str())
            .field("publishable_key", &self.publishable_key)
            .field("has_jwt_secret", &self.jwt_secret.is_some())
            .field("jwt_issuers", &self.jwt_issuers)
            .finish()
    }
}

fn parse_credentials(text: &str) -> Result<ApiCredentials, String> {
    ApiCredentials::parse(text).map_err(|error| error.to_string())
}

fn parse_secrets(text: &str) -> Result<BTreeMap<String, String>, String> {
    let secrets: BTreeMap<String, String> = serde_json::from_str(text)
        .map_err(|_| "is not a JSON object of api_key to secret".to_owned())?;
    if secrets.values().any(String::is_empty) {
        return Err("holds an empty secret".to_owned());
    }
    Ok(secrets)
}

fn parse_base(text: &str) -> Result<Url, String> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .filter(|url| {
            url.username().is_empty() && url.password().is_none() && url.query().is_none()
        })
        .ok_or_else(|| "is not an http(s) address without user and query".to_owned())
        .and_then(|url| match url.path().trim_matches('/') {
            "rest/v1" => Err("is the Data API's address: leave /rest/v1 out".to_owned()),
            _ => Ok(url),
        })
}

/// Addresses of the project, or issuers as tokens name them, parted by commas.
fn parse_issuers(text: &str) -> Result<Vec<String>, String> {
    let texts = text.split(',').map(str::trim).filter(|it| !it.is_empty());
    let issuers = texts.map(|text| {
        let url = parse_base(text)?;
        let issuer = url.as_str().trim_end_matches('/');
        Ok(match url.path() {
            "/" => format!("{issuer}/auth/v1"),
            _ => issuer.to_owned(),
        })
    });
    issuers.collect()
}

/// RFC 7518, section 3.2: a shorter one than the hash can be guessed from a single token.
fn parse_secret(text: &str) -> Result<String, String> {
    if text.len() < 32 {
        return Err("is shorter than 32 bytes".to_owned());
    }
    Ok(text.to_owned())
}

/// The first secret seals. Those behind it, after blanks, open cursors sealed before a rotation.
fn parse_cursor_secrets(text: &str) -> Result<CursorKey, String> {
    let mut secrets = text.split_whitespace();
    let first = parse_secret(secrets.next().unwrap_or_default())?;
    let key = CursorKey::derive(first.as_bytes());
    secrets.try_fold(key, |key, older| {
        Ok(key.or_sealed_by(parse_secret(older)?.as_bytes()))
    })
}

/// The two keys are easily swapped, and with the secret one in its place a user's requests would
/// bypass row level security.
fn parse_key(text: &str, wrong: KeyKind) -> Result<ApiKey, String> {
    let key = ApiKey::parse(text).map_err(|error| error.to_string())?;
    let wrong_role = match wrong {
        KeyKind::Publishable => "anon",
        _ => "service_role",
    };
    if key.kind() == wrong || key.legacy_role().as_deref() == Some(wrong_role) {
        return Err(format!("holds a {wrong:?} key"));
    }
    Ok(key)
}

//! Configuration: one secret, overridden by environment variables.
//!
//! The secret is a JSON object whose keys are the names of environment variables. Reading it
//! ([`Config::from_map`]) is pure and reports every mistake at once, by key and never by value.

mod clients;
mod environment;

use std::collections::BTreeMap;
use std::fmt;

use aws_config::SdkConfig;
use serde_json::Value;
use url::Url;

pub use self::clients::{aws, http_client};
pub use self::environment::{
    audit_retention_days, notification_queue_url, outbound_queue_url, reconcile_queue_url,
    required_env, schedules,
};
use crate::cloudinary::signature::NotificationVerifier;
use crate::cloudinary::{self, Credentials};
use crate::http::CursorKey;
use crate::supabase::jwt::TokenVerifier;
use crate::supabase::{ApiKey, Supabase, keys::KeyKind};
use crate::upload::UploadRules;

const SECRET_ARN: &str = "CONFIG_SECRET_ARN";
const CLOUDINARY_URL: &str = "CLOUDINARY_URL";
const NOTIFICATION_SECRETS: &str = "CLOUDINARY_NOTIFICATION_SECRETS";
const SUPABASE_URL: &str = "SUPABASE_URL";
const SUPABASE_SECRET_KEY: &str = "SUPABASE_SECRET_KEY";
const SUPABASE_PUBLISHABLE_KEY: &str = "SUPABASE_PUBLISHABLE_KEY";
const SUPABASE_JWT_SECRET: &str = "SUPABASE_JWT_SECRET";
const UPLOAD_RULES: &str = "UPLOAD_RULES";

/// Required ones first.
const CLOUDINARY_KEYS: [&str; 2] = [CLOUDINARY_URL, NOTIFICATION_SECRETS];
const SUPABASE_KEYS: [&str; 4] = [
    SUPABASE_URL,
    SUPABASE_SECRET_KEY,
    SUPABASE_PUBLISHABLE_KEY,
    SUPABASE_JWT_SECRET,
];

/// Everything that a function needs to know of the world around it.
#[derive(Debug, Clone)]
pub struct Config {
    pub cloudinary: CloudinaryConfig,
    pub supabase: SupabaseConfig,
}

#[derive(Clone)]
pub struct CloudinaryConfig {
    pub credentials: Credentials,
    /// Further secrets with which notifications may be signed: `api_key` → secret.
    pub notification_secrets: BTreeMap<String, String>,
}

#[derive(Clone)]
pub struct SupabaseConfig {
    pub url: Url,
    pub secret_key: ApiKey,
    pub publishable_key: ApiKey,
    /// Legacy projects only; others publish their keys.
    pub jwt_secret: Option<String>,
}

/// Why there is no configuration. Names keys, never values.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("could not fetch the secret that {SECRET_ARN} names")]
    Fetch(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the secret that {SECRET_ARN} names is not a JSON object")]
    NotAnObject,
    #[error("the configuration is not usable: {}", .0.join("; "))]
    Invalid(Vec<String>),
}

impl Config {
    /// Reads the environment, and the secret for what the environment does not say.
    ///
    /// # Errors
    /// When the secret cannot be fetched, or with every key that is missing or wrong.
    pub async fn load(aws: &SdkConfig) -> Result<Self, ConfigError> {
        Self::from_map(
            &load_map(aws, &[&CLOUDINARY_KEYS[..1], &SUPABASE_KEYS[..3]].concat()).await?,
        )
    }

    /// As [`Config::load`], with the rules for uploads: a mistake in those concerns nobody else.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub async fn load_with_uploads(aws: &SdkConfig) -> Result<(Self, UploadRules), ConfigError> {
        let map = load_map(aws, &[&CLOUDINARY_KEYS[..1], &SUPABASE_KEYS[..3]].concat()).await?;
        Ok((Self::from_map(&map)?, upload_rules(&map)?))
    }

    /// Reads a map whose keys are the names of the environment variables.
    ///
    /// # Errors
    /// With every key that is missing or wrong, at once.
    pub fn from_map(map: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(map);
        let cloudinary = CloudinaryConfig::read(&mut reader);
        let supabase = SupabaseConfig::read(&mut reader);
        reader.finish(cloudinary.zip(supabase).map(|(cloudinary, supabase)| Self {
            cloudinary,
            supabase,
        }))
    }
}

impl CloudinaryConfig {
    /// As [`Config::load`], for a function that never calls Supabase and so must not fail for it.
    ///
    /// # Errors
    /// When the secret cannot be fetched, or with every key that is missing or wrong.
    pub async fn load(aws: &SdkConfig) -> Result<Self, ConfigError> {
        let map = load_map(aws, &CLOUDINARY_KEYS[..1]).await?;
        let mut reader = Reader::new(&map);
        let config = Self::read(&mut reader);
        reader.finish(config)
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let credentials = reader.required(CLOUDINARY_URL, |text| {
            Credentials::parse(text).map_err(|error| error.to_string())
        });
        let notification_secrets = reader.optional(NOTIFICATION_SECRETS, parse_secrets);
        Some(Self {
            credentials: credentials?,
            notification_secrets: notification_secrets.unwrap_or_default(),
        })
    }

    pub fn client(&self, http: &reqwest::Client) -> cloudinary::Client {
        cloudinary::Client::new(http.clone(), self.credentials.clone())
    }

    pub fn notification_verifier(&self) -> NotificationVerifier {
        NotificationVerifier::new(&self.credentials, &self.notification_secrets)
    }
}

impl SupabaseConfig {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let url = reader.required(SUPABASE_URL, parse_base);
        let secret_key = reader.required(SUPABASE_SECRET_KEY, |text| {
            parse_key(text, KeyKind::Publishable)
        });
        let publishable_key = reader.required(SUPABASE_PUBLISHABLE_KEY, |text| {
            parse_key(text, KeyKind::Secret)
        });
        let jwt_secret = reader.optional(SUPABASE_JWT_SECRET, parse_jwt_secret);
        Some(Self {
            url: url?,
            secret_key: secret_key?,
            publishable_key: publishable_key?,
            jwt_secret,
        })
    }

    /// PostgREST with the secret key: bypasses row level security. For workers.
    pub fn service(&self, http: &reqwest::Client) -> Supabase {
        Supabase::new(self.url.clone(), self.secret_key.clone(), http.clone())
    }

    /// PostgREST with the publishable key: call [`Supabase::as_caller`] on it.
    pub fn public(&self, http: &reqwest::Client) -> Supabase {
        Supabase::new(self.url.clone(), self.publishable_key.clone(), http.clone())
    }

    /// The key of our own cursors. It changes with the secret key, which makes old cursors invalid.
    pub fn cursor_key(&self) -> CursorKey {
        CursorKey::derive(self.secret_key.expose())
    }

    pub fn token_verifier(&self, http: &reqwest::Client) -> TokenVerifier {
        TokenVerifier::new(&self.url, self.jwt_secret.as_deref(), http.clone())
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

impl fmt::Debug for SupabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SupabaseConfig")
            .field("url", &self.url.as_str())
            .field("secret_key", &self.secret_key)
            .field("publishable_key", &self.publishable_key)
            .field("has_jwt_secret", &self.jwt_secret.is_some())
            .finish()
    }
}

/// The environment, completed by the secret where a required key is missing.
async fn load_map(
    aws: &SdkConfig,
    required: &[&str],
) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut map: BTreeMap<String, String> = CLOUDINARY_KEYS
        .iter()
        .chain(&SUPABASE_KEYS)
        .chain([&UPLOAD_RULES])
        .filter_map(|key| Some(((*key).to_owned(), std::env::var(key).ok()?)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    if required.iter().any(|key| !map.contains_key(*key))
        && let Ok(arn) = std::env::var(SECRET_ARN)
    {
        for (key, value) in fetch(aws, &arn).await? {
            map.entry(key).or_insert(value);
        }
    }
    Ok(map)
}

async fn fetch(aws: &SdkConfig, arn: &str) -> Result<BTreeMap<String, String>, ConfigError> {
    let secret = aws_sdk_secretsmanager::Client::new(aws)
        .get_secret_value()
        .secret_id(arn)
        .send()
        .await
        .map_err(|error| ConfigError::Fetch(error.into()))?;
    parse_secret(secret.secret_string().unwrap_or_default())
}

fn parse_secret(text: &str) -> Result<BTreeMap<String, String>, ConfigError> {
    let Ok(Value::Object(object)) = serde_json::from_str(text) else {
        return Err(ConfigError::NotAnObject);
    };
    Ok(object
        .into_iter()
        .filter_map(|(key, value)| match value {
            Value::Null => None,
            Value::String(text) => Some((key, text)),
            other => Some((key, other.to_string())),
        })
        .collect())
}

fn upload_rules(map: &BTreeMap<String, String>) -> Result<UploadRules, ConfigError> {
    let mut reader = Reader::new(map);
    let rules = reader.optional(UPLOAD_RULES, UploadRules::parse);
    reader.finish(Some(rules.unwrap_or_default()))
}

struct Reader<'a> {
    map: &'a BTreeMap<String, String>,
    problems: Vec<String>,
}

impl<'a> Reader<'a> {
    fn new(map: &'a BTreeMap<String, String>) -> Self {
        Self {
            map,
            problems: Vec::new(),
        }
    }

    fn finish<T>(self, config: Option<T>) -> Result<T, ConfigError> {
        config
            .filter(|_| self.problems.is_empty())
            .ok_or(ConfigError::Invalid(self.problems))
    }

    fn required<T>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if self.map.get(key).is_none_or(String::is_empty) {
            self.problems.push(format!("{key} is missing"));
            return None;
        }
        self.optional(key, parse)
    }

    fn optional<T>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.map.get(key).filter(|value| !value.is_empty())?;
        match parse(text) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.problems.push(format!("{key} {problem}"));
                None
            }
        }
    }
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
}

/// RFC 7518, section 3.2: a shorter one than the hash can be guessed from a single token.
fn parse_jwt_secret(text: &str) -> Result<String, String> {
    if text.len() < 32 {
        return Err("is shorter than 32 bytes".to_owned());
    }
    Ok(text.to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    const GOOD: [(&str, &str); 4] = [
        (CLOUDINARY_URL, "cloudinary://1:hush-hush@demo"),
        (SUPABASE_URL, "http://127.0.0.1:54321"),
        (SUPABASE_SECRET_KEY, "sb_secret_hush-hush"),
        (SUPABASE_PUBLISHABLE_KEY, "sb_publishable_x"),
    ];

    #[test]
    fn four_keys_are_enough() {
        let config = Config::from_map(&map(&GOOD)).unwrap();
        assert_eq!(config.cloudinary.credentials.cloud_name(), "demo");
        assert_eq!(config.supabase.url.as_str(), "http://127.0.0.1:54321/");
    }

    #[test]
    fn every_mistake_is_named_at_once_and_no_value_is_shown() {
        let error = Config::from_map(&map(&[
            (CLOUDINARY_URL, "cloudinary://hush-hush"),
            (NOTIFICATION_SECRETS, "hush-hush"),
            (SUPABASE_URL, "hush-hush"),
            (SUPABASE_SECRET_KEY, "sb_publishable_hush-hush"),
        ]))
        .unwrap_err()
        .to_string();
        for key in [
            CLOUDINARY_URL,
            NOTIFICATION_SECRETS,
            SUPABASE_URL,
            SUPABASE_SECRET_KEY,
            "SUPABASE_PUBLISHABLE_KEY is missing",
        ] {
            assert!(error.contains(key), "{key} not in {error}");
        }
        assert!(!error.contains("hush-hush"), "{error}");
    }

    #[test]
    fn rules_for_uploads_are_optional_and_a_mistake_in_them_concerns_uploads_only() {
        let mut given = map(&GOOD);
        assert_eq!(upload_rules(&given).unwrap(), UploadRules::default());
        given.insert(UPLOAD_RULES.into(), r#"{"max_byte": 5}"#.into());
        let error = upload_rules(&given).unwrap_err().to_string();
        assert!(
            error.contains(UPLOAD_RULES) && error.contains("max_byte"),
            "{error}"
        );
        assert!(Config::from_map(&given).is_ok());
    }

    #[test]
    fn swapped_keys_are_refused() {
        let mut swapped = map(&GOOD);
        swapped.insert(SUPABASE_PUBLISHABLE_KEY.into(), "sb_secret_x".into());
        let error = Config::from_map(&swapped).unwrap_err().to_string();
        assert!(
            error.contains("SUPABASE_PUBLISHABLE_KEY holds a Secret key"),
            "{error}"
        );
    }

    #[test]
    fn swapped_legacy_keys_are_refused_by_their_role() {
        // {"alg":"HS256"}.{"role":...}.x
        let key = |claims| format!("eyJhbGciOiJIUzI1NiJ9.{claims}.x");
        let anon = key("eyJyb2xlIjoiYW5vbiJ9");
        let service = key("eyJyb2xlIjoic2VydmljZV9yb2xlIn0");
        let with = |secret: &str, publishable: &str| {
            let mut keys = map(&GOOD);
            keys.insert(SUPABASE_SECRET_KEY.into(), secret.into());
            keys.insert(SUPABASE_PUBLISHABLE_KEY.into(), publishable.into());
            Config::from_map(&keys).map_err(|error| error.to_string())
        };
        assert!(with(&service, &anon).is_ok());
        let error = with(&anon, &service).unwrap_err();
        for said in [
            "SUPABASE_SECRET_KEY holds a Publishable key",
            "SUPABASE_PUBLISHABLE_KEY holds a Secret key",
        ] {
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn a_legacy_secret_that_can_be_guessed_is_refused() {
        let mut short = map(&GOOD);
        short.insert(SUPABASE_JWT_SECRET.into(), "x".repeat(31));
        let error = Config::from_map(&short).unwrap_err().to_string();
        assert!(
            error.contains("SUPABASE_JWT_SECRET is shorter than 32 bytes"),
            "{error}"
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let mut all = map(&GOOD);
        all.insert(NOTIFICATION_SECRETS.into(), r#"{"2":"hush-hush"}"#.into());
        all.insert(SUPABASE_JWT_SECRET.into(), "hush-hush".repeat(4));
        let shown = format!("{:?}", Config::from_map(&all).unwrap());
        assert!(!shown.contains("hush-hush"), "{shown}");
    }

    #[test]
    fn secret_may_hold_the_map_of_keys_as_an_object() {
        let map =
            parse_secret(r#"{"CLOUDINARY_NOTIFICATION_SECRETS":{"2":"s"},"X":null}"#).unwrap();
        assert_eq!(map[NOTIFICATION_SECRETS], r#"{"2":"s"}"#);
        assert!(!map.contains_key("X"));
        assert!(matches!(parse_secret("[]"), Err(ConfigError::NotAnObject)));
    }

    #[tokio::test]
    async fn secret_is_fetched_by_its_name() {
        use aws_config::Region;
        use aws_sdk_secretsmanager::config::{Credentials as Keys, SharedCredentialsProvider};

        let answer = |body: String| async move {
            assert!(body.contains("arn:the-secret"), "{body}");
            r#"{"SecretString":"{\"CLOUDINARY_URL\":\"cloudinary://1:s@c\"}"}"#
        };
        let app = axum::Router::new().fallback(answer);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let keys = Keys::new("k", "s", None, None, "test");
        let aws = SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .endpoint_url(format!("http://{address}"))
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let map = fetch(&aws, "arn:the-secret").await.unwrap();
        assert_eq!(map[CLOUDINARY_URL], "cloudinary://1:s@c");
    }
}

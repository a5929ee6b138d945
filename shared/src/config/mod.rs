//! Configuration: a secret, overridden by environment variables.
//!
//! The secret is a JSON object whose keys are the names of environment variables. Each function
//! names the [`Part`]s that it needs, and asks for no other key. Reading them ([`from_map`]) is pure
//! and reports every mistake at once, by key and never by value.

mod clients;
mod environment;
mod parts;
mod reader;
mod secret;

use std::collections::BTreeMap;

pub use self::clients::{aws, http_client, use_aws_profile, use_aws_region};
pub use self::environment::{
    audit_retention_days, notification_queue_url, outbound_queue_url, reconcile_queue_url,
    required_env, retry_after, schedules, webhook_urls,
};
pub use self::parts::{CallerConfig, CloudinaryConfig, Part, ServiceConfig};
use self::reader::Reader;
use self::secret::Secret;
use crate::http::CursorKey;
use crate::rotation::Live;
use crate::supabase::Supabase;
use crate::supabase::jwt::TokenVerifier;
use aws_config::SdkConfig;

const SECRET_ARN: &str = "CONFIG_SECRET_ARN";
const CLOUDINARY_URL: &str = "CLOUDINARY_URL";
const NOTIFICATION_SECRETS: &str = "CLOUDINARY_NOTIFICATION_SECRETS";
const SUPABASE_URL: &str = "SUPABASE_URL";
const SUPABASE_SECRET_KEY: &str = "SUPABASE_SECRET_KEY";
const SUPABASE_PUBLISHABLE_KEY: &str = "SUPABASE_PUBLISHABLE_KEY";
const SUPABASE_JWT_SECRET: &str = "SUPABASE_JWT_SECRET";
const CURSOR_SECRET: &str = "CURSOR_SECRET";
const UPLOAD_RULES: &str = "UPLOAD_RULES";

/// The keys that a secret may have.
pub const KEYS: [&str; 8] = [
    CLOUDINARY_URL,
    NOTIFICATION_SECRETS,
    SUPABASE_URL,
    SUPABASE_SECRET_KEY,
    SUPABASE_PUBLISHABLE_KEY,
    SUPABASE_JWT_SECRET,
    CURSOR_SECRET,
    UPLOAD_RULES,
];

/// Everything, for functions that act both in their callers' names and in their own.
#[derive(Debug, Clone)]
pub struct Config {
    pub cloudinary: CloudinaryConfig,
    pub supabase: SupabaseConfig,
}

/// Supabase in both ways.
#[derive(Debug, Clone)]
pub struct SupabaseConfig {
    pub callers: CallerConfig,
    pub service: ServiceConfig,
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
    #[error("{0} leads to another library or project: deploy again to change sides")]
    Elsewhere(&'static str),
}

/// Reads what a function needs from the environment, and where that is not enough from its secret,
/// which is read again while the function lives: see [`Live`].
///
/// # Errors
/// When the secret cannot be fetched, or with every key that is missing or wrong.
pub async fn load<P: Part + Send + Sync + 'static>(
    aws: &SdkConfig,
) -> Result<Live<P>, ConfigError> {
    let environment = environment_map();
    match (from_map(&environment), std::env::var(SECRET_ARN)) {
        (Err(_), Ok(arn)) => Secret::new(aws, arn, environment).load().await,
        (read, _) => read.map(Live::fixed),
    }
}

/// Reads a map whose keys are the names of the environment variables.
///
/// # Errors
/// With every key that is missing or wrong, at once.
pub fn from_map<P: Part>(map: &BTreeMap<String, String>) -> Result<P, ConfigError> {
    let mut reader = Reader::new(map);
    let part = P::read(&mut reader);
    reader.finish(part)
}

impl Config {
    /// As [`from_map`], for everything.
    ///
    /// # Errors
    /// With every key that is missing or wrong, at once.
    pub fn from_map(map: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        from_map(map)
    }
}

impl SupabaseConfig {
    /// See [`ServiceConfig::client`].
    pub fn service(&self, http: &reqwest::Client) -> Supabase {
        self.service.client(http)
    }

    /// See [`CallerConfig::client`].
    pub fn public(&self, http: &reqwest::Client) -> Supabase {
        self.callers.client(http)
    }

    /// See [`CallerConfig::token_verifier`].
    pub fn token_verifier(&self, http: &reqwest::Client) -> TokenVerifier {
        self.callers.token_verifier(http)
    }

    /// The key of our own cursors where there is no secret for them.
    pub fn cursor_key(&self) -> CursorKey {
        CursorKey::derive(self.service.secret_key.expose())
    }
}

impl Part for Config {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let cloudinary = CloudinaryConfig::read(reader);
        let supabase = SupabaseConfig::read(reader);
        Some(Self {
            cloudinary: cloudinary?,
            supabase: supabase?,
        })
    }
}

impl Part for SupabaseConfig {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let service = ServiceConfig::read(reader);
        let callers = CallerConfig::read(reader);
        Some(Self {
            callers: callers?,
            service: service?,
        })
    }
}

fn environment_map() -> BTreeMap<String, String> {
    KEYS.iter()
        .filter_map(|key| Some(((*key).to_owned(), std::env::var(key).ok()?)))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudinary::signature::NotificationVerifier;
    use crate::upload::UploadRules;

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
        let url = config.supabase.callers.url.as_str();
        assert_eq!(url, "http://127.0.0.1:54321/");
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
        let rules = from_map::<UploadRules>;
        assert_eq!(rules(&given).unwrap(), UploadRules::default());
        given.insert(UPLOAD_RULES.into(), r#"{"max_byte": 5}"#.into());
        let error = rules(&given).unwrap_err().to_string();
        assert!(
            error.contains(UPLOAD_RULES) && error.contains("max_byte"),
            "{error}"
        );
        assert!(Config::from_map(&given).is_ok());
    }

    #[test]
    fn each_audience_needs_its_own_keys_and_no_others() {
        let keys = |names: &[&str]| {
            let all = GOOD.into_iter().chain([
                (NOTIFICATION_SECRETS, r#"{"2":"hush-hush"}"#),
                (CURSOR_SECRET, "hush-hush-hush-hush-hush-hush-hush"),
            ]);
            let chosen: Vec<_> = all.filter(|(key, _)| names.contains(key)).collect();
            map(&chosen)
        };
        let webhook = keys(&[NOTIFICATION_SECRETS]);
        assert!(from_map::<NotificationVerifier>(&webhook).is_ok());
        let reading = keys(&[SUPABASE_URL, SUPABASE_PUBLISHABLE_KEY, CURSOR_SECRET]);
        assert!(from_map::<(CallerConfig, CursorKey)>(&reading).is_ok());
        let worker = keys(&[CLOUDINARY_URL, SUPABASE_URL, SUPABASE_SECRET_KEY]);
        assert!(from_map::<(CloudinaryConfig, ServiceConfig)>(&worker).is_ok());
    }

    #[test]
    fn a_key_that_another_could_replace_is_missed_with_the_other() {
        let problem = |error: ConfigError| match error {
            ConfigError::Invalid(problems) => problems.join("; "),
            error => error.to_string(),
        };
        let webhook = from_map::<NotificationVerifier>(&map(&[])).err();
        let said = "CLOUDINARY_URL is missing, and so is CLOUDINARY_NOTIFICATION_SECRETS";
        assert_eq!(problem(webhook.unwrap()), said);
        let cursors = from_map::<CursorKey>(&map(&[])).err();
        let said = "SUPABASE_SECRET_KEY is missing, and so is CURSOR_SECRET";
        assert_eq!(problem(cursors.unwrap()), said);
        let short = from_map::<CursorKey>(&map(&[(CURSOR_SECRET, "short")])).err();
        assert_eq!(
            problem(short.unwrap()),
            "CURSOR_SECRET is shorter than 32 bytes"
        );
        let both = from_map::<(CallerConfig, ServiceConfig)>(&map(&[])).err();
        let said = problem(both.unwrap());
        assert_eq!(said.matches("SUPABASE_URL").count(), 1, "{said}");
    }

    #[test]
    fn address_of_the_data_api_is_not_taken_for_the_project() {
        for text in ["https://p.example/rest/v1", "https://p.example/rest/v1/"] {
            let mut given = map(&GOOD);
            given.insert(SUPABASE_URL.into(), text.into());
            let error = Config::from_map(&given).unwrap_err().to_string();
            assert!(error.contains("leave /rest/v1 out"), "{error}");
        }
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
}

//! Finds the configuration of a command: environment first, then a file, then the deployed stack.

pub(crate) mod stack;
mod values;

use std::path::PathBuf;

use clap::Args;
use media_sync::cloudinary::{self, ApiCredentials};
use media_sync::config;
use media_sync::supabase::keys::KeyKind;
use media_sync::supabase::{ApiKey, DataApi};
use url::Url;

pub use self::values::{
    CLOUDINARY_URL, ConfigurationValues, NOTIFICATION_SECRETS, SUPABASE_JWT_SECRET,
    SUPABASE_PUBLISHABLE_KEY, SUPABASE_SECRET_KEY, SUPABASE_URL, WEBHOOK_URL,
};
use crate::exit::Exit;
use crate::failure::{Failure, chain};

/// Where a command finds its configuration.
#[derive(Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub struct ConfigurationSource {
    /// JSON file with configuration keys: CLOUDINARY_URL, SUPABASE_URL, SUPABASE_SECRET_KEY
    ///
    /// Each key may also be an environment variable, which counts first. Keys that neither has are taken from the
    /// deployed stack's secret, with AWS's usual environment.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) stack: StackArguments,
}

/// The deployed stack of a command.
#[derive(Debug, Args)]
pub struct StackArguments {
    /// The deployed CloudFormation stack
    #[arg(
        id = "stack",
        long = "stack-name",
        value_name = "NAME",
        env = "STACK_NAME",
        hide_env_values = true,
        default_value = "media-sync"
    )]
    pub(crate) name: String,
}

/// The configuration of one command. It holds secrets and has no text.
pub struct Configuration {
    values: ConfigurationValues,
    http: reqwest::Client,
}

impl Configuration {
    /// Finds the `needed` keys; `given` are those that the command line named. The stack is asked only for keys that
    /// are found nowhere else.
    ///
    /// # Errors
    /// With every key that is missing, at once.
    pub async fn find(
        source: &ConfigurationSource,
        given: &[(&str, Option<&str>)],
        needed: &[&str],
    ) -> Result<Self, Failure> {
        let mut values: ConfigurationValues = given
            .iter()
            .filter_map(|(key, value)| Some((*key, (*value)?.to_owned())))
            .collect();
        values.complete(ConfigurationValues::read(source.config.as_deref())?);
        let mut missing = missing_keys(&values, needed);
        if !missing.is_empty() {
            let stack = stack::describe(&source.stack.name, &missing).await;
            let why = stack.map(|found| values.complete(found)).err();
            missing = missing_keys(&values, needed);
            if !missing.is_empty() {
                return Err(incomplete(&missing, &source.stack.name, why));
            }
        }
        let http =
            config::http_client().map_err(|error| Failure::new(Exit::Failed, chain(&error)))?;
        Ok(Self { values, http })
    }

    /// Takes values that were found already.
    pub(crate) fn of(values: ConfigurationValues, http: reqwest::Client) -> Self {
        Self { values, http }
    }

    /// The client of Cloudinary's APIs.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn cloudinary(&self) -> Result<cloudinary::CloudinaryClient, Failure> {
        let credentials = ApiCredentials::parse(self.get(CLOUDINARY_URL))
            .map_err(|error| unusable(CLOUDINARY_URL, &error.to_string()))?;
        Ok(cloudinary::CloudinaryClient::new(
            self.http.clone(),
            credentials,
        ))
    }

    /// The Data API with the secret key.
    ///
    /// # Errors
    /// When the address or the key cannot be used.
    pub fn supabase(&self) -> Result<DataApi, Failure> {
        let (url, key) = (self.supabase_url()?, self.secret_key()?);
        Ok(DataApi::new(url, key, self.http.clone()))
    }

    /// The Supabase project's address.
    ///
    /// # Errors
    /// When it is no web address.
    pub fn supabase_url(&self) -> Result<Url, Failure> {
        self.web_address(SUPABASE_URL)
    }

    /// The project's secret key.
    ///
    /// # Errors
    /// When it is no key, or the publishable one.
    pub fn secret_key(&self) -> Result<ApiKey, Failure> {
        let key = ApiKey::parse(self.get(SUPABASE_SECRET_KEY))
            .map_err(|error| unusable(SUPABASE_SECRET_KEY, &error.to_string()))?;
        if key.kind() == KeyKind::Publishable || key.legacy_role().as_deref() == Some("anon") {
            return Err(unusable(
                SUPABASE_SECRET_KEY,
                "holds the publishable key; the secret one begins with sb_secret_",
            ));
        }
        Ok(key)
    }

    /// The address of the webhook.
    ///
    /// # Errors
    /// When it is no web address.
    pub fn webhook_url(&self) -> Result<Url, Failure> {
        self.web_address(WEBHOOK_URL)
    }

    /// The client for other calls.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    fn web_address(&self, key: &str) -> Result<Url, Failure> {
        Url::parse(self.get(key))
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| unusable(key, "is no http(s) address"))
    }

    fn get(&self, key: &str) -> &str {
        self.values.get(key).unwrap_or_default()
    }
}

impl std::fmt::Debug for Configuration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Configuration")
            .field("values", &self.values)
            .finish_non_exhaustive()
    }
}

fn missing_keys<'a>(values: &ConfigurationValues, needed: &[&'a str]) -> Vec<&'a str> {
    let is_missing = |key: &&&str| values.get(key).is_none();
    needed.iter().filter(is_missing).copied().collect()
}

fn incomplete(missing: &[&str], stack: &str, why: Option<stack::Unknown>) -> Failure {
    let names = missing.join(", ");
    let exit = why.as_ref().map_or(Exit::Usage, |why| why.exit);
    let option = if missing.contains(&WEBHOOK_URL) {
        ", give --url for WEBHOOK_URL"
    } else {
        ""
    };
    Failure::new(exit, format!("the configuration lacks {names}"))
        .detail("stack", why.map(|why| format!("{stack}: {}", why.reason)))
        .mend(format!(
            "set them in the environment or in a JSON file (--config FILE){option}; or set AWS_REGION and AWS's \
             credentials, and --stack-name if the stack is not called {stack}"
        ))
}

fn unusable(key: &str, problem: &str) -> Failure {
    Failure::new(Exit::Usage, format!("{key} {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> ConfigurationValues {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    fn configuration(key: &str, value: &str) -> Configuration {
        Configuration {
            values: values(&[(key, value)]),
            http: config::http_client().unwrap(),
        }
    }

    #[test]
    fn every_missing_key_is_named_at_once() {
        let found = values(&[(SUPABASE_URL, "x"), (SUPABASE_SECRET_KEY, "")]);
        let needed = [
            CLOUDINARY_URL,
            SUPABASE_URL,
            SUPABASE_SECRET_KEY,
            WEBHOOK_URL,
        ];
        let missing = missing_keys(&found, &needed);
        assert_eq!(missing, [CLOUDINARY_URL, SUPABASE_SECRET_KEY, WEBHOOK_URL]);
        let failure = incomplete(&missing, "media-sync", None);
        assert_eq!(failure.exit, Exit::Usage);
        assert_eq!(
            failure.message,
            "the configuration lacks CLOUDINARY_URL, SUPABASE_SECRET_KEY, WEBHOOK_URL"
        );
    }

    #[test]
    fn unusable_value_is_named_by_its_key_and_not_shown() {
        let failures = [
            configuration(CLOUDINARY_URL, "https://hunter2")
                .cloudinary()
                .err(),
            configuration(SUPABASE_URL, "hunter2").supabase_url().err(),
            configuration(WEBHOOK_URL, "ftp://hunter2")
                .webhook_url()
                .err(),
            configuration(SUPABASE_SECRET_KEY, "hunter2")
                .secret_key()
                .err(),
            configuration(SUPABASE_SECRET_KEY, "sb_publishable_hunter2")
                .secret_key()
                .err(),
        ];
        let keys = [
            CLOUDINARY_URL,
            SUPABASE_URL,
            WEBHOOK_URL,
            SUPABASE_SECRET_KEY,
            SUPABASE_SECRET_KEY,
        ];
        for (failure, key) in failures.into_iter().zip(keys) {
            let failure = failure.unwrap();
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.message.starts_with(key), "{failure:?}");
            assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
        }
    }
}

//! The configuration's secret: read at the start, and again while the function lives.

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use serde_json::Value;

use super::error::ConfigError;
use super::keys::{CLOUDINARY_URL, SUPABASE_URL};
use super::parts::{ConfigPart, from_map};
use crate::cloudinary::ApiCredentials;
use crate::rotation::{LiveValue, SecretContent, SecretFetch};

/// A secret, and the environment's values that go before its own.
#[derive(Debug)]
pub(super) struct Secret {
    client: Client,
    arn: String,
    environment: SecretContent,
}

impl Secret {
    pub(super) fn new(aws: &SdkConfig, arn: String, environment: SecretContent) -> Self {
        Self {
            client: Client::new(aws),
            arn,
            environment,
        }
    }

    /// The part that it holds now, and later the part that it holds then.
    pub(super) async fn load<P: ConfigPart + Send + Sync + 'static>(
        self,
    ) -> Result<LiveValue<P>, ConfigError> {
        let content = self.read().await?;
        from_map::<P>(&content)?;
        let (secret, first) = (Arc::new(self), Arc::new(content.clone()));
        let fetch: SecretFetch = Box::new(move || {
            let (secret, first) = (Arc::clone(&secret), Arc::clone(&first));
            Box::pin(async move { Ok(secret.renew::<P>(&first).await?) })
        });
        let read = |content: &SecretContent| from_map::<P>(content).ok();
        let live = LiveValue::rotating(content, fetch, read);
        Ok(live.expect("the part was read from this content above"))
    }

    async fn renew<P: ConfigPart>(
        &self,
        first: &SecretContent,
    ) -> Result<SecretContent, ConfigError> {
        let content = self.read().await?;
        check_renewal::<P>(first, &content)?;
        Ok(content)
    }

    async fn read(&self) -> Result<SecretContent, ConfigError> {
        let answer = self.client.get_secret_value().secret_id(&self.arn);
        let answer = answer.send().await;
        let answer = answer.map_err(|error| ConfigError::Fetch(error.into()))?;
        let mut content = parse_secret(answer.secret_string().unwrap_or_default())?;
        content.extend(self.environment.clone());
        Ok(content)
    }
}

/// A warm function takes new keys, but never turns to another library or project: half of its work
/// would be about the one, and half about the other.
fn check_renewal<P: ConfigPart>(
    first: &SecretContent,
    renewed: &SecretContent,
) -> Result<(), ConfigError> {
    from_map::<P>(renewed)?;
    for (key, place) in [
        (CLOUDINARY_URL, cloud as fn(&str) -> Option<String>),
        (SUPABASE_URL, project),
    ] {
        let (was, is) = (first.get(key), renewed.get(key));
        let place = |text: Option<&String>| place(text?);
        if was.is_some() && place(was) != place(is) {
            return Err(ConfigError::Elsewhere(key));
        }
    }
    Ok(())
}

fn cloud(url: &str) -> Option<String> {
    let credentials = ApiCredentials::parse(url).ok()?;
    Some(credentials.cloud_name().to_owned())
}

fn project(url: &str) -> Option<String> {
    Some(url.trim_end_matches('/').to_owned())
}

fn parse_secret(text: &str) -> Result<SecretContent, ConfigError> {
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use aws_config::Region;
    use aws_sdk_secretsmanager::config::{Credentials as Keys, SharedCredentialsProvider};
    use serde_json::json;

    use super::super::keys::NOTIFICATION_SECRETS;
    use super::super::parts::{CloudinaryConfig, ServiceConfig};
    use super::*;

    #[test]
    fn secret_may_hold_the_map_of_keys_as_an_object() {
        let map =
            parse_secret(r#"{"CLOUDINARY_NOTIFICATION_SECRETS":{"2":"s"},"X":null}"#).unwrap();
        assert_eq!(map[NOTIFICATION_SECRETS], r#"{"2":"s"}"#);
        assert!(!map.contains_key("X"));
        assert!(matches!(parse_secret("[]"), Err(ConfigError::NotAnObject)));
    }

    fn content(cloudinary: &str, supabase: &str, key: &str) -> SecretContent {
        [
            (CLOUDINARY_URL, cloudinary),
            (SUPABASE_URL, supabase),
            ("SUPABASE_SECRET_KEY", key),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
    }

    #[test]
    fn a_warm_function_takes_new_keys_and_no_other_library_or_project() {
        type Parts = (CloudinaryConfig, ServiceConfig);
        let first = content("cloudinary://1:s@demo", "https://p.example", "sb_secret_a");
        let check = |cloudinary, supabase, key| {
            check_renewal::<Parts>(&first, &content(cloudinary, supabase, key))
                .map_err(|error| error.to_string())
        };
        let project = "https://p.example/";
        assert_eq!(
            check("cloudinary://2:t@demo", project, "sb_secret_b"),
            Ok(())
        );
        for (cloudinary, supabase, key, named) in [
            (
                "cloudinary://2:t@other",
                project,
                "sb_secret_b",
                CLOUDINARY_URL,
            ),
            (
                "cloudinary://2:hush",
                project,
                "sb_secret_b",
                CLOUDINARY_URL,
            ),
            (
                "cloudinary://2:t@demo",
                "https://q.example",
                "sb_secret_b",
                SUPABASE_URL,
            ),
            (
                "cloudinary://2:t@demo",
                project,
                "sb_publishable_b",
                "SUPABASE_SECRET_KEY",
            ),
            ("cloudinary://2:t@demo", project, "", "SUPABASE_SECRET_KEY"),
        ] {
            let error = check(cloudinary, supabase, key).unwrap_err();
            assert!(error.contains(named) && !error.contains("hush"), "{error}");
        }
    }

    /// A store of secrets that holds this one, and a client of it.
    async fn store(url: &Arc<Mutex<&'static str>>) -> SdkConfig {
        let url = Arc::clone(url);
        let answer = move |body: String| {
            assert!(body.contains("arn:the-secret"), "{body}");
            let content = json!({CLOUDINARY_URL: *url.lock().unwrap()}).to_string();
            async move { json!({"SecretString": content}).to_string() }
        };
        let app = axum::Router::new().fallback(answer);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let keys = Keys::new("k", "s", None, None, "test");
        SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .endpoint_url(format!("http://{address}"))
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build()
    }

    #[tokio::test]
    async fn a_new_key_in_the_secret_is_taken_and_a_typo_is_not() {
        let url = Arc::new(Mutex::new("cloudinary://1:s@c"));
        let aws = store(&url).await;
        let environment = SecretContent::from([("LOG_LEVEL".to_owned(), "debug".to_owned())]);
        let secret = || Secret::new(&aws, "arn:the-secret".to_owned(), environment.clone());
        let live = secret().load::<CloudinaryConfig>().await.unwrap();
        assert_eq!(live.latest().credentials.api_key(), "1");
        let first = secret().read().await.unwrap();
        assert_eq!(first["LOG_LEVEL"], "debug");
        let renew = async || secret().renew::<CloudinaryConfig>(&first).await;

        *url.lock().unwrap() = "cloudinary://2:s";
        assert!(matches!(renew().await, Err(ConfigError::Invalid(_))));
        *url.lock().unwrap() = "cloudinary://2:s@other";
        assert!(matches!(renew().await, Err(ConfigError::Elsewhere(_))));
        *url.lock().unwrap() = "cloudinary://2:s@c";
        assert_eq!(renew().await.unwrap()[CLOUDINARY_URL], "cloudinary://2:s@c");
    }
}

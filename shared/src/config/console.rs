//! The publishable values of the configuration, for the page that people without a token load.

use url::Url;

use super::parts::{CallerConfig, CloudinaryConfig, ConfigPart};
use super::reader::ConfigReader;
use crate::cloudinary::ApiCredentials;

/// Values that everybody may know. Nothing else of the keys that they are read from is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleConfig {
    /// Without a slash at its end.
    pub supabase_url: String,
    /// The origin of `supabase_url`.
    pub supabase_origin: String,
    pub publishable_key: String,
    pub cloud_name: String,
    /// To which browsers upload.
    pub upload_origin: String,
    /// From which Cloudinary delivers this cloud's files.
    pub delivery_origins: Vec<String>,
}

impl ConfigPart for ConsoleConfig {
    fn read(reader: &mut ConfigReader<'_>) -> Option<Self> {
        let (cloudinary, callers) = <(CloudinaryConfig, CallerConfig)>::read(reader)?;
        let credentials = &cloudinary.credentials;
        Some(Self {
            supabase_url: callers.url.as_str().trim_end_matches('/').to_owned(),
            supabase_origin: origin(&callers.url),
            publishable_key: String::from_utf8_lossy(callers.publishable_key.expose()).into_owned(),
            cloud_name: credentials.cloud_name().to_owned(),
            upload_origin: origin(credentials.upload_prefix()),
            delivery_origins: delivery_origins(credentials),
        })
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The account's own host if it has one. An API that is not Cloudinary's own delivers files, too.
fn delivery_origins(credentials: &ApiCredentials) -> Vec<String> {
    let distribution = credentials.distribution();
    let own = match (&distribution.secure_distribution, distribution.private_cdn) {
        (Some(host), _) => format!("https://{host}"),
        (None, true) => format!("https://{}-res.cloudinary.com", credentials.cloud_name()),
        (None, false) => "https://res.cloudinary.com".to_owned(),
    };
    let api = credentials.upload_prefix();
    let is_cloudinarys = api
        .host_str()
        .is_some_and(|host| host.ends_with(".cloudinary.com"));
    let other = (!is_cloudinarys).then(|| origin(api));
    [Some(own), other].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::from_map;

    fn read(cloudinary: &str) -> ConsoleConfig {
        let keys = [
            ("CLOUDINARY_URL", cloudinary),
            ("SUPABASE_URL", "https://project.supabase.co/"),
            ("SUPABASE_PUBLISHABLE_KEY", "sb_publishable_x"),
            (
                "SUPABASE_JWT_SECRET",
                "hush-hush-hush-hush-hush-hush-hush-hush",
            ),
        ];
        from_map(
            &keys
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
        )
        .unwrap()
    }

    #[test]
    fn no_secret_outlasts_the_reading() {
        let config = read("cloudinary://123:hush-hush@demo");
        assert_eq!(config.publishable_key, "sb_publishable_x");
        assert_eq!(config.supabase_url, "https://project.supabase.co");
        assert!(!format!("{config:?}").contains("hush"), "{config:?}");
    }

    #[test]
    fn files_come_from_the_hosts_of_the_account() {
        let table = [
            ("", vec!["https://res.cloudinary.com"]),
            ("?private_cdn=true", vec!["https://demo-res.cloudinary.com"]),
            (
                "?secure_distribution=media.example.com",
                vec!["https://media.example.com"],
            ),
            (
                "?upload_prefix=https://api-eu.cloudinary.com",
                vec!["https://res.cloudinary.com"],
            ),
            (
                "?upload_prefix=http://127.0.0.1:4000",
                vec!["https://res.cloudinary.com", "http://127.0.0.1:4000"],
            ),
        ];
        for (options, expected) in table {
            let config = read(&format!("cloudinary://1:s@demo{options}"));
            assert_eq!(config.delivery_origins, expected, "{options}");
        }
    }
}

//! Reads `CLOUDINARY_URL`, the form of credentials that every official SDK reads.

use std::fmt;

use percent_encoding::percent_decode_str;
use url::Url;
use url::form_urlencoded;

use super::algorithm::SignatureAlgorithm;

const SCHEME: &str = "cloudinary://";
const DEFAULT_PREFIX: &str = "https://api.cloudinary.com";
const FORM: &str = "cloudinary://<api_key>:<api_secret>@<cloud_name>";

/// The credentials of a product environment's API.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiCredentials {
    cloud_name: String,
    api_key: String,
    api_secret: String,
    upload_prefix: Url,
    algorithm: SignatureAlgorithm,
    distribution: DeliveryDistribution,
}

/// Where files are delivered from, as far as `CLOUDINARY_URL` says so.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeliveryDistribution {
    /// A host of the account's own; its addresses do not name the cloud.
    pub private_cdn: bool,
    /// The host, where it is not the usual one.
    pub secure_distribution: Option<String>,
    /// True if the account asks for 32 characters of SHA-256 in signed addresses, instead of 8.
    pub long_url_signature: bool,
}

/// Reasons why a `CLOUDINARY_URL` cannot be used. Never holds any part of the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    #[error("does not begin with cloudinary:// (expected {FORM})")]
    Scheme,
    #[error("has no @ before the cloud name (expected {FORM})")]
    NoCloudSeparator,
    #[error("has no colon between key and secret (expected {FORM})")]
    NoSecretSeparator,
    #[error("has an empty {0} (expected {FORM})")]
    Empty(&'static str),
    #[error("still holds a placeholder as its {0} (copy it from the Cloudinary console)")]
    Placeholder(&'static str),
    #[error("has a {0} with characters that none has")]
    Characters(&'static str),
    #[error("has an upload_prefix that is not an http(s) address without user and query")]
    UploadPrefix,
    #[error("has a signature_algorithm other than sha1 and sha256")]
    SignatureAlgorithm,
    #[error("has a secure_distribution that is not a host name")]
    SecureDistribution,
}

impl ApiCredentials {
    /// Reads `cloudinary://key:secret@cloud[?upload_prefix=https://host&signature_algorithm=sha256]`.
    ///
    /// A path behind the cloud is the host of a private CDN. Like the SDKs it takes the scheme in any case and ignores options that it does not know.
    ///
    /// # Errors
    /// When a part is missing, is a placeholder, or cannot be what it should be.
    pub fn parse(url: &str) -> Result<Self, CredentialsError> {
        let rest = url
            .trim()
            .split_at_checked(SCHEME.len())
            .and_then(|(scheme, rest)| scheme.eq_ignore_ascii_case(SCHEME).then_some(rest))
            .ok_or(CredentialsError::Scheme)?;
        let (address, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (user, host) = address
            .rsplit_once('@')
            .ok_or(CredentialsError::NoCloudSeparator)?;
        let (key, secret) = user
            .split_once(':')
            .ok_or(CredentialsError::NoSecretSeparator)?;
        let (cloud, cdn) = host.split_once('/').unwrap_or((host, ""));

        let mut credentials = Self {
            cloud_name: part("cloud name", cloud)?,
            api_key: part("API key", key)?,
            api_secret: part("API secret", secret)?,
            upload_prefix: Url::parse(DEFAULT_PREFIX).expect("a constant address"),
            algorithm: SignatureAlgorithm::Sha1,
            distribution: DeliveryDistribution::default(),
        };
        if !cdn.is_empty() {
            credentials.distribution.private_cdn = true;
            credentials.distribution.secure_distribution = Some(host_name(cdn)?);
        }
        for (name, value) in form_urlencoded::parse(options.as_bytes()) {
            match name.as_ref() {
                "upload_prefix" => credentials.upload_prefix = upload_prefix(&value)?,
                "signature_algorithm" => {
                    credentials.algorithm = SignatureAlgorithm::parse(&value)
                        .ok_or(CredentialsError::SignatureAlgorithm)?;
                }
                "private_cdn" => credentials.distribution.private_cdn = is_true(&value),
                "secure_distribution" => {
                    credentials.distribution.secure_distribution = Some(host_name(&value)?);
                }
                "long_url_signature" => {
                    credentials.distribution.long_url_signature = is_true(&value);
                }
                _ => {}
            }
        }
        Ok(credentials)
    }

    pub fn cloud_name(&self) -> &str {
        &self.cloud_name
    }

    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// The secret itself: for signing and for Basic authentication only.
    pub fn api_secret(&self) -> &str {
        &self.api_secret
    }

    /// Where the API lives: scheme and host, perhaps a path, without a final slash in use.
    pub fn upload_prefix(&self) -> &Url {
        &self.upload_prefix
    }

    /// The address of a call: the path behind the cloud's name, segment by segment.
    pub fn api_url<S: AsRef<str>>(&self, path: &[S]) -> Url {
        let mut url = self.upload_prefix.clone();
        url.path_segments_mut()
            .expect("an http address has a path")
            .pop_if_empty()
            .push("v1_1")
            .push(&self.cloud_name)
            .extend(path);
        url
    }

    /// The hash with which upload requests and delivery addresses are signed.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Where files are delivered from.
    pub fn distribution(&self) -> &DeliveryDistribution {
        &self.distribution
    }
}

impl fmt::Debug for ApiCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("cloud_name", &self.cloud_name)
            .field("api_key", &self.api_key)
            .field("api_secret", &"[redacted]")
            .field("upload_prefix", &self.upload_prefix.as_str())
            .field("algorithm", &self.algorithm)
            .field("distribution", &self.distribution)
            .finish()
    }
}

fn part(name: &'static str, text: &str) -> Result<String, CredentialsError> {
    let text = percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| CredentialsError::Characters(name))?;
    if text.is_empty() {
        return Err(CredentialsError::Empty(name));
    }
    if text.contains(['<', '>', '*']) {
        return Err(CredentialsError::Placeholder(name));
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(CredentialsError::Characters(name));
    }
    Ok(text.into_owned())
}

fn upload_prefix(text: &str) -> Result<Url, CredentialsError> {
    let url = Url::parse(text).map_err(|_| CredentialsError::UploadPrefix)?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    plain.then_some(url).ok_or(CredentialsError::UploadPrefix)
}

fn host_name(text: &str) -> Result<String, CredentialsError> {
    let is_part =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '.' | ':');
    let is_host = !text.is_empty() && text.chars().all(is_part);
    is_host
        .then(|| text.to_owned())
        .ok_or(CredentialsError::SecureDistribution)
}

/// As the SDKs' languages write it.
fn is_true(text: &str) -> bool {
    matches!(text, "true" | "True" | "1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_url_is_read() {
        let credentials = ApiCredentials::parse("cloudinary://123:abc-_D@demo").unwrap();
        assert_eq!(credentials.api_key(), "123");
        assert_eq!(credentials.api_secret(), "abc-_D");
        assert_eq!(credentials.cloud_name(), "demo");
        assert_eq!(
            credentials.upload_prefix().as_str(),
            "https://api.cloudinary.com/"
        );
        assert_eq!(credentials.algorithm(), SignatureAlgorithm::Sha1);
    }

    #[test]
    fn options_are_honoured_and_unknown_ones_ignored() {
        let credentials = ApiCredentials::parse(
            "CLOUDINARY://1:s@c?upload_prefix=http%3A%2F%2F127.0.0.1:8080&secure=true&signature_algorithm=sha256",
        )
        .unwrap();
        assert_eq!(
            credentials.upload_prefix().as_str(),
            "http://127.0.0.1:8080/"
        );
        assert_eq!(credentials.algorithm(), SignatureAlgorithm::Sha256);
    }

    #[test]
    fn unencoded_upload_prefix_and_delivery_path_are_read() {
        let credentials = ApiCredentials::parse(
            "cloudinary://1:s@c/cdn.example?upload_prefix=https://api-eu.cloudinary.com",
        )
        .unwrap();
        assert_eq!(credentials.cloud_name(), "c");
        assert_eq!(
            credentials.upload_prefix().host_str(),
            Some("api-eu.cloudinary.com")
        );
        let distribution = DeliveryDistribution {
            private_cdn: true,
            secure_distribution: Some("cdn.example".to_owned()),
            long_url_signature: false,
        };
        assert_eq!(credentials.distribution(), &distribution);
        let named =
            ApiCredentials::parse("cloudinary://1:s@c?private_cdn=true&long_url_signature=True")
                .unwrap();
        assert!(named.distribution().private_cdn && named.distribution().long_url_signature);
    }

    #[test]
    fn each_mistake_has_its_own_message() {
        use CredentialsError as E;
        for (url, error) in [
            ("", E::Scheme),
            ("https://1:s@c", E::Scheme),
            ("cloudinary://1:s", E::NoCloudSeparator),
            ("cloudinary://1@c", E::NoSecretSeparator),
            ("cloudinary://:s@c", E::Empty("API key")),
            ("cloudinary://1:@c", E::Empty("API secret")),
            ("cloudinary://1:s@", E::Empty("cloud name")),
            ("cloudinary://<your_api_key>:s@c", E::Placeholder("API key")),
            ("cloudinary://1:*****@c", E::Placeholder("API secret")),
            ("cloudinary://1:s@c d", E::Characters("cloud name")),
            ("cloudinary://1:s@c?upload_prefix=nonsense", E::UploadPrefix),
            (
                "cloudinary://1:s@c?upload_prefix=http://u:p@h",
                E::UploadPrefix,
            ),
            (
                "cloudinary://1:s@c?signature_algorithm=md5",
                E::SignatureAlgorithm,
            ),
            ("cloudinary://1:s@c/cdn/x", E::SecureDistribution),
            (
                "cloudinary://1:s@c?secure_distribution=https://h",
                E::SecureDistribution,
            ),
        ] {
            assert_eq!(ApiCredentials::parse(url), Err(error), "{url}");
        }
    }

    proptest! {
        #[test]
        fn secret_appears_neither_in_debug_nor_in_errors(secret in "[A-Z]{12}", tail in "[@?a-z:/ ]{0,8}") {
            let shown = format!("{:?}", ApiCredentials::parse(&format!("cloudinary://1:{secret}{tail}")));
            prop_assert!(!shown.contains(&secret), "{}", shown);
            let whole = ApiCredentials::parse(&format!("cloudinary://1:{secret}@demo")).unwrap();
            let shown = format!("{whole:?}");
            prop_assert!(!shown.contains(&secret), "{}", shown);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,80}") {
            let _ = ApiCredentials::parse(&text);
            let _ = ApiCredentials::parse(&format!("cloudinary://{text}"));
        }
    }
}

//! The HTTP client and the AWS configuration that everything in a function shares.

use std::sync::OnceLock;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::tls;

/// Makes ring the process's TLS implementation; the second call and later ones do nothing.
fn install_crypto() {
    // An error means that it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The one HTTP client of a function: Cloudinary, PostgREST and the key set go through it.
///
/// # Errors
/// When the machine has no root certificates.
pub fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    install_crypto();
    reqwest::Client::builder()
        .user_agent(concat!("media-sync/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(3))
        // A frozen Lambda environment wakes up with connections that the other side has closed.
        .pool_idle_timeout(Duration::from_secs(20))
        // Neither API redirects; following one would carry credentials elsewhere.
        .redirect(reqwest::redirect::Policy::none())
        .build()
}

/// The profile that a person has named on the command line.
static PROFILE: OnceLock<String> = OnceLock::new();

/// Makes [`aws`] take a profile of AWS's shared configuration instead of `AWS_PROFILE`. The first call counts.
pub fn use_aws_profile(name: &str) {
    // An error means that one is named already.
    let _ = PROFILE.set(name.to_owned());
}

/// The region that a person has named on the command line.
static REGION: OnceLock<String> = OnceLock::new();

/// Makes [`aws`] take a region instead of `AWS_REGION` or the profile's. The first call counts.
pub fn use_aws_region(name: &str) {
    let _ = REGION.set(name.to_owned());
}

/// Region, credentials and HTTP client for the AWS services, as the environment says.
pub async fn aws() -> SdkConfig {
    install_crypto();
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(
            tls::rustls_provider::CryptoMode::Ring,
        ))
        .build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(4))
        .operation_timeout(Duration::from_secs(10))
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(timeouts);
    if let Some(profile) = PROFILE.get() {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = REGION.get() {
        loader = loader.region(Region::new(region.as_str()));
    }
    loader.load().await
}

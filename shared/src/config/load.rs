//! Loading the configuration of the function that this process is.

use std::collections::BTreeMap;

use aws_config::SdkConfig;

use super::error::ConfigError;
use super::keys::{KEYS, SECRET_ARN, SETTINGS};
use super::parts::{ConfigPart, from_map};
use super::secret::Secret;
use crate::rotation::LiveValue;

/// Reads a function's needs from the environment, and the rest from its secret. The secret is read
/// again while the function lives: see [`LiveValue`].
///
/// # Errors
/// When the secret cannot be fetched, or with every key that is missing or wrong.
pub async fn load<P: ConfigPart + Send + Sync + 'static>(
    aws: &SdkConfig,
) -> Result<LiveValue<P>, ConfigError> {
    let environment = environment_map();
    match (from_map(&environment), std::env::var(SECRET_ARN)) {
        (Err(_), Ok(arn)) => Secret::new(aws, arn, environment).load().await,
        (read, _) => read.map(LiveValue::fixed),
    }
}

fn environment_map() -> BTreeMap<String, String> {
    KEYS.iter()
        .chain(&SETTINGS)
        .filter_map(|key| Some(((*key).to_owned(), std::env::var(key).ok()?)))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

//! Reads the configuration's secret.

use aws_sdk_secretsmanager::error::ProvideErrorMetadata as _;
use media_sync::config;

use super::super::{ConfigurationSecret, ProbeResult, SkipReason, limited};
use crate::failure::chain;

/// Reads the secret by its name or ARN, with AWS's usual environment.
///
/// # Errors
/// None is named, or it cannot be read.
pub async fn read_secret(name: Option<&str>) -> ProbeResult<ConfigurationSecret> {
    let name =
        name.ok_or_else(|| SkipReason::needs("a deployed stack, --secret or CONFIG_SECRET_ARN"))?;
    limited("Secrets Manager", fetch(name)).await
}

async fn fetch(name: &str) -> ProbeResult<ConfigurationSecret> {
    let client = aws_sdk_secretsmanager::Client::new(&config::aws().await);
    let answer = client.get_secret_value().secret_id(name).send().await;
    match answer {
        Ok(answer) => Ok(ConfigurationSecret::Text(
            answer.secret_string().unwrap_or_default().to_owned(),
        )),
        Err(error) if error.code() == Some("ResourceNotFoundException") => {
            Ok(ConfigurationSecret::Missing(name.to_owned()))
        }
        Err(error) => Err(SkipReason::because(format!(
            "the secret {name} cannot be read: {}",
            error.message().map_or_else(|| chain(&error), str::to_owned)
        ))),
    }
}

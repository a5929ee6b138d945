//! The checks of the deployment in AWS.

mod secret;

use aws_sdk_secretsmanager::error::ProvideErrorMetadata as _;
use media_sync::config;

use super::registry::{Check, Group};
use super::{Probe, Skip, limited};
use crate::failure::chain;

/// In the order of the report.
pub const CHECKS: &[Check] = &[Check {
    id: "aws-secret",
    group: Group::Aws,
    title: "the secret is missing, not JSON, or has a missing or wrong value",
    why: "The functions find no usable configuration, and every call fails.",
    reads: "the secret that the deployed stack or `--secret` names",
    judgement: |evidence| secret::secret(&evidence.aws),
}];

/// Evidence about the deployment.
#[derive(Debug)]
pub struct Evidence {
    /// The configuration's secret.
    pub secret: Probe<Secret>,
}

/// The secret's text, which no text of this shows.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// There is none of that name.
    Missing(String),
    /// Its text.
    Text(String),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(name) => f.debug_tuple("Missing").field(name).finish(),
            Self::Text(_) => f.write_str("Text([hidden])"),
        }
    }
}

/// Reads the secret by its name or ARN, with AWS's usual environment.
///
/// # Errors
/// None is named, or it cannot be read.
pub async fn read_secret(name: Option<&str>) -> Probe<Secret> {
    let name =
        name.ok_or_else(|| Skip::needs("a deployed stack, --secret or CONFIG_SECRET_ARN"))?;
    limited("Secrets Manager", fetch(name)).await
}

async fn fetch(name: &str) -> Probe<Secret> {
    let client = aws_sdk_secretsmanager::Client::new(&config::aws().await);
    let answer = client.get_secret_value().secret_id(name).send().await;
    match answer {
        Ok(answer) => Ok(Secret::Text(
            answer.secret_string().unwrap_or_default().to_owned(),
        )),
        Err(error) if error.code() == Some("ResourceNotFoundException") => {
            Ok(Secret::Missing(name.to_owned()))
        }
        Err(error) => Err(Skip::because(format!(
            "the secret {name} cannot be read: {}",
            error.message().map_or_else(|| chain(&error), str::to_owned)
        ))),
    }
}

//! The ways in which there is no configuration.

use super::keys::SECRET_ARN;

/// Reasons why there is no configuration. Names keys, never values.
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

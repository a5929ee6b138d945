//! The places where `doctor` looks.

use std::time::Duration;

use aws_config::SdkConfig;

use super::verdict::Probe;
use crate::configuration::Values;
use crate::configuration::stack::Deployed;
use crate::database::Address;

/// Where to look.
#[derive(Debug)]
pub struct Sources<'a> {
    /// Addresses and keys.
    pub settings: &'a Values,
    /// The configuration's secret.
    pub secret: &'a Probe<ConfigurationSecret>,
    /// Region and credentials.
    pub aws: &'a SdkConfig,
    /// The deployed stack, if there is one.
    pub stack: Option<&'a Deployed>,
    /// The project's database.
    pub database: Option<&'a Address>,
    /// The webhook's address.
    pub webhook: Option<&'a str>,
    /// The longest time for an event of the canary, if one is to be planted.
    pub canary: Option<Duration>,
    /// Shared by all probes.
    pub http: reqwest::Client,
}

/// The configuration's secret. Its text appears in no other text.
#[derive(Clone, PartialEq, Eq)]
pub enum ConfigurationSecret {
    /// There is none of that name.
    Missing(String),
    /// Its text.
    Text(String),
}

impl std::fmt::Debug for ConfigurationSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(name) => f.debug_tuple("Missing").field(name).finish(),
            Self::Text(_) => f.write_str("Text([hidden])"),
        }
    }
}

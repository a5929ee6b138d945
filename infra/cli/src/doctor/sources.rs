//! The places where `doctor` looks.

use std::time::Duration;

use aws_config::SdkConfig;

use super::verdict::ProbeResult;
use crate::configuration::ConfigurationValues;
use crate::configuration::stack::DeployedStack;
use crate::database::DatabaseAddress;

/// Where to look.
#[derive(Debug)]
pub struct EvidenceSources<'a> {
    /// Addresses and keys.
    pub settings: &'a ConfigurationValues,
    /// The configuration's secret.
    pub secret: &'a ProbeResult<ConfigurationSecret>,
    /// Region and credentials.
    pub aws: &'a SdkConfig,
    /// The deployed stack, if there is one.
    pub stack: Option<&'a DeployedStack>,
    /// The project's database.
    pub database: Option<&'a DatabaseAddress>,
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

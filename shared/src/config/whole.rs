//! The whole configuration, for functions that act in several names.

use std::collections::BTreeMap;

use super::error::ConfigError;
use super::parts::{CallerConfig, CloudinaryConfig, ConfigPart, ServiceConfig, from_map};
use super::reader::ConfigReader;
use crate::cursor::CursorKey;
use crate::rotation::LiveValue;
use crate::supabase::DataApi;
use crate::supabase::jwt::TokenVerifier;

/// Everything, for functions that act both in their callers' names and in their own.
#[derive(Debug, Clone)]
pub struct Config {
    pub cloudinary: CloudinaryConfig,
    pub supabase: SupabaseConfig,
}

/// Supabase in both ways.
#[derive(Debug, Clone)]
pub struct SupabaseConfig {
    pub callers: CallerConfig,
    pub service: ServiceConfig,
}

impl Config {
    /// As [`from_map`], for everything.
    ///
    /// # Errors
    /// With every key that is missing or wrong, at once.
    pub fn from_map(map: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        from_map(map)
    }
}

impl SupabaseConfig {
    /// See [`ServiceConfig::client`].
    pub fn service(&self, http: &reqwest::Client) -> DataApi {
        self.service.client(http)
    }

    /// See [`CallerConfig::client`].
    pub fn public(&self, http: &reqwest::Client) -> DataApi {
        self.callers.client(http)
    }

    /// See [`CallerConfig::token_verifier`].
    pub fn token_verifier(&self, http: &reqwest::Client) -> TokenVerifier {
        self.callers.token_verifier(http)
    }

    /// The key of our own cursors where there is no secret for them.
    pub fn cursor_key(&self) -> CursorKey {
        CursorKey::derive(self.service.secret_key.expose())
    }
}

impl ConfigPart for Config {
    fn read(reader: &mut ConfigReader<'_>) -> Option<Self> {
        let cloudinary = CloudinaryConfig::read(reader);
        let supabase = SupabaseConfig::read(reader);
        Some(Self {
            cloudinary: cloudinary?,
            supabase: supabase?,
        })
    }
}

impl ConfigPart for SupabaseConfig {
    fn read(reader: &mut ConfigReader<'_>) -> Option<Self> {
        let service = ServiceConfig::read(reader);
        let callers = CallerConfig::read(reader);
        Some(Self {
            callers: callers?,
            service: service?,
        })
    }
}

impl LiveValue<SupabaseConfig> {
    /// Both of its parts.
    pub fn split(&self) -> (LiveValue<CallerConfig>, LiveValue<ServiceConfig>) {
        self.part(|config| (config.callers.clone(), config.service.clone()))
            .split()
    }
}

impl LiveValue<Config> {
    /// Both of its parts.
    pub fn split(&self) -> (LiveValue<CloudinaryConfig>, LiveValue<SupabaseConfig>) {
        self.part(|config| (config.cloudinary.clone(), config.supabase.clone()))
            .split()
    }
}

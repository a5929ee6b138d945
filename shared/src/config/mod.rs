//! Configuration: a secret, overridden by environment variables.
//!
//! The secret is a JSON object whose keys are the names of environment variables. Each function
//! names the [`ConfigPart`]s that it needs, and asks for no other key. Reading them ([`from_map`]) is pure
//! and reports every mistake at once, by key and never by value.

mod clients;
mod console;
mod environment;
mod error;
mod keys;
mod load;
mod parts;
mod reader;
mod secret;
mod whole;

pub use self::clients::{aws, http_client, use_aws_profile, use_aws_region};
pub use self::console::ConsoleConfig;
pub use self::environment::{
    audit_retention_days, notification_queue_url, outbound_queue_url, reconcile_queue_url,
    required_env, retry_after, schedules, webhook_urls,
};
pub use self::error::ConfigError;
pub use self::keys::{ACCESS_RULES, KEYS, SETTINGS, UPLOAD_RULES, USER_LIMITS};
pub use self::load::load;
pub use self::parts::{
    CallerConfig, CloudinaryConfig, ConfigPart, SecretSettings, ServiceConfig, from_map,
};
pub use self::whole::{Config, SupabaseConfig};

#[cfg(test)]
mod tests;

//! What a function's own resource in the template says, by environment variables.

use super::ConfigError;
use crate::sync::health::{Schedules, parse_rate};
use crate::sync::purge::{AUDIT_DAYS, LEAST_AUDIT_DAYS};

/// The value of a variable that the function's own template sets, such as a queue's address.
///
/// # Errors
/// When it is missing or empty.
pub fn required_env(name: &str) -> Result<String, ConfigError> {
    std::env::var(name)
        .ok()
        .filter(|value| !value.is_empty())
        .ok_or_else(|| ConfigError::Invalid(vec![format!("{name} is missing")]))
}

/// The address in `NOTIFICATION_QUEUE_URL`, `OUTBOUND_QUEUE_URL` or `RECONCILE_QUEUE_URL`.
///
/// # Errors
/// When the function's template does not set it.
pub fn notification_queue_url() -> Result<String, ConfigError> {
    required_env("NOTIFICATION_QUEUE_URL")
}

/// See [`notification_queue_url`].
///
/// # Errors
/// When the function's template does not set it.
pub fn outbound_queue_url() -> Result<String, ConfigError> {
    required_env("OUTBOUND_QUEUE_URL")
}

/// See [`notification_queue_url`].
///
/// # Errors
/// When the function's template does not set it.
pub fn reconcile_queue_url() -> Result<String, ConfigError> {
    required_env("RECONCILE_QUEUE_URL")
}

/// How long the audit trail is kept, in days: `AUDIT_RETENTION_DAYS`, or the default.
///
/// # Errors
/// When it is no number of days that the database allows.
pub fn audit_retention_days() -> Result<u32, ConfigError> {
    parse_audit_days(std::env::var("AUDIT_RETENTION_DAYS").ok().as_deref())
}

fn parse_audit_days(text: Option<&str>) -> Result<u32, ConfigError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(AUDIT_DAYS);
    };
    let days = text.parse().ok().filter(|days| *days >= LEAST_AUDIT_DAYS);
    days.ok_or_else(|| {
        let problem =
            format!("AUDIT_RETENTION_DAYS must be a number of days, {LEAST_AUDIT_DAYS} at least");
        ConfigError::Invalid(vec![problem])
    })
}

/// How often runs are made, where the function's template says so.
pub fn schedules() -> Schedules {
    let period = |name| parse_rate(&std::env::var(name).ok()?);
    Schedules {
        incremental: period("RECONCILE_SCHEDULE"),
        full: period("FULL_RECONCILE_SCHEDULE"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audit_trail_is_kept_for_a_quarter_at_least() {
        assert_eq!(parse_audit_days(None).unwrap(), AUDIT_DAYS);
        assert_eq!(parse_audit_days(Some("90")).unwrap(), 90);
        for text in ["89", "0", "-1", "for ever"] {
            assert!(parse_audit_days(Some(text)).is_err(), "{text}");
        }
    }
}

//! The settings of a function's own resource in the template, by environment variables.

use std::time::Duration;

use url::Url;

use super::error::ConfigError;
use crate::sync::health::{RunSchedules, parse_rate};
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

/// The longest time for which SQS hides a message, in seconds.
const LONGEST_RETRY: u64 = 43_200;

/// When a message that failed is due again: `RETRY_SECONDS`.
///
/// # Errors
/// When the function's template does not set it, or not to a time that SQS can wait.
pub fn retry_after() -> Result<Duration, ConfigError> {
    parse_retry(&required_env("RETRY_SECONDS")?)
}

fn parse_retry(text: &str) -> Result<Duration, ConfigError> {
    let seconds = text.parse().ok().filter(|it| *it <= LONGEST_RETRY);
    seconds.map(Duration::from_secs).ok_or_else(|| {
        let problem = format!("RETRY_SECONDS must be a number of seconds, {LONGEST_RETRY} at most");
        ConfigError::Invalid(vec![problem])
    })
}

/// The days for which the audit trail is kept: `AUDIT_RETENTION_DAYS`, or the default.
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

/// The addresses of the webhook in `WEBHOOK_URLS`, parted by commas, that of a new trigger first. None where the
/// function's template sets none.
///
/// # Errors
/// When one is no web address.
pub fn webhook_urls() -> Result<Vec<Url>, ConfigError> {
    parse_webhook_urls(&std::env::var("WEBHOOK_URLS").unwrap_or_default())
}

fn parse_webhook_urls(text: &str) -> Result<Vec<Url>, ConfigError> {
    let texts = text.split(',').map(str::trim).filter(|it| !it.is_empty());
    let parsed = texts.map(|text| Url::parse(text).ok().filter(Url::has_host));
    parsed
        .collect::<Option<Vec<Url>>>()
        .ok_or_else(|| ConfigError::Invalid(vec!["WEBHOOK_URLS must be web addresses".to_owned()]))
}

/// The schedules of runs, where the function's template names them.
pub fn schedules() -> RunSchedules {
    let period = |name| parse_rate(&std::env::var(name).ok()?);
    RunSchedules {
        incremental: period("RECONCILE_SCHEDULE"),
        full: period("FULL_RECONCILE_SCHEDULE"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_waits_no_longer_than_sqs_can() {
        assert_eq!(parse_retry("20").unwrap(), Duration::from_secs(20));
        for text in ["43201", "-1", "soon"] {
            assert!(parse_retry(text).is_err(), "{text}");
        }
    }

    #[test]
    fn webhooks_are_a_list_of_addresses() {
        let parsed = |text| parse_webhook_urls(text).map(|urls| urls.len()).ok();
        assert_eq!(parsed(""), Some(0));
        assert_eq!(parsed("https://a.example/, https://b.example/x"), Some(2));
        assert_eq!(parsed("https://a.example/,nonsense"), None);
    }

    #[test]
    fn the_audit_trail_is_kept_for_a_quarter_at_least() {
        assert_eq!(parse_audit_days(None).unwrap(), AUDIT_DAYS);
        assert_eq!(parse_audit_days(Some("90")).unwrap(), 90);
        for text in ["89", "0", "-1", "for ever"] {
            assert!(parse_audit_days(Some(text)).is_err(), "{text}");
        }
    }
}

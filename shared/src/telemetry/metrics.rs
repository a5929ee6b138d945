//! Metrics: every one there is, and how one is written for CloudWatch.
//!
//! A metric is a log line in CloudWatch's embedded format, which costs no call. Only metrics of
//! [`ALL`] can be written. docs/operate/metrics.md is made from them, and the template's alarms are
//! held to that page.

use std::io;

use serde_json::{Map, Value, json};

use super::lines::{Origin, write_line};
use super::scope;
use crate::time::Timestamp;

/// Where CloudWatch keeps them.
pub const NAMESPACE: &str = "media-sync";

/// CloudWatch takes so many values of a metric in one line.
const MOST_VALUES: usize = 100;

/// The functions that can be asked for maintenance.
const MAINTAINERS: &[&str] = &["maintenance", "reconcile"];

/// CloudWatch's word for what a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricUnit {
    Count,
    Seconds,
    Bytes,
    /// A ratio, or 1 for yes and 0 for no.
    None,
}

impl MetricUnit {
    /// As CloudWatch spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Seconds => "Seconds",
            Self::Bytes => "Bytes",
            Self::None => "None",
        }
    }
}

/// One metric.
#[derive(Debug)]
pub struct Metric {
    pub name: &'static str,
    pub unit: MetricUnit,
    /// The functions that write it; none means all.
    pub services: &'static [&'static str],
    /// True if it is also kept for each `reason`.
    pub by_reason: bool,
    pub meaning: &'static str,
}

macro_rules! metrics {
    ($($id:ident = $name:literal, $unit:ident, $services:expr, $by_reason:literal, $meaning:literal;)*) => {
        $(
            #[doc = $meaning]
            pub static $id: Metric = Metric {
                name: $name,
                unit: MetricUnit::$unit,
                services: $services,
                by_reason: $by_reason,
                meaning: $meaning,
            };
        )*

        /// Every metric there is.
        pub static ALL: &[&Metric] = &[$(&$id),*];
    };
}

metrics! {
    COLD_STARTS = "cold_starts", Count, &[], false,
        "Execution environments that answered their first call.";
    NOTIFICATIONS_ACCEPTED = "notifications_accepted", Count, &["webhook"], false,
        "Notifications that were verified and put into their queue.";
    NOTIFICATIONS_REFUSED = "notifications_refused", Count, &["webhook"], true,
        "Calls of the webhook that were answered 4xx; the reason is the answer's code.";
    NOTIFICATIONS_FAILED = "notifications_failed", Count, &["webhook"], true,
        "Calls of the webhook that were answered 5xx; Cloudinary repeats them.";
    NOTIFICATION_FRESHNESS = "notification_freshness", Seconds, &["notification_worker"], false,
        "Time from a change in Cloudinary to its commit here. Replays and news that were known already are left out.";
    NOTIFICATIONS_PARKED = "notifications_parked", Count, &["notification_worker"], false,
        "Notifications that were kept because they could not be understood.";
    MESSAGES_RETURNED = "messages_returned", Count, &["notification_worker", "outbound_worker"], false,
        "Messages that went back to their queue, to be tried again, and counted.";
    MESSAGE_WAIT = "message_wait", Seconds, &["notification_worker", "outbound_worker"], false,
        "Age since its first arrival of a message that was sent anew, to wait for something that passes by itself.";
    RECONCILIATION_LATENESS = "reconciliation_lateness", None, MAINTAINERS, false,
        "Age of the last good run as a share of its schedule's allowance: above 1 it is overdue.";
    LAST_RUN_FAILED = "last_run_failed", None, MAINTAINERS, false,
        "1 while no good run has made up for a stopped or failed one.";
    ASSETS_IN_ERROR = "assets_in_error", Count, MAINTAINERS, false,
        "Assets whose edit, delete or restore Cloudinary has refused, or that failed eight times.";
    DELETES_HELD = "deletes_held", Count, MAINTAINERS, false,
        "Deletes that wait until an administrator allows a mass delete.";
    LIBRARY_FENCED = "library_fenced", None, MAINTAINERS, false,
        "1 while the library belongs to another deployment, so that nothing is written there.";
    OLDEST_DECISION = "oldest_decision", Seconds, MAINTAINERS, false,
        "Age of the oldest decision that Cloudinary has not confirmed; 0 when nothing waits.";
    QUOTA_REMAINING = "quota_remaining", Count, MAINTAINERS, false,
        "Calls left of the Admin API's hour, as an answer told it last.";
    QUOTA_BELOW_RESERVE = "quota_below_reserve", None, MAINTAINERS, false,
        "1 while fewer calls are left than runs keep for people.";
    AUDIT_TRAIL_BYTES = "audit_trail_bytes", Bytes, MAINTAINERS, false,
        "Size of the audit trail with its indexes.";
    NOTIFICATIONS_MISSING = "notifications_missing", None, MAINTAINERS, false,
        "1 while runs find changes of which no notification has told.";
    SERVICE_KEY_REFUSED = "service_key_refused", None, MAINTAINERS, false,
        "1 while the database does not let the service's own key in.";
    TRIGGERS_REPAIRED = "triggers_repaired", Count, MAINTAINERS, false,
        "Triggers of ours that the daily look at Cloudinary has made or removed.";
    TRIGGERS_OF_OTHER_STACKS = "triggers_of_other_stacks", Count, MAINTAINERS, false,
        "Triggers that lead to another media-sync stack, as the daily look has found them.";
}

/// The table of docs/operate/metrics.md.
pub fn markdown() -> String {
    let mut table = String::from("| metric | unit | written by | meaning |\n|---|---|---|---|\n");
    for metric in ALL {
        let by_reason = if metric.by_reason {
            ", by `reason`"
        } else {
            ""
        };
        let services = match metric.services {
            [] => "all".to_owned(),
            services => services.join(", "),
        };
        let (name, unit, meaning) = (metric.name, metric.unit.name(), metric.meaning);
        table += &format!("| `{name}`{by_reason} | {unit} | {services} | {meaning} |\n");
    }
    table
}

/// Writes metrics of one moment.
pub fn record(metrics: &[(&'static Metric, f64)]) {
    let values: Vec<_> = metrics
        .iter()
        .map(|(metric, value)| (*metric, vec![*value]))
        .collect();
    write(&values, None);
}

/// Counts one event, in all and for its reason.
pub fn count_for(metric: &'static Metric, reason: &str) {
    write(&[(metric, vec![1.0])], Some(reason));
}

/// Writes many values of one metric. CloudWatch makes percentiles of them.
pub fn record_values(metric: &'static Metric, values: &[f64]) {
    for values in values.chunks(MOST_VALUES) {
        write(&[(metric, values.to_vec())], None);
    }
}

/// A process that has not begun to log, such as a test, writes none.
fn write(values: &[(&'static Metric, Vec<f64>)], reason: Option<&str>) {
    if let Some(origin) = Origin::get() {
        let line = metrics_line(origin, values, reason, Timestamp::now());
        write_line(&mut io::stdout().lock(), &line);
    }
}

/// Dimensions tell the functions apart by their names in AWS: two stacks of one account do not hide
/// each other's silence.
fn metrics_line(
    origin: &Origin,
    values: &[(&'static Metric, Vec<f64>)],
    reason: Option<&str>,
    now: Timestamp,
) -> Value {
    let is_ours =
        |metric: &Metric| metric.services.is_empty() || metric.services.contains(&origin.service);
    debug_assert!(
        values.iter().all(|(metric, _)| is_ours(metric)),
        "{} writes a metric that is another function's",
        origin.service
    );
    let definitions: Vec<Value> = values
        .iter()
        .map(|(metric, _)| json!({"Name": metric.name, "Unit": metric.unit.name()}))
        .collect();
    let mut dimensions = vec![vec!["function_name"]];
    let mut line = origin.fields("INFO", "metrics", now);
    line.extend(scope::fields());
    if let Some(reason) = reason {
        dimensions.push(vec!["function_name", "reason"]);
        line.insert("reason".to_owned(), reason.into());
    }
    line.extend(values.iter().map(|(metric, values)| {
        let value = match values[..] {
            [value] => json!(value),
            _ => json!(values),
        };
        (metric.name.to_owned(), value)
    }));
    line.extend(Map::from_iter([(
        "_aws".to_owned(),
        json!({
            "Timestamp": now.micros() / 1000,
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": definitions,
            }],
        }),
    )]));
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn origin() -> Origin {
        Origin {
            service: "webhook",
            function_name: "stack-Webhook-1".to_owned(),
        }
    }

    #[test]
    fn metrics_are_in_the_embedded_format() {
        let now = Timestamp::from_secs(5);
        let line = metrics_line(
            &origin(),
            &[(&NOTIFICATIONS_ACCEPTED, vec![1.0])],
            None,
            now,
        );
        assert_eq!(line["_aws"]["Timestamp"], 5000);
        let told = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(told["Dimensions"], json!([["function_name"]]));
        let definition = json!([{"Name": "notifications_accepted", "Unit": "Count"}]);
        assert_eq!(told["Metrics"], definition);
        assert_eq!(line["notifications_accepted"], 1.0);
        assert_eq!(line["function_name"], "stack-Webhook-1");
        for (field, value) in [
            ("level", "INFO"),
            ("message", "metrics"),
            ("service", "webhook"),
        ] {
            assert_eq!(line[field], value);
        }
    }

    #[test]
    fn a_reason_is_a_dimension_beside_the_sum() {
        let values = [(&NOTIFICATIONS_REFUSED, vec![1.0])];
        let now = Timestamp::from_secs(5);
        let line = metrics_line(&origin(), &values, Some("signature_wrong"), now);
        let dimensions = json!([["function_name"], ["function_name", "reason"]]);
        assert_eq!(
            line["_aws"]["CloudWatchMetrics"][0]["Dimensions"],
            dimensions
        );
        assert_eq!(line["reason"], "signature_wrong");
    }

    #[test]
    fn many_values_are_one_list() {
        let origin = Origin {
            service: "notification_worker",
            ..origin()
        };
        let values = [(&NOTIFICATION_FRESHNESS, vec![1.0, 2.5])];
        let line = metrics_line(&origin, &values, None, Timestamp::from_secs(5));
        assert_eq!(line["notification_freshness"], json!([1.0, 2.5]));
    }

    #[test]
    #[should_panic(expected = "another function's")]
    fn a_function_writes_no_metric_of_another() {
        let values = [(&LAST_RUN_FAILED, vec![1.0])];
        metrics_line(&origin(), &values, None, Timestamp::from_secs(5));
    }

    #[test]
    fn each_name_is_one_metric_and_no_field_of_a_line() {
        let names: BTreeSet<_> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len());
        let line = metrics_line(&origin(), &[], Some("why"), Timestamp::from_secs(5));
        assert!(names.iter().all(|name| line.get(name).is_none()));
    }
}

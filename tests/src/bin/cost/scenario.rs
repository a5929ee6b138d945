//! From units to a month's use and its price (pure).

use media_sync::telemetry::metrics;

use super::measure::Units;

/// A library and its events of a month.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) assets: f64,
    /// Changes that Cloudinary tells, in a month.
    pub(crate) changes: f64,
    /// Requests to the API, in a month.
    pub(crate) requests: f64,
}

/// A month's use of everything that costs something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Use {
    pub(crate) lambda_requests: f64,
    pub(crate) lambda_gb_seconds: f64,
    pub(crate) sqs_requests: f64,
    pub(crate) api_requests: f64,
    pub(crate) log_gb: f64,
    pub(crate) secret_calls: f64,
    pub(crate) disk_gb: f64,
    pub(crate) egress_gb: f64,
    /// Calls of the Admin API for one full run.
    pub(crate) full_run_calls: f64,
}

/// Library sizes of the page. A tenth of the assets changes in a month.
pub(crate) const SCENARIOS: [Scenario; 3] = [
    Scenario {
        assets: 1e4,
        changes: 1e3,
        requests: 1e5,
    },
    Scenario {
        assets: 1e6,
        changes: 1e5,
        requests: 1e6,
    },
    Scenario {
        assets: 5e7,
        changes: 5e6,
        requests: 1e7,
    },
];

/// Durations that no local stack can measure: the way to Cloudinary and to the database. Seconds.
pub(crate) mod assumed {
    pub(crate) const REQUEST: f64 = 0.15;
    pub(crate) const WEBHOOK: f64 = 0.05;
    pub(crate) const WORKER: f64 = 0.5;
    pub(crate) const DRAIN: f64 = 0.3;
    pub(crate) const PAGE: f64 = 2.0;
    /// Memory of every function, in GB.
    pub(crate) const MEMORY: f64 = 0.25;
}

const MINUTES: f64 = 30.0 * 24.0 * 60.0;
const PAGE: f64 = 500.0;
/// Each of the three mappings polls with five connections, each for 20 seconds.
const POLLS: f64 = 3.0 * 5.0 * 3.0 * MINUTES;
/// Notifications are kept for 30 days.
const KEPT_MONTHS: f64 = 1.0;
/// A copy of a function lives for two hours and reads the secret every five minutes; ten copies are alive.
const SECRET_READS: f64 = 10.0 * MINUTES / 5.0;

const GB: f64 = 1e9;

impl Scenario {
    pub(crate) fn month(&self, units: &Units) -> Use {
        let pages = (self.assets / PAGE).ceil();
        let full_run_calls = pages * units.run_admin_calls;
        // A daily run that takes longer than a day begins as often as it ends.
        let full_runs = (30.0 * 24.0 / hours(full_run_calls, 2000.0)).min(30.0);
        let run_pages = full_runs * pages;
        let drains = MINUTES;
        let seconds = self.requests * assumed::REQUEST
            + self.changes * (assumed::WEBHOOK + assumed::WORKER)
            + drains * assumed::DRAIN
            + run_pages * assumed::PAGE;
        let logs = self.requests * units.request_log_bytes
            + self.changes * units.change_log_bytes
            + drains * units.drain_log_bytes;
        let egress = self.requests * units.page_egress_bytes
            + full_runs * self.assets * units.run_egress_bytes;
        Use {
            lambda_requests: self.requests + 2.0 * self.changes + drains + run_pages / 20.0,
            lambda_gb_seconds: seconds * assumed::MEMORY,
            sqs_requests: POLLS + 3.0 * self.changes,
            api_requests: self.requests,
            log_gb: logs / GB,
            secret_calls: SECRET_READS,
            disk_gb: (self.assets * units.asset_bytes
                + KEPT_MONTHS * self.changes * units.change_bytes)
                / GB,
            egress_gb: egress / GB,
            full_run_calls,
        }
    }
}

/// The time of a full run under an hourly quota of which people keep a tenth, 50 calls at least.
pub(crate) fn hours(calls: f64, quota: f64) -> f64 {
    let usable = quota - (quota / 10.0).max(50.0);
    let pause = calls / usable;
    let work = calls * assumed::PAGE / 3600.0;
    // The first hour's calls need no wait.
    if calls <= usable {
        work
    } else {
        pause.max(work)
    }
}

/// Prices in US dollars, by the vendors' public lists, for the region us-east-1 and arm64.
pub(crate) mod price {
    pub(crate) const LAMBDA_REQUEST: f64 = 0.20e-6;
    pub(crate) const LAMBDA_GB_SECOND: f64 = 0.000_013_333_4;
    pub(crate) const SQS_REQUEST: f64 = 0.40e-6;
    pub(crate) const API_REQUEST: f64 = 1.00e-6;
    pub(crate) const LOG_GB: f64 = 0.50;
    pub(crate) const SECRET: f64 = 0.40;
    pub(crate) const SECRET_CALL: f64 = 5e-6;
    pub(crate) const ALARM: f64 = 0.10;
    pub(crate) const METRIC: f64 = 0.30;
    pub(crate) const DASHBOARD: f64 = 3.00;
    /// Supabase, Pro plan: beyond 8 GB of disk and 250 GB of egress.
    pub(crate) const DISK_GB: f64 = 0.125;
    pub(crate) const DISK_INCLUDED: f64 = 8.0;
    pub(crate) const EGRESS_GB: f64 = 0.09;
    pub(crate) const EGRESS_INCLUDED: f64 = 250.0;
}

const TEMPLATE: &str = include_str!("../../../../template.yaml");

/// The template's alarms.
pub(crate) fn alarms() -> usize {
    TEMPLATE.matches("Type: AWS::CloudWatch::Alarm").count()
}

/// Metrics of our own, one for each function that writes it; a metric by reason counts once more.
pub(crate) fn own_metrics() -> usize {
    let functions = TEMPLATE.matches("Type: AWS::Serverless::Function").count();
    let of_one = |metric: &&metrics::Metric| match metric.services.len() {
        0 => functions,
        writers => writers + usize::from(metric.by_reason),
    };
    metrics::ALL.iter().map(of_one).sum()
}

/// Alarms, metrics and the dashboard, if every metric is written in every hour.
pub(crate) fn watching_dollars() -> f64 {
    alarms() as f64 * price::ALARM + own_metrics() as f64 * price::METRIC + price::DASHBOARD
}

impl Use {
    /// Lambda, SQS, API Gateway, logs and secrets, without any free tier.
    pub(crate) fn aws_dollars(&self) -> f64 {
        self.lambda_requests * price::LAMBDA_REQUEST
            + self.lambda_gb_seconds * price::LAMBDA_GB_SECOND
            + self.sqs_requests * price::SQS_REQUEST
            + self.api_requests * price::API_REQUEST
            + self.log_gb * price::LOG_GB
            + price::SECRET
            + self.secret_calls * price::SECRET_CALL
    }

    /// Disk and egress beyond the Pro plan's allowance.
    pub(crate) fn supabase_dollars(&self) -> f64 {
        (self.disk_gb - price::DISK_INCLUDED).max(0.0) * price::DISK_GB
            + (self.egress_gb - price::EGRESS_INCLUDED).max(0.0) * price::EGRESS_GB
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_fits_into_the_hour_does_not_wait() {
        assert!(hours(20.0, 500.0) < 0.1);
        let waiting = hours(2000.0, 500.0);
        assert!((waiting - 2000.0 / 450.0).abs() < 1e-9, "{waiting}");
        assert!(hours(2000.0, 2000.0) < waiting);
    }

    #[test]
    fn alarms_and_metrics_are_counted() {
        assert!(alarms() > 20, "{}", alarms());
        assert!(own_metrics() > metrics::ALL.len(), "{}", own_metrics());
    }

    #[test]
    fn a_larger_library_uses_more_of_everything() {
        let units = Units {
            asset_bytes: 4000.0,
            change_bytes: 3000.0,
            run_egress_bytes: 900.0,
            run_database_calls: 2.0,
            run_admin_calls: 1.0,
            page_egress_bytes: 60_000.0,
            change_log_bytes: 1000.0,
            request_log_bytes: 400.0,
            drain_log_bytes: 900.0,
        };
        let months = SCENARIOS.map(|scenario| scenario.month(&units));
        for pair in months.windows(2) {
            assert!(pair[0].aws_dollars() < pair[1].aws_dollars());
            assert!(pair[0].disk_gb < pair[1].disk_gb);
            assert!(pair[0].egress_gb < pair[1].egress_gb);
        }
    }
}

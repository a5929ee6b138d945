//! The page docs/operate/cost.md.

use std::fmt::Write as _;

use super::measure::Units;
use super::scenario::{
    SCENARIOS, Scenario, Use, alarms, assumed, hours, own_metrics, price, watching_dollars,
};

pub(crate) fn render(assets: u64, units: &Units) -> String {
    let mut page = format!(
        "# Cost

For whoever pays: what a deployment uses in a month, and where the first limit lies. `make cost` measures the units on a local
stack with {} assets and writes this page.

## Units

| unit | measured |
|---|--:|
",
        number(assets as f64)
    );
    for (name, value) in measured(units) {
        let _ = writeln!(page, "| {name} | {value} |");
    }
    let _ = write!(
        page,
        "
A change is an upload told by a notification. Logs are those of the functions, at level `info`.

## A month

| | {} |
|---|{}
",
        SCENARIOS
            .map(|scenario| format!("{} assets", number(scenario.assets)))
            .join(" | "),
        "--:|".repeat(SCENARIOS.len())
    );
    let months = SCENARIOS.map(|scenario| (scenario, scenario.month(units)));
    for (name, cell) in rows() {
        let cells = months
            .each_ref()
            .map(|(scenario, month)| cell(scenario, month));
        let _ = writeln!(page, "| {name} | {} |", cells.join(" | "));
    }
    page.push_str(&footer());
    page
}

fn measured(units: &Units) -> [(&'static str, String); 9] {
    [
        (
            "disk for an asset, with indexes and its audit entry",
            bytes(units.asset_bytes),
        ),
        (
            "disk for a change: notification, audit entry, indexes",
            bytes(units.change_bytes),
        ),
        (
            "egress of the Data API for a page of 50 assets",
            bytes(units.page_egress_bytes),
        ),
        (
            "egress of the Data API for an asset that a run finds unchanged",
            bytes(units.run_egress_bytes),
        ),
        (
            "calls of the Data API for a page of 500 assets in a run",
            format!("{:.1}", units.run_database_calls),
        ),
        (
            "calls of the Admin API for a page of 500 assets in a run",
            format!("{:.2}", units.run_admin_calls),
        ),
        ("log of a change", bytes(units.change_log_bytes)),
        (
            "log of a request to the API",
            bytes(units.request_log_bytes),
        ),
        (
            "log of the drain, every minute",
            bytes(units.drain_log_bytes),
        ),
    ]
}

type Cell = fn(&Scenario, &Use) -> String;

fn rows() -> [(&'static str, Cell); 15] {
    [
        ("changes", |scenario, _| number(scenario.changes)),
        ("requests to the API", |scenario, _| {
            number(scenario.requests)
        }),
        ("Lambda invocations", |_, month| {
            number(month.lambda_requests)
        }),
        ("Lambda GB-seconds", |_, month| {
            number(month.lambda_gb_seconds)
        }),
        ("SQS requests, mostly polls", |_, month| {
            number(month.sqs_requests)
        }),
        ("logs", |_, month| gigabytes(month.log_gb)),
        ("database disk", |_, month| gigabytes(month.disk_gb)),
        ("database egress", |_, month| gigabytes(month.egress_gb)),
        ("Admin API calls of a full run", |_, month| {
            number(month.full_run_calls)
        }),
        ("full run, quota of 500 calls an hour", |_, month| {
            time(hours(month.full_run_calls, 500.0))
        }),
        ("full run, quota of 2,000 calls an hour", |_, month| {
            time(hours(month.full_run_calls, 2000.0))
        }),
        ("**AWS** without watching, without free tier", |_, month| {
            format!("${:.0}", month.aws_dollars().ceil())
        }),
        ("**watching**, at most", |_, _| {
            format!("${:.0}", watching_dollars().ceil())
        }),
        ("**Supabase**, beyond the Pro plan", |_, month| {
            format!("${:.0}", month.supabase_dollars().ceil())
        }),
        ("first limit", |scenario, month| {
            first_limit(scenario, month).to_owned()
        }),
    ]
}

/// The limit that stops a library of this size first, if nothing is changed.
fn first_limit(_: &Scenario, month: &Use) -> &'static str {
    if hours(month.full_run_calls, 2000.0) > 24.0 {
        "Admin API quota: a daily full run takes longer than a day. Set `FullReconcileSchedule` to what fits, and ask \
         Cloudinary for more calls"
    } else if hours(month.full_run_calls, 500.0) > 1.0 {
        "Admin API quota of free plans: a full run takes hours"
    } else {
        "none"
    }
}

fn footer() -> String {
    format!(
        "
**Assumed**, since no local stack can measure the way to Cloudinary and Supabase: {} ms for a request to the API, {} ms for the
webhook, {} ms for a worker's batch of one, {} ms for a drain, {} s for a page of a run; {} MB of memory. A tenth of the library
changes in a month. A full run begins every day, or as soon as the last one has ended.

**Prices** are list prices of us-east-1 and arm64, in US dollars: [Lambda](https://aws.amazon.com/lambda/pricing/) {:.2} per million
requests and {} per GB-second, [SQS](https://aws.amazon.com/sqs/pricing/) {:.2} per million requests,
[API Gateway](https://aws.amazon.com/api-gateway/pricing/) {:.2} per million,
[CloudWatch](https://aws.amazon.com/cloudwatch/pricing/) {:.2} per GB of logs, {:.2} per alarm, {:.2} per metric of our own and {:.2} per
dashboard,
[Secrets Manager](https://aws.amazon.com/secrets-manager/pricing/) {:.2} per secret;
[Supabase](https://supabase.com/docs/guides/platform/billing-on-supabase) {} per GB of disk beyond {} and {:.2} per GB of egress beyond
{}. Check the prices before you rely on them. Cloudinary's own price depends on your plan.

**Watching** is {} alarms, at most {} metrics and a dashboard. CloudWatch bills a metric for the hours in which it is written. An
account's first ten alarms, ten metrics and three dashboards are free.

**SQS polls** are the price of idling: Lambda polls each of three queues with five connections, each for 20 seconds, day and
night. AWS's free tier covers half of them.

**An outage** costs SQS requests too: a message that waits is sent anew, some six times in the first hour and four times in each later
one. A hundred thousand notifications that wait for an hour make 180,000 requests, $0.07.
",
        assumed::REQUEST * 1e3,
        assumed::WEBHOOK * 1e3,
        assumed::WORKER * 1e3,
        assumed::DRAIN * 1e3,
        assumed::PAGE,
        assumed::MEMORY * 1024.0,
        price::LAMBDA_REQUEST * 1e6,
        price::LAMBDA_GB_SECOND,
        price::SQS_REQUEST * 1e6,
        price::API_REQUEST * 1e6,
        price::LOG_GB,
        price::ALARM,
        price::METRIC,
        price::DASHBOARD,
        price::SECRET,
        price::DISK_GB,
        price::DISK_INCLUDED,
        price::EGRESS_GB,
        price::EGRESS_INCLUDED,
        alarms(),
        own_metrics(),
    )
}

/// A count with separators of thousands, to three digits.
fn number(value: f64) -> String {
    let digits = value.abs().max(1.0).log10().floor() as i32 - 2;
    let step = 10_f64.powi(digits.max(0));
    let whole = ((value / step).round() * step) as u64;
    let text = whole.to_string();
    let mut grouped = String::new();
    for (index, digit) in text.chars().enumerate() {
        if index > 0 && (text.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn bytes(value: f64) -> String {
    if value < 10_000.0 {
        format!("{} bytes", number(value))
    } else {
        format!("{:.0} kB", value / 1e3)
    }
}

fn gigabytes(value: f64) -> String {
    match value {
        value if value < 1.0 => format!("{} MB", number(value * 1e3)),
        value if value < 10.0 => format!("{value:.1} GB"),
        value => format!("{} GB", number(value)),
    }
}

fn time(hours: f64) -> String {
    match hours {
        hours if hours < 1.0 => format!("{:.0} min", (hours * 60.0).ceil()),
        hours if hours < 72.0 => format!("{hours:.1} h"),
        hours => format!("{:.1} days", hours / 24.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_to_three_digits() {
        assert_eq!(number(0.0), "0");
        assert_eq!(number(1_234_567.0), "1,230,000");
        assert_eq!(number(987.0), "987");
        assert_eq!(bytes(61_234.0), "61 kB");
        assert_eq!(gigabytes(0.0284), "28 MB");
        assert_eq!(gigabytes(1446.0), "1,450 GB");
        assert_eq!(time(0.01), "1 min");
        assert_eq!(time(100.0), "4.2 days");
    }
}

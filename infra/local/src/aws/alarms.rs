//! An alarm of the deployed stack beside its numbers. The emulator counts AWS's own; the functions write the others
//! into their logs in CloudWatch's embedded format.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Aws, Deployment};
use crate::StackError;

/// The namespace of metrics that functions write into their logs.
const OURS: &str = "media-sync";

/// The readings of an alarm.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmReading {
    /// The statistic of each of the alarm's periods in which anything was measured, the oldest first.
    pub values: Vec<f64>,
    /// True when one of them is beyond the threshold. CloudWatch rings after as many such periods as the alarm says.
    pub is_breached: bool,
}

/// A number at a moment, in seconds since 1970.
type Sample = (f64, f64);

impl Aws {
    /// Reads an alarm, by its logical id in the template, as it is deployed.
    pub(crate) async fn read_alarm(
        &self,
        deployment: &Deployment,
        alarm: &str,
    ) -> Result<AlarmReading, StackError> {
        let name = deployment.alarm(alarm);
        let target = "GraniteServiceVersion20100801.DescribeAlarms";
        let request = json!({ "AlarmNames": [name] });
        let answer = self.api.json("monitoring", target, &request).await?;
        let described = answer["MetricAlarms"].get(0);
        let described = described.ok_or_else(|| StackError::Http {
            request: target.to_owned(),
            problem: format!("there is no alarm {alarm}"),
        })?;
        let values = if described["Namespace"] == OURS {
            let function = dimension(described, "function_name").unwrap_or_default();
            let log = self.function_log(function).await?;
            by_period(described, &embedded(&log, described))
        } else {
            self.statistics(described).await?
        };
        let is_breached = values.iter().any(|value| breaches(described, *value));
        Ok(AlarmReading {
            values,
            is_breached,
        })
    }

    async fn statistics(&self, alarm: &Value) -> Result<Vec<f64>, StackError> {
        let mut request = json!({
            "Namespace": alarm["Namespace"], "MetricName": alarm["MetricName"], "Dimensions": alarm["Dimensions"],
            "Period": alarm["Period"],
        });
        let extended = alarm["ExtendedStatistic"].as_str();
        match extended {
            Some(percentile) => request["ExtendedStatistics"] = json!([percentile]),
            None => request["Statistics"] = json!([alarm["Statistic"]]),
        }
        let target = "GraniteServiceVersion20100801.GetMetricStatistics";
        let answer = self.api.json("monitoring", target, &request).await?;
        let points = answer["Datapoints"].as_array().into_iter().flatten();
        let value = |point: &Value| match extended {
            Some(percentile) => point["ExtendedStatistics"][percentile].as_f64(),
            None => point[statistic(alarm)].as_f64(),
        };
        Ok(points.filter_map(value).collect())
    }
}

fn dimension<'a>(alarm: &'a Value, name: &str) -> Option<&'a str> {
    let all = alarm["Dimensions"].as_array()?;
    all.iter().find(|one| one["Name"] == name)?["Value"].as_str()
}

fn statistic(alarm: &Value) -> &str {
    alarm["Statistic"].as_str().unwrap_or_default()
}

/// The samples of the alarm's metric in a log, if its lines offer that metric by the alarm's dimensions.
fn embedded(log: &str, alarm: &Value) -> Vec<Sample> {
    let dimensions = alarm["Dimensions"].as_array();
    let dimensions: Vec<&Value> = dimensions.into_iter().flatten().collect();
    let names: Vec<&Value> = dimensions.iter().map(|one| &one["Name"]).collect();
    let metric = alarm["MetricName"].as_str().unwrap_or_default();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut samples = Vec::new();
    for line in lines {
        let told = &line["_aws"]["CloudWatchMetrics"][0];
        let is_told = told["Namespace"] == OURS
            && members(&told["Metrics"]).any(|one| one["Name"] == metric)
            && members(&told["Dimensions"]).any(|set| members(set).eq(names.iter().copied()))
            && dimensions
                .iter()
                .all(|one| one["Name"].as_str().map(|name| &line[name]) == Some(&one["Value"]));
        if !is_told {
            continue;
        }
        let moment = line["_aws"]["Timestamp"].as_f64().unwrap_or_default() / 1000.0;
        let values = match &line[metric] {
            Value::Array(many) => many.iter().filter_map(Value::as_f64).collect(),
            one => Vec::from_iter(one.as_f64()),
        };
        samples.extend(values.into_iter().map(|value| (moment, value)));
    }
    samples
}

fn members(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// The alarm's statistic of the samples of each of its periods.
fn by_period(alarm: &Value, samples: &[Sample]) -> Vec<f64> {
    let period = alarm["Period"].as_f64().unwrap_or(60.0);
    let mut periods = BTreeMap::<i64, Vec<f64>>::new();
    for (moment, value) in samples {
        let number = (moment / period).floor() as i64;
        periods.entry(number).or_default().push(*value);
    }
    let percentile = alarm["ExtendedStatistic"].as_str();
    let of_period = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        match (percentile, statistic(alarm)) {
            (Some(percentile), _) => of_rank(percentile, &values),
            (None, "Sum") => values.iter().sum(),
            (None, "Minimum") => values[0],
            (None, "Maximum") => values[values.len() - 1],
            (None, _) => values.iter().sum::<f64>() / values.len() as f64,
        }
    };
    periods.into_values().map(of_period).collect()
}

/// The value of a rank such as `p99` among sorted ones; with few of them the largest.
fn of_rank(percentile: &str, sorted: &[f64]) -> f64 {
    let share = percentile.trim_start_matches('p').parse().unwrap_or(100.0) / 100.0;
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

fn breaches(alarm: &Value, value: f64) -> bool {
    let threshold = alarm["Threshold"].as_f64().unwrap_or(f64::NAN);
    match alarm["ComparisonOperator"].as_str().unwrap_or_default() {
        "GreaterThanThreshold" => value > threshold,
        "GreaterThanOrEqualToThreshold" => value >= threshold,
        "LessThanThreshold" => value < threshold,
        "LessThanOrEqualToThreshold" => value <= threshold,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(changes: Value) -> Value {
        let mut alarm = json!({
            "Namespace": OURS, "MetricName": "parked", "Statistic": "Sum", "Period": 300, "Threshold": 2,
            "ComparisonOperator": "GreaterThanThreshold",
            "Dimensions": [{"Name": "function_name", "Value": "worker"}],
        });
        for (name, value) in changes.as_object().unwrap() {
            alarm[name] = value.clone();
        }
        alarm
    }

    fn line(seconds: u32, function: &str, values: Value) -> String {
        let told = json!([{
            "Namespace": OURS, "Dimensions": [["function_name"]], "Metrics": [{"Name": "parked"}],
        }]);
        let aws = json!({"Timestamp": seconds * 1000, "CloudWatchMetrics": told});
        json!({"_aws": aws, "function_name": function, "parked": values}).to_string()
    }

    #[test]
    fn embedded_samples_are_those_of_metric_and_dimensions() {
        let log = [
            "START".to_owned(),
            line(1, "worker", json!(1.0)),
            line(2, "other", json!(5.0)),
            line(3, "worker", json!([2.0, 3.0])),
        ]
        .join("\n");
        let samples = [(1.0, 1.0), (3.0, 2.0), (3.0, 3.0)];
        assert_eq!(embedded(&log, &alarm(json!({}))), samples);
        assert_eq!(
            embedded(&log, &alarm(json!({"MetricName": "accepted"}))),
            []
        );
        let by_reason = json!({"Dimensions": [
            {"Name": "function_name", "Value": "worker"}, {"Name": "reason", "Value": "x"},
        ]});
        assert_eq!(embedded(&log, &alarm(by_reason)), []);
    }

    #[test]
    fn each_period_has_a_statistic_of_its_own() {
        let samples = [(299.0, 4.0), (300.0, 1.0), (301.0, 3.0), (599.0, 2.0)];
        for (changes, values) in [
            (json!({}), [4.0, 6.0]),
            (json!({"Statistic": "Maximum"}), [4.0, 3.0]),
            (json!({"Statistic": "Minimum"}), [4.0, 1.0]),
            (json!({"Statistic": "Average"}), [4.0, 2.0]),
            (json!({"ExtendedStatistic": "p99"}), [4.0, 3.0]),
            (json!({"ExtendedStatistic": "p50"}), [4.0, 2.0]),
        ] {
            assert_eq!(
                by_period(&alarm(changes.clone()), &samples),
                values,
                "{changes}"
            );
        }
    }

    #[test]
    fn value_is_compared_as_the_alarm_says() {
        for (operator, breached) in [
            ("GreaterThanThreshold", [false, false, true]),
            ("GreaterThanOrEqualToThreshold", [false, true, true]),
            ("LessThanThreshold", [true, false, false]),
            ("LessThanOrEqualToThreshold", [true, true, false]),
        ] {
            let alarm = alarm(json!({"ComparisonOperator": operator}));
            let found = [1.0, 2.0, 3.0].map(|value| breaches(&alarm, value));
            assert_eq!(found, breached, "{operator}");
        }
    }
}

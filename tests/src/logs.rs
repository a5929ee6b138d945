//! The functions' logs: their lines, and the metrics in them.

use media_sync::telemetry::metrics::{self, Metric};
use serde_json::Value;

use crate::World;

/// The lines of a function's log, without AWS's own.
pub async fn lines(world: &World, function: &str) -> Vec<Value> {
    let log = world.stack.function_log(function).await;
    let log = log.expect("the emulator answers");
    log.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// The values of a metric, oldest first, from lines that CloudWatch would take for its own.
///
/// # Panics
/// When a line with the metric is in another form.
pub async fn values(world: &World, function: &str, metric: &Metric) -> Vec<f64> {
    let mut values = Vec::new();
    for line in lines(world, function).await {
        let told = &line["_aws"]["CloudWatchMetrics"][0];
        let is_named = |definition: &Value| {
            definition["Name"] == metric.name && definition["Unit"] == metric.unit.name()
        };
        if !told["Metrics"]
            .as_array()
            .is_some_and(|all| all.iter().any(is_named))
        {
            continue;
        }
        assert_eq!(told["Namespace"], metrics::NAMESPACE);
        let sets = told["Dimensions"].as_array().expect("a list of sets");
        for dimension in sets
            .iter()
            .flat_map(|set| set.as_array().expect("a set of names"))
        {
            let value = &line[dimension.as_str().expect("a name")];
            assert!(
                value.as_str().is_some_and(|value| !value.is_empty()),
                "{line}"
            );
        }
        match &line[metric.name] {
            Value::Array(many) => values.extend(many.iter().filter_map(Value::as_f64)),
            one => values.extend(one.as_f64()),
        }
    }
    values
}

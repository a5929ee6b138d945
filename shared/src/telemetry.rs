//! Structured logs: one JSON object a line, in the words that AWS Powertools uses.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, span};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::time::Timestamp;

/// Begins logging for a function, at the level that `LOG_LEVEL` says (`info` if it does not).
/// Other crates are heard from `warn` on.
///
/// Call it once, first thing in `main`; a second call does nothing.
pub fn init(service: &'static str) {
    let level = std::env::var("LOG_LEVEL").ok();
    let level = level
        .and_then(|level| level.parse().ok())
        .unwrap_or(LevelFilter::INFO);
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        // The runtime's span, which carries the request id, is written at info.
        .with_target("lambda_runtime", LevelFilter::INFO)
        .with_target("media_sync", level)
        .with_target(service, level);
    let _ = tracing_subscriber::registry()
        .with(JsonLines::new(service, io::stdout).with_filter(filter))
        .try_init();
}

/// An error and its causes on one line, outermost first.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string)
    {
        // Some errors repeat their source's words in their own.
        if parts.last().is_none_or(|last| !last.ends_with(&part)) {
            parts.push(part);
        }
    }
    parts.join(": ")
}

/// Logs a failure, with its causes, where it is handled.
pub fn log_error(what: &str, error: &dyn std::error::Error) {
    tracing::error!(error = chain(error), "{what}");
}

/// Writes metrics of one moment in CloudWatch's embedded format, which costs no call.
///
/// Units are CloudWatch's words: `Count`, `Milliseconds`, `Bytes`, `None`. They are told apart by the
/// function's name, so that two stacks of one account do not hide each other's silence.
pub fn record_metrics(service: &str, metrics: &[(&str, &str, f64)]) {
    let function = std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
    let line = metrics_line(service, &function, metrics, Timestamp::now());
    write_line(&mut io::stdout().lock(), &line);
}

fn metrics_line(
    service: &str,
    function: &str,
    metrics: &[(&str, &str, f64)],
    now: Timestamp,
) -> Value {
    let definitions: Vec<Value> = metrics
        .iter()
        .map(|(name, unit, _)| json!({ "Name": name, "Unit": unit }))
        .collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": now.micros() / 1000,
            "CloudWatchMetrics": [{
                "Namespace": "media-sync",
                "Dimensions": [["function_name"]],
                "Metrics": definitions,
            }],
        },
        "service": service,
        "function_name": function,
    });
    for (name, _, value) in metrics {
        line[*name] = (*value).into();
    }
    line
}

/// Formats events with the fields of the spans around them.
struct JsonLines<W> {
    service: &'static str,
    writer: W,
}

impl<W, O> JsonLines<W>
where
    W: Fn() -> O + 'static,
    O: Write,
{
    fn new(service: &'static str, writer: W) -> Self {
        Self { service, writer }
    }
}

impl<S, W, O> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn() -> O + 'static,
    O: Write,
{
    fn on_new_span(
        &self,
        attributes: &span::Attributes<'_>,
        id: &span::Id,
        context: Context<'_, S>,
    ) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(|scope| scope.from_root())
        {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                fields.0.extend(of_span.0.clone());
            }
        }
        event.record(&mut fields);
        let mut line = Map::new();
        line.insert("level".into(), event.metadata().level().as_str().into());
        let message = fields
            .0
            .remove("message")
            .unwrap_or_else(|| event.metadata().name().into());
        line.insert("message".into(), message);
        line.insert("timestamp".into(), Timestamp::now().to_string().into());
        line.insert("service".into(), self.service.into());
        line.insert("location".into(), event.metadata().target().into());
        line.extend(
            fields
                .0
                .into_iter()
                .map(|(name, value)| (powertools_name(name).to_owned(), value)),
        );
        write_line(&mut (self.writer)(), &Value::Object(line));
    }
}

/// A log that cannot be written has nobody to complain to.
fn write_line(writer: &mut impl Write, line: &Value) {
    let _ = writeln!(writer, "{line}");
}

/// The runtime's span names its fields in its own way.
fn powertools_name(name: &str) -> &str {
    match name {
        "requestId" => "function_request_id",
        "xrayTraceId" => "xray_trace_id",
        other => other,
    }
}

#[derive(Default)]
struct Fields(BTreeMap<&'static str, Value>);

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.0.insert(field.name(), chain(value).into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}").into());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(log: impl FnOnce()) -> Vec<Value> {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let layer = JsonLines::new("webhook", move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn one_line_holds_message_service_and_the_request_id_of_the_span() {
        let lines = logged(|| {
            let span = tracing::info_span!("invoke", requestId = "r-1");
            let _entered = span.enter();
            tracing::info!(count = 3, "two\nlines");
        });
        assert_eq!(lines.len(), 1);
        let line = &lines[0];
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["message"], "two\nlines");
        assert_eq!(line["service"], "webhook");
        assert_eq!(line["function_request_id"], "r-1");
        assert_eq!(line["count"], 3);
        assert!(Timestamp::parse(line["timestamp"].as_str().unwrap()).is_ok());
    }

    #[test]
    fn errors_are_logged_with_every_cause_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] io::Error);
        let lines = logged(|| log_error("it failed", &Outer(io::Error::other("inner"))));
        assert_eq!(lines[0]["message"], "it failed");
        assert_eq!(lines[0]["error"], "outer: inner");
        assert_eq!(lines[0]["level"], "ERROR");
    }

    #[test]
    fn metrics_are_in_the_embedded_format() {
        let line = metrics_line(
            "webhook",
            "stack-Webhook-1",
            &[("accepted", "Count", 1.0)],
            Timestamp::from_secs(5),
        );
        assert_eq!(line["_aws"]["Timestamp"], 5000);
        assert_eq!(
            line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"],
            "accepted"
        );
        assert_eq!(line["accepted"], 1.0);
        assert_eq!(line["function_name"], "stack-Webhook-1");
    }
}

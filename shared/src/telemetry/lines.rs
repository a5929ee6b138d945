//! Formats log lines.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::sync::OnceLock;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, span};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::chain::chain;
use super::scope;
use crate::time::Timestamp;

static ORIGIN: OnceLock<Origin> = OnceLock::new();

/// The function that writes lines.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) service: &'static str,
    /// Its name in AWS, which is made for each stack.
    pub(super) function_name: String,
}

impl Origin {
    /// Notes the function that this process is.
    pub(super) fn begin(service: &'static str) -> &'static Self {
        ORIGIN.get_or_init(|| Self {
            service,
            function_name: std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default(),
        })
    }

    pub(super) fn get() -> Option<&'static Self> {
        ORIGIN.get()
    }

    /// The fields that begin every line.
    pub(super) fn fields(
        &self,
        level: &str,
        message: impl Into<Value>,
        now: Timestamp,
    ) -> Map<String, Value> {
        Map::from_iter([
            ("level".to_owned(), level.into()),
            ("message".to_owned(), message.into()),
            ("timestamp".to_owned(), now.to_string().into()),
            ("service".to_owned(), self.service.into()),
            (
                "function_name".to_owned(),
                self.function_name.as_str().into(),
            ),
        ])
    }
}

/// Formats events with the fields of the spans around them.
pub(super) struct JsonLines<W> {
    origin: &'static Origin,
    writer: W,
}

impl<W, O> JsonLines<W>
where
    W: Fn() -> O + 'static,
    O: Write,
{
    pub(super) fn new(origin: &'static Origin, writer: W) -> Self {
        Self { origin, writer }
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
        let message = fields
            .0
            .remove("message")
            .unwrap_or_else(|| event.metadata().name().into());
        let level = event.metadata().level().as_str();
        let mut line = self.origin.fields(level, message, Timestamp::now());
        line.insert("location".into(), event.metadata().target().into());
        line.extend(scope::fields());
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
pub(super) fn write_line(writer: &mut impl Write, line: &Value) {
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
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::super::log_error;
    use super::*;

    static WEBHOOK: Origin = Origin {
        service: "webhook",
        function_name: String::new(),
    };

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
        let layer = JsonLines::new(&WEBHOOK, move || writer.clone());
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
}

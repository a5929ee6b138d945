//! A message as SQS has delivered it.

use aws_lambda_events::sqs::SqsMessage;

use super::outgoing::{CORRELATION, WAITING_SINCE};
use crate::telemetry::{self, CorrelationId};
use crate::time::Timestamp;

/// The correlation id of a message; one that was sent before there were any has none.
pub fn correlation_of(record: &SqsMessage) -> Option<CorrelationId> {
    CorrelationId::parse(attribute(record, CORRELATION)?)
}

fn attribute<'a>(record: &'a SqsMessage, name: &str) -> Option<&'a str> {
    record.message_attributes.get(name)?.string_value.as_deref()
}

/// A message as SQS has delivered it.
#[derive(Debug)]
pub(super) struct ReceivedMessage {
    pub(super) record: SqsMessage,
    pub(super) correlation: Option<CorrelationId>,
}

impl ReceivedMessage {
    pub(super) fn of(record: SqsMessage) -> Self {
        Self {
            correlation: correlation_of(&record),
            record,
        }
    }

    pub(super) fn body(&self) -> &str {
        self.record.body.as_deref().unwrap_or_default()
    }

    /// The moment of its first arrival. Every copy carries it on.
    pub(super) fn waiting_since(&self) -> Timestamp {
        let carried = attribute(&self.record, WAITING_SINCE);
        let carried = carried.and_then(|text| Timestamp::parse(text).ok());
        carried
            .or_else(|| self.sent_at())
            .unwrap_or_else(Timestamp::now)
    }

    /// `SentTimestamp`, in milliseconds.
    fn sent_at(&self) -> Option<Timestamp> {
        let sent: i64 = self.record.attributes.get("SentTimestamp")?.parse().ok()?;
        Some(Timestamp::from_micros(sent.checked_mul(1_000)?))
    }

    /// Its correlation id, by its body.
    pub(super) fn carried(&self) -> Option<(String, CorrelationId)> {
        Some((self.body().to_owned(), self.correlation.clone()?))
    }

    /// Logs in the name of the message.
    pub(super) fn log(&self, log: impl FnOnce()) {
        telemetry::with_correlation(self.correlation.as_ref(), log);
    }
}

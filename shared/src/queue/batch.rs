//! A worker's batch: decode each message by itself, and tell SQS which to deliver again.

use std::fmt::Debug;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};

use super::message::{QueueMessage, decode};
use super::outgoing::{CORRELATION, WAITING_SINCE};
use super::retry::RetrySchedule;
use super::wait::{MessageFailure, MessageFate};
use crate::telemetry::{self, CorrelationId};
use crate::time::Timestamp;

/// Hands the messages of a batch to `work`, which answers with one result for each, in order.
///
/// A message that cannot be read, or whose failure may be its own fault, is named in the answer and delivered again when
/// `retry` says. In the end the dead-letter queue has it. A message that waits for something that passes by itself is
/// sent anew. The log has a line for each message, with its sender's correlation id.
pub async fn handle_batch<M: QueueMessage, T: Debug, E: MessageFailure>(
    event: SqsEvent,
    retry: &RetrySchedule,
    work: impl AsyncFnOnce(Vec<M>) -> Vec<Result<T, E>>,
) -> SqsBatchResponse {
    let mut failed = Vec::new();
    let mut readable = Vec::with_capacity(event.records.len());
    let mut messages = Vec::with_capacity(event.records.len());
    for record in event.records {
        let received = ReceivedMessage::of(record);
        match decode(received.body()) {
            Ok(message) => {
                messages.push(message);
                readable.push(received);
            }
            Err(error) => {
                received.log(|| telemetry::log_error("a message cannot be read", &error));
                failed.push((received, MessageFate::Returned));
            }
        }
    }
    if !messages.is_empty() {
        let carried = readable.iter().filter_map(ReceivedMessage::carried);
        let results = telemetry::with_messages(carried.collect(), work(messages)).await;
        for (received, result) in readable.into_iter().zip(results) {
            match result {
                Ok(outcome) => received.note(&outcome),
                Err(error) => {
                    let age = Timestamp::now().since(received.waiting_since());
                    let fate = retry.fate_of(error.prospect(), M::KEEPER, age);
                    received.note_failure(&error, fate);
                    failed.push((received, fate));
                }
            }
        }
    }
    retry.put_off(M::KIND, failed).await
}

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
    fn of(record: SqsMessage) -> Self {
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

    fn carried(&self) -> Option<(String, CorrelationId)> {
        Some((self.body().to_owned(), self.correlation.clone()?))
    }

    /// Logs in the name of the message.
    pub(super) fn log(&self, log: impl FnOnce()) {
        telemetry::with_correlation(self.correlation.as_ref(), log);
    }

    fn note(&self, outcome: &impl Debug) {
        let message_id = self.record.message_id.as_deref().unwrap_or_default();
        self.log(|| tracing::info!(message_id, ?outcome, "a message was handled"));
    }

    fn note_failure(&self, error: &impl MessageFailure, fate: MessageFate) {
        self.log(|| match fate {
            MessageFate::Returned => {
                telemetry::log_error("a message goes back to its queue", error);
            }
            MessageFate::SentAnew(_) => telemetry::log_error("a message waits", error),
            MessageFate::LeftToItsRow => {
                telemetry::log_error("a message ends, and its row sends another", error);
            }
        });
    }
}

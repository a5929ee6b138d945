//! A worker's batch: decode each message by itself, and tell SQS which to deliver again.

use std::fmt::Debug;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};

use super::message::{QueueMessage, decode};
use super::received::ReceivedMessage;
use super::retry::RetrySchedule;
use super::wait::{MessageFailure, MessageFate};
use crate::telemetry;
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
                Ok(outcome) => note(&received, &outcome),
                Err(error) => {
                    let age = Timestamp::now().since(received.waiting_since());
                    let fate = retry.fate_of(error.prospect(), M::KEEPER, age);
                    note_failure(&received, &error, fate);
                    failed.push((received, fate));
                }
            }
        }
    }
    retry.put_off(M::KIND, failed).await
}

fn note(received: &ReceivedMessage, outcome: &impl Debug) {
    let message_id = received.record.message_id.as_deref().unwrap_or_default();
    received.log(|| tracing::info!(message_id, ?outcome, "a message was handled"));
}

fn note_failure(received: &ReceivedMessage, error: &impl MessageFailure, fate: MessageFate) {
    received.log(|| match fate {
        MessageFate::Returned => {
            telemetry::log_error("a message goes back to its queue", error);
        }
        MessageFate::SentAnew(_) => telemetry::log_error("a message waits", error),
        MessageFate::LeftToItsRow => {
            telemetry::log_error("a message ends, and its row sends another", error);
        }
    });
}

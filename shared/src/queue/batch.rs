//! A worker's batch: decode each message by itself, and tell SQS which to deliver again.

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Debug;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};

use super::message::{QueueMessage, decode};
use super::retry::RetrySchedule;
use super::send::CORRELATION;
use crate::telemetry::{self, CorrelationId, metrics};

/// Hands the messages of a batch to `work`, which answers with one result for each, in order.
/// Messages that failed or cannot be read are named in the answer and delivered again when `retry`
/// says. In the end the dead-letter queue has them. No other message is delivered again. The log
/// has a line for each message, with its sender's correlation id.
pub async fn handle_batch<M: QueueMessage, T: Debug, E: Error>(
    event: SqsEvent,
    retry: &RetrySchedule,
    work: impl AsyncFnOnce(Vec<M>) -> Vec<Result<T, E>>,
) -> SqsBatchResponse {
    let mut failed = Failed::default();
    let mut readable = Vec::with_capacity(event.records.len());
    let mut messages = Vec::with_capacity(event.records.len());
    let mut carried = HashMap::new();
    for mut record in event.records {
        let body = record.body.take().unwrap_or_default();
        let correlation = correlation_of(&record);
        match decode(&body) {
            Ok(message) => {
                messages.push(message);
                carried.extend(correlation.clone().map(|id| (body, id)));
                readable.push((record, correlation));
            }
            Err(error) => {
                telemetry::with_correlation(correlation.as_ref(), || {
                    telemetry::log_error("a message cannot be read", &error);
                });
                failed.add(record);
            }
        }
    }
    if !messages.is_empty() {
        let results = telemetry::with_messages(carried, work(messages)).await;
        for ((record, correlation), result) in readable.into_iter().zip(results) {
            telemetry::with_correlation(correlation.as_ref(), || note(&record, &result));
            if result.is_err() {
                failed.add(record);
            }
        }
    }
    if !failed.receipts.is_empty() {
        let returned = failed.receipts.len() as f64;
        metrics::record(&[(&metrics::MESSAGES_RETURNED, returned)]);
    }
    retry.postpone(&failed.receipts).await;
    failed.response
}

fn note<T: Debug, E: Error>(record: &SqsMessage, result: &Result<T, E>) {
    let message_id = record.message_id.as_deref().unwrap_or_default();
    match result {
        Ok(outcome) => tracing::info!(message_id, ?outcome, "a message was handled"),
        Err(error) => telemetry::log_error("a message goes back to its queue", error),
    }
}

/// The correlation id of a message; one that was sent before there were any has none.
pub fn correlation_of(record: &SqsMessage) -> Option<CorrelationId> {
    let attribute = record.message_attributes.get(CORRELATION)?;
    CorrelationId::parse(attribute.string_value.as_deref()?)
}

/// The messages that go back, by both of their names.
#[derive(Default)]
struct Failed {
    response: SqsBatchResponse,
    receipts: Vec<String>,
}

impl Failed {
    fn add(&mut self, record: SqsMessage) {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = record.message_id.unwrap_or_default();
        self.response.batch_item_failures.push(failure);
        self.receipts.extend(record.receipt_handle);
    }
}

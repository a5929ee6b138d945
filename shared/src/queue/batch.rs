//! A worker's batch: decode each message by itself, and tell SQS which to deliver again.

use std::error::Error;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};

use super::message::{Message, decode};
use super::retry::Retry;
use crate::telemetry;

/// Hands the messages of a batch to `work`, which answers with one result for each, in order.
/// Messages that failed or cannot be read are named in the answer and delivered again, when `retry`
/// says, and in the end put aside in the dead-letter queue; nothing else is.
pub async fn handle_batch<M: Message, T, E: Error>(
    event: SqsEvent,
    retry: &Retry,
    work: impl AsyncFnOnce(Vec<M>) -> Vec<Result<T, E>>,
) -> SqsBatchResponse {
    let mut failed = Failed::default();
    let mut readable = Vec::with_capacity(event.records.len());
    let mut messages = Vec::with_capacity(event.records.len());
    for record in event.records {
        match decode(record.body.as_deref().unwrap_or_default()) {
            Ok(message) => {
                readable.push(record);
                messages.push(message);
            }
            Err(error) => {
                telemetry::log_error("a message cannot be read", &error);
                failed.add(record);
            }
        }
    }
    if !messages.is_empty() {
        for (record, result) in readable.into_iter().zip(work(messages).await) {
            if let Err(error) = result {
                telemetry::log_error("a message goes back to its queue", &error);
                failed.add(record);
            }
        }
    }
    retry.postpone(&failed.receipts).await;
    failed.response
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

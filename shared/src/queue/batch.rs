//! A worker's batch: decode each message by itself, and tell SQS which to deliver again.

use std::error::Error;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};

use super::message::{Message, decode};
use crate::telemetry;

/// Hands the messages of a batch to `work`, which answers with one result for each, in order.
/// What failed, or cannot be read, is named in the answer and so delivered again, and in the end
/// put aside in the dead-letter queue; nothing else is.
pub async fn handle_batch<M: Message, T, E: Error>(
    event: SqsEvent,
    work: impl AsyncFnOnce(Vec<M>) -> Vec<Result<T, E>>,
) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    let mut ids = Vec::with_capacity(event.records.len());
    let mut messages = Vec::with_capacity(event.records.len());
    for record in event.records {
        let id = record.message_id.unwrap_or_default();
        match decode(record.body.as_deref().unwrap_or_default()) {
            Ok(message) => {
                ids.push(id);
                messages.push(message);
            }
            Err(error) => {
                telemetry::log_error("a message cannot be read", &error);
                response.batch_item_failures.push(failure(id));
            }
        }
    }
    if messages.is_empty() {
        return response;
    }
    for (id, result) in ids.into_iter().zip(work(messages).await) {
        if let Err(error) = result {
            telemetry::log_error("a message goes back to its queue", &error);
            response.batch_item_failures.push(failure(id));
        }
    }
    response
}

fn failure(message_id: String) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = message_id;
    failure
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::super::{ContinueReconcile, encode};
    use super::*;

    #[tokio::test]
    async fn only_failed_and_unreadable_messages_come_back() {
        let body = encode(&ContinueReconcile {
            run_id: Uuid::nil(),
        });
        let event: SqsEvent = serde_json::from_value(json!({"Records": [
            {"messageId": "good", "body": body},
            {"messageId": "unreadable", "body": "{}"},
            {"messageId": "failing", "body": body},
        ]}))
        .unwrap();
        let response = handle_batch(event, async |messages: Vec<ContinueReconcile>| {
            assert_eq!(messages.len(), 2);
            vec![Ok(()), Err(std::io::Error::other("why"))]
        })
        .await;
        let failed: Vec<_> = response
            .batch_item_failures
            .iter()
            .map(|f| f.item_identifier.as_str())
            .collect();
        assert_eq!(failed, ["unreadable", "failing"]);
    }
}

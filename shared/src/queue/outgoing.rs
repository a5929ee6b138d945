//! Messages on their way into a queue, in batches that SQS takes (pure).

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};

use crate::telemetry::{self, CorrelationId};
use crate::time::Timestamp;

/// The most messages that SQS takes in one batch.
pub(super) const BATCH: usize = 10;

/// The most bytes that SQS takes in one message, and in all messages of a batch together.
pub(super) const MAX_BYTES: usize = 1024 * 1024;

/// The message attribute that carries the correlation id. It is no part of the body, so that a worker
/// of another version reads the body as ever.
pub(super) const CORRELATION: &str = "correlation_id";

/// The message attribute that carries the moment of the first arrival, in messages that were sent anew.
pub(super) const WAITING_SINCE: &str = "waiting_since";

/// The most bytes that SQS counts for both attributes: their names, types and values.
const ATTRIBUTE_BYTES: usize = 192;

/// The longest time for which SQS holds a message back.
pub const MAX_DELAY: Duration = Duration::from_secs(900);

/// A message on its way into the queue.
#[derive(Debug, Clone)]
pub(super) struct OutgoingMessage {
    /// Its place among those that are sent together.
    pub(super) index: usize,
    pub(super) body: String,
    pub(super) delay: Duration,
    pub(super) correlation: Option<CorrelationId>,
    pub(super) waiting_since: Option<Timestamp>,
}

impl OutgoingMessage {
    /// A message that is delivered at once.
    pub(super) fn now(index: usize, body: String) -> Self {
        Self {
            index,
            delay: Duration::ZERO,
            correlation: telemetry::correlation_of(&body),
            waiting_since: None,
            body,
        }
    }

    pub(super) fn entry(self) -> SendMessageBatchRequestEntry {
        SendMessageBatchRequestEntry::builder()
            .id(self.index.to_string())
            .set_message_attributes(attributes(self.correlation, self.waiting_since))
            .set_delay_seconds(delay_seconds(self.delay))
            .message_body(self.body)
            .build()
            .expect("id and body are set")
    }
}

/// Cuts messages into batches that SQS takes.
pub(super) fn plan_batches(messages: Vec<OutgoingMessage>) -> Vec<Vec<OutgoingMessage>> {
    let mut batches: Vec<Vec<OutgoingMessage>> = Vec::new();
    let mut bytes = 0;
    for message in messages {
        let size = size(message.body.len());
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH && bytes + size <= MAX_BYTES => {
                bytes += size;
                batch.push(message);
            }
            _ => {
                bytes = size;
                batches.push(vec![message]);
            }
        }
    }
    batches
}

/// The bytes that SQS counts for a message whose body has so many.
pub(super) const fn size(body_bytes: usize) -> usize {
    body_bytes + ATTRIBUTE_BYTES
}

/// The attributes of a message; none where there is nothing to say.
pub(super) fn attributes(
    correlation: Option<CorrelationId>,
    waiting_since: Option<Timestamp>,
) -> Option<HashMap<String, MessageAttributeValue>> {
    let texts = [
        (CORRELATION, correlation.map(|id| id.to_string())),
        (WAITING_SINCE, waiting_since.map(|since| since.to_string())),
    ];
    let values = texts.into_iter().filter_map(|(name, text)| {
        let value = MessageAttributeValue::builder()
            .data_type("String")
            .string_value(text?)
            .build()
            .expect("the type is set");
        Some((name.to_owned(), value))
    });
    let attributes: HashMap<_, _> = values.collect();
    (!attributes.is_empty()).then_some(attributes)
}

/// The delay in SQS's whole seconds.
pub(super) fn delay_seconds(delay: Duration) -> Option<i32> {
    let seconds = delay.min(MAX_DELAY).as_secs_f64().ceil();
    // at most 900
    (seconds > 0.0).then_some(seconds as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn delays_are_whole_seconds_up_to_fifteen_minutes() {
        assert_eq!(delay_seconds(Duration::ZERO), None);
        assert_eq!(delay_seconds(Duration::from_millis(1200)), Some(2));
        assert_eq!(delay_seconds(Duration::from_secs(5000)), Some(900));
    }

    proptest! {
        // Each case moves megabytes.
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn batches_keep_every_body_in_order_within_the_limits(
            sizes in prop::collection::vec(0usize..600_000, 0..40)
        ) {
            let bodies: Vec<_> = sizes.iter().map(|size| "x".repeat(*size)).collect();
            let messages = bodies.iter().cloned().enumerate();
            let messages = messages.map(|(index, body)| OutgoingMessage::now(index, body));
            let batches = plan_batches(messages.collect());
            for batch in &batches {
                prop_assert!((1..=BATCH).contains(&batch.len()));
                let bytes = batch.iter().map(|message| size(message.body.len())).sum::<usize>();
                prop_assert!(bytes <= MAX_BYTES);
            }
            let sent: Vec<_> = batches.concat().into_iter().map(|message| message.body).collect();
            prop_assert_eq!(sent, bodies);
        }
    }
}

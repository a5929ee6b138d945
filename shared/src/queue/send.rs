//! Sends messages to an SQS queue, one by one or in batches.

use std::collections::HashMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};

use super::message::{QueueMessage, encode};
use crate::deadline::Deadline;
use crate::telemetry;

/// The most messages that SQS takes in one batch.
pub(super) const BATCH: usize = 10;

/// The most bytes that SQS takes in one message, and in all messages of a batch together.
const MAX_BYTES: usize = 1024 * 1024;

/// The message attribute that carries the correlation id. It is no part of the body, so that a worker
/// of another version reads the body as ever.
pub(super) const CORRELATION: &str = "correlation_id";

/// The most bytes that SQS counts for that attribute: its name, its type and its value.
const ATTRIBUTE_BYTES: usize = 128;

/// The longest time for which SQS holds a message back.
pub const MAX_DELAY: Duration = Duration::from_secs(900);

/// One queue.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    pub(super) client: Client,
    pub(super) url: String,
    deadline: Deadline,
}

/// A message that SQS does not have.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("could not send a {kind} message")]
    Call {
        kind: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("could not send a {kind} message: no time was left")]
    OutOfTime { kind: &'static str },
    #[error("could not send a {kind} message: SQS refused it as {code}")]
    Refused {
        kind: &'static str,
        code: String,
        /// The message's fault rather than the queue's.
        sender_fault: bool,
    },
    #[error("could not send a {kind} message of {bytes} bytes: SQS takes 1 MiB")]
    TooLarge { kind: &'static str, bytes: usize },
}

impl SendError {
    /// Tells whether the same message may be taken later. A queue that is missing or forbidden
    /// counts: an operator mends it, and the message is as good as ever.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Call { .. } | Self::OutOfTime { .. } => true,
            Self::Refused { sender_fault, .. } => !*sender_fault,
            Self::TooLarge { .. } => false,
        }
    }
}

/// The outcome of [`SqsQueue::send_batch`].
#[derive(Debug, Default)]
pub struct BatchOutcome {
    /// The number of messages that SQS has.
    pub sent: usize,
    /// Which, by their place in the slice, it does not have.
    pub failed: Vec<(usize, SendError)>,
}

impl SqsQueue {
    /// The queue at `url`, reached as the function's environment says.
    pub fn connect(aws: &SdkConfig, url: impl Into<String>) -> Self {
        Self::new(Client::new(aws), url)
    }

    /// The queue at `url`, through a client that several queues share.
    pub fn new(client: Client, url: impl Into<String>) -> Self {
        Self {
            client,
            url: url.into(),
            deadline: Deadline::NEVER,
        }
    }

    /// The same queue, given up on at this moment.
    #[must_use]
    pub fn until(&self, deadline: Deadline) -> Self {
        Self {
            deadline,
            ..self.clone()
        }
    }

    /// Sends one message. When this returns, SQS has it.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send<M: QueueMessage>(&self, message: &M) -> Result<(), SendError> {
        self.send_after(message, Duration::ZERO).await
    }

    /// Sends one message that is delivered after a while, 15 minutes at most.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send_after<M: QueueMessage>(
        &self,
        message: &M,
        delay: Duration,
    ) -> Result<(), SendError> {
        let body = encode(message);
        check_size::<M>(body.len())?;
        let call = self
            .client
            .send_message()
            .queue_url(&self.url)
            .set_message_attributes(attributes(&body))
            .message_body(body)
            .set_delay_seconds(delay_seconds(delay));
        let sent = self.deadline.limit(call.send()).await;
        let sent = sent.ok_or(SendError::OutOfTime { kind: M::KIND })?;
        sent.map(drop).map_err(call_error::<M, _>)
    }

    /// Sends many messages, ten at a time, and reports each that SQS does not have.
    pub async fn send_batch<M: QueueMessage>(&self, messages: &[M]) -> BatchOutcome {
        let mut outcome = BatchOutcome::default();
        let mut bodies = Vec::with_capacity(messages.len());
        for (index, message) in messages.iter().enumerate() {
            let body = encode(message);
            match check_size::<M>(body.len()) {
                Ok(()) => bodies.push((index, body)),
                Err(error) => outcome.failed.push((index, error)),
            }
        }
        for batch in plan_batches(bodies) {
            self.send_one_batch::<M>(batch, &mut outcome).await;
        }
        outcome.failed.sort_by_key(|(index, _)| *index);
        outcome
    }

    async fn send_one_batch<M: QueueMessage>(
        &self,
        batch: Vec<(usize, String)>,
        outcome: &mut BatchOutcome,
    ) {
        let indexes: Vec<usize> = batch.iter().map(|(index, _)| *index).collect();
        let entries = batch
            .into_iter()
            .map(|(index, body)| {
                SendMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .set_message_attributes(attributes(&body))
                    .message_body(body)
                    .build()
                    .expect("id and body are set")
            })
            .collect();
        let call = self
            .client
            .send_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries));
        let answer = match self.deadline.limit(call.send()).await {
            Some(Ok(answer)) => answer,
            None => {
                let late = indexes.into_iter();
                let late = late.map(|index| (index, SendError::OutOfTime { kind: M::KIND }));
                outcome.failed.extend(late);
                return;
            }
            Some(Err(error)) => {
                let reason = chain(&error);
                let failures = indexes.into_iter().map(|index| {
                    let error = SendError::Call {
                        kind: M::KIND,
                        source: reason.clone().into(),
                    };
                    (index, error)
                });
                outcome.failed.extend(failures);
                return;
            }
        };
        outcome.sent += answer.successful().len();
        // What the answer does not confirm is not sent, whatever else it says.
        let confirmed: Vec<&str> = answer.successful().iter().map(|entry| entry.id()).collect();
        for index in indexes {
            let id = index.to_string();
            if confirmed.contains(&id.as_str()) {
                continue;
            }
            let refusal = answer.failed().iter().find(|entry| entry.id() == id);
            let error = SendError::Refused {
                kind: M::KIND,
                code: refusal
                    .map_or("unconfirmed", |entry| entry.code())
                    .to_owned(),
                sender_fault: refusal.is_some_and(|entry| entry.sender_fault()),
            };
            outcome.failed.push((index, error));
        }
    }
}

/// Cuts bodies into batches that SQS takes.
fn plan_batches(bodies: Vec<(usize, String)>) -> Vec<Vec<(usize, String)>> {
    let mut batches: Vec<Vec<(usize, String)>> = Vec::new();
    let mut bytes = 0;
    for (index, body) in bodies {
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH && bytes + size(&body) <= MAX_BYTES => {
                bytes += size(&body);
                batch.push((index, body));
            }
            _ => {
                bytes = size(&body);
                batches.push(vec![(index, body)]);
            }
        }
    }
    batches
}

/// The bytes that SQS counts for a message.
fn size(body: &str) -> usize {
    body.len() + ATTRIBUTE_BYTES
}

/// The invocation's correlation id, or that of the message in hand which is sent again.
fn attributes(body: &str) -> Option<HashMap<String, MessageAttributeValue>> {
    let id = telemetry::correlation_of(body)?;
    let value = MessageAttributeValue::builder()
        .data_type("String")
        .string_value(id.as_str())
        .build()
        .expect("the type is set");
    Some(HashMap::from([(CORRELATION.to_owned(), value)]))
}

fn check_size<M: QueueMessage>(bytes: usize) -> Result<(), SendError> {
    if bytes + ATTRIBUTE_BYTES > MAX_BYTES {
        return Err(SendError::TooLarge {
            kind: M::KIND,
            bytes,
        });
    }
    Ok(())
}

fn delay_seconds(delay: Duration) -> Option<i32> {
    let seconds = delay.min(MAX_DELAY).as_secs_f64().ceil();
    // at most 900
    (seconds > 0.0).then_some(seconds as i32)
}

fn call_error<M: QueueMessage, E>(error: SdkError<E>) -> SendError
where
    E: std::error::Error + Send + Sync + 'static,
{
    SendError::Call {
        kind: M::KIND,
        source: chain(&error).into(),
    }
}

/// The error and its causes on one line; the SDK's own words alone are `service error`.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
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
            let bodies: Vec<_> = sizes.iter().map(|size| "x".repeat(*size)).enumerate().collect();
            let batches = plan_batches(bodies.clone());
            for batch in &batches {
                prop_assert!((1..=BATCH).contains(&batch.len()));
                prop_assert!(batch.iter().map(|(_, body)| size(body)).sum::<usize>() <= MAX_BYTES);
            }
            prop_assert_eq!(batches.concat(), bodies);
        }
    }
}

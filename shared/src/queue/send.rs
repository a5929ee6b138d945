//! Sends messages to an SQS queue, one by one or in batches.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::SdkError;
use futures::future::join_all;
use futures::stream::{self, StreamExt};

use super::message::{QueueMessage, encode};
use super::outgoing::{MAX_BYTES, OutgoingMessage, attributes, delay_seconds, plan_batches, size};
use crate::deadline::Deadline;
use crate::telemetry;

/// Calls at once, of those that send many messages.
const CONCURRENT_CALLS: usize = 8;

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
        // The invocation's correlation id, or that of the message in hand which is sent again.
        let attributes = attributes(telemetry::correlation_of(&body), None);
        let call = self
            .client
            .send_message()
            .queue_url(&self.url)
            .set_message_attributes(attributes)
            .message_body(body)
            .set_delay_seconds(delay_seconds(delay));
        let sent = self.deadline.limit(call.send()).await;
        let sent = sent.ok_or(SendError::OutOfTime { kind: M::KIND })?;
        sent.map(drop).map_err(call_error::<M, _>)
    }

    /// Sends many messages, ten at a time, and reports each that SQS does not have.
    pub async fn send_batch<M: QueueMessage>(&self, messages: &[M]) -> BatchOutcome {
        let mut outcome = BatchOutcome::default();
        let mut outgoing = Vec::with_capacity(messages.len());
        for (index, message) in messages.iter().enumerate() {
            let body = encode(message);
            match check_size::<M>(body.len()) {
                Ok(()) => outgoing.push(OutgoingMessage::now(index, body)),
                Err(error) => outcome.failed.push((index, error)),
            }
        }
        let calls = plan_batches(outgoing).into_iter();
        let calls = calls.map(|batch| self.send_one_batch(M::KIND, batch));
        let mut answers = stream::iter(calls).buffered(CONCURRENT_CALLS);
        while let Some(part) = answers.next().await {
            outcome.add(part);
        }
        outcome.failed.sort_by_key(|(index, _)| *index);
        outcome
    }

    /// Sends messages of one kind that were received, ten at a time and all at once.
    pub(super) async fn send_anew(
        &self,
        kind: &'static str,
        messages: Vec<OutgoingMessage>,
    ) -> BatchOutcome {
        let calls = plan_batches(messages).into_iter();
        let calls = calls.map(|batch| self.send_one_batch(kind, batch));
        let mut outcome = BatchOutcome::default();
        for part in join_all(calls).await {
            outcome.add(part);
        }
        outcome
    }

    async fn send_one_batch(
        &self,
        kind: &'static str,
        batch: Vec<OutgoingMessage>,
    ) -> BatchOutcome {
        let indexes: Vec<usize> = batch.iter().map(|message| message.index).collect();
        let entries = batch.into_iter().map(OutgoingMessage::entry).collect();
        let call = self
            .client
            .send_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries));
        let answer = match self.deadline.limit(call.send()).await {
            Some(Ok(answer)) => answer,
            None => return BatchOutcome::of_none(indexes, || SendError::OutOfTime { kind }),
            Some(Err(error)) => {
                let reason = chain(&error);
                return BatchOutcome::of_none(indexes, || SendError::Call {
                    kind,
                    source: reason.clone().into(),
                });
            }
        };
        let mut outcome = BatchOutcome {
            sent: answer.successful().len(),
            failed: Vec::new(),
        };
        // What the answer does not confirm is not sent, whatever else it says.
        let confirmed: Vec<&str> = answer.successful().iter().map(|entry| entry.id()).collect();
        for index in indexes {
            let id = index.to_string();
            if confirmed.contains(&id.as_str()) {
                continue;
            }
            let refusal = answer.failed().iter().find(|entry| entry.id() == id);
            let error = SendError::Refused {
                kind,
                code: refusal
                    .map_or("unconfirmed", |entry| entry.code())
                    .to_owned(),
                sender_fault: refusal.is_some_and(|entry| entry.sender_fault()),
            };
            outcome.failed.push((index, error));
        }
        outcome
    }
}

impl BatchOutcome {
    /// Nothing was sent.
    fn of_none(indexes: Vec<usize>, error: impl Fn() -> SendError) -> Self {
        let failed = indexes.into_iter().map(|index| (index, error()));
        Self {
            sent: 0,
            failed: failed.collect(),
        }
    }

    fn add(&mut self, part: Self) {
        self.sent += part.sent;
        self.failed.extend(part.failed);
    }
}

fn check_size<M: QueueMessage>(bytes: usize) -> Result<(), SendError> {
    if size(bytes) > MAX_BYTES {
        return Err(SendError::TooLarge {
            kind: M::KIND,
            bytes,
        });
    }
    Ok(())
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

//! Sends given-up messages to their queue again, ten at a time. A message is deleted only when SQS has confirmed its
//! copy, so an end at any moment loses none.

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message};
use futures::future::join_all;
use serde::Serialize;

use super::sample::MessageSample;
use super::send::chain;

/// The most messages that SQS hands out at once.
const BATCH: i32 = 10;

/// The time for which a message that was taken is hidden from others: longer than its sending may take.
const HIDDEN_SECONDS: i32 = 60;

/// The wait for messages. A wait makes SQS ask all of its servers.
const WAIT_SECONDS: i32 = 1;

/// The dead letters of one queue.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    client: Client,
    source: String,
    address: String,
}

/// The work done.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MovedMessages {
    /// Sent again and confirmed.
    pub sent: usize,
    /// Of those, still in the dead-letter queue as well, since their deletion failed.
    pub kept: usize,
}

/// A call that SQS did not carry out.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    #[error("{doing} failed: {code} {message}")]
    Refused {
        doing: &'static str,
        code: String,
        message: String,
    },
    #[error("{doing} failed: {causes}")]
    Unanswered { doing: &'static str, causes: String },
}

/// A batch that was taken.
#[derive(Debug)]
pub struct MovedBatch {
    /// None were taken, so none are left that are not hidden.
    pub was_empty: bool,
    /// The messages moved.
    pub moved: MovedMessages,
    /// The first failure. The other messages of the batch are moved all the same.
    pub failure: Option<DeadLetterError>,
}

impl MovedMessages {
    /// The work of both.
    #[must_use]
    pub const fn and(self, more: Self) -> Self {
        Self {
            sent: self.sent + more.sent,
            kept: self.kept + more.kept,
        }
    }
}

impl DeadLetters {
    /// Those at `address`, given up by the queue at `source`.
    pub const fn new(client: Client, source: String, address: String) -> Self {
        Self {
            client,
            source,
            address,
        }
    }

    /// As [`DeadLetters::new`], reached as the function's environment says.
    pub fn connect(aws: &SdkConfig, source: String, address: String) -> Self {
        Self::new(Client::new(aws), source, address)
    }

    /// The address of the dead-letter queue.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Looks at some messages without taking them.
    ///
    /// # Errors
    /// When SQS does not answer or refuses.
    pub async fn samples(&self) -> Result<Vec<MessageSample>, DeadLetterError> {
        let mut messages = self.receive(0).await?;
        messages.sort_by(|a, b| a.message_id().cmp(&b.message_id()));
        messages.dedup_by(|a, b| a.message_id() == b.message_id());
        let bodies = messages.iter().filter_map(Message::body);
        Ok(bodies.map(MessageSample::of).collect())
    }

    /// Moves the next messages.
    ///
    /// # Errors
    /// When SQS hands out none: it does not answer or refuses.
    pub async fn move_batch(&self) -> Result<MovedBatch, DeadLetterError> {
        let batch = self.receive(HIDDEN_SECONDS).await?;
        let results = join_all(batch.iter().map(|message| self.send(message))).await;
        let mut confirmed = Vec::new();
        let mut failure = None;
        for (message, result) in batch.iter().zip(results) {
            match result {
                Ok(()) => confirmed.push(message),
                Err(error) => {
                    failure.get_or_insert(error);
                    self.give_back(message).await;
                }
            }
        }
        let kept = match self.delete(&confirmed).await {
            Ok(kept) => kept,
            Err(error) => {
                failure.get_or_insert(error);
                confirmed.len()
            }
        };
        Ok(MovedBatch {
            was_empty: batch.is_empty(),
            moved: MovedMessages {
                sent: confirmed.len(),
                kept,
            },
            failure,
        })
    }

    async fn receive(&self, hidden_seconds: i32) -> Result<Vec<Message>, DeadLetterError> {
        let answer = self
            .client
            .receive_message()
            .queue_url(&self.address)
            .max_number_of_messages(BATCH)
            .visibility_timeout(hidden_seconds)
            .wait_time_seconds(WAIT_SECONDS)
            .message_attribute_names("All")
            .send()
            .await
            .map_err(|error| DeadLetterError::of("reading the dead-letter queue", &error))?;
        Ok(answer.messages.unwrap_or_default())
    }

    /// As it is, attributes included.
    async fn send(&self, message: &Message) -> Result<(), DeadLetterError> {
        self.client
            .send_message()
            .queue_url(&self.source)
            .message_body(message.body().unwrap_or_default())
            .set_message_attributes(message.message_attributes.clone())
            .send()
            .await
            .map(drop)
            .map_err(|error| DeadLetterError::of("sending a message again", &error))
    }

    /// Returns how many stayed.
    async fn delete(&self, messages: &[&Message]) -> Result<usize, DeadLetterError> {
        let entry = |(place, message): (usize, &&Message)| {
            DeleteMessageBatchRequestEntry::builder()
                .id(place.to_string())
                .receipt_handle(message.receipt_handle().unwrap_or_default())
                .build()
                .expect("id and receipt are set")
        };
        if messages.is_empty() {
            return Ok(0);
        }
        let entries = messages.iter().enumerate().map(entry).collect();
        let answer = self
            .client
            .delete_message_batch()
            .queue_url(&self.address)
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|error| {
                let doing = "removing the sent messages from the dead-letter queue";
                DeadLetterError::of(doing, &error)
            })?;
        Ok(answer.failed().len())
    }

    /// Where this fails the message is hidden for a minute longer.
    async fn give_back(&self, message: &Message) {
        let _ = self
            .client
            .change_message_visibility()
            .queue_url(&self.address)
            .receipt_handle(message.receipt_handle().unwrap_or_default())
            .visibility_timeout(0)
            .send()
            .await;
    }
}

impl DeadLetterError {
    fn of<E, R>(doing: &'static str, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug,
    {
        match error {
            SdkError::ServiceError(_) => Self::Refused {
                doing,
                code: error.code().unwrap_or("Unknown").to_owned(),
                message: error.message().unwrap_or_default().to_owned(),
            },
            _ => Self::Unanswered {
                doing,
                causes: chain(error),
            },
        }
    }
}

//! Sends given-up messages to their queue again. A message is deleted only when SQS has confirmed its copy, so an end
//! at any moment loses none.

mod sample;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message};
use futures::future::join_all;

pub use self::sample::MessageSample;
use crate::aws::error::failure;
use crate::failure::Failure;

/// The most messages that SQS hands out at once.
const BATCH: i32 = 10;

/// The time for which a message that was taken is hidden from others: longer than its sending may take.
const HIDDEN_SECONDS: i32 = 60;

/// The wait for messages. A wait makes SQS ask all of its servers.
const WAIT_SECONDS: i32 = 1;

/// The longest time for one call, the wait included.
const LIMIT: Duration = Duration::from_secs(20);

/// From where to where.
#[derive(Debug, Clone)]
pub struct Redrive {
    client: Client,
    source: String,
    dead_letters: String,
}

/// The work done.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct MovedMessages {
    /// Sent again and confirmed.
    pub sent: usize,
    /// Of those, still in the dead-letter queue as well, since their deletion failed.
    pub kept: usize,
}

/// A redrive that broke off. Messages sent until then stay sent.
#[derive(Debug)]
pub struct BrokenRedrive {
    /// The work done before.
    pub moved: MovedMessages,
    /// The reason.
    pub failure: Failure,
}

/// A wish to end, which is heard between two batches.
#[derive(Debug, Clone, Default)]
pub struct StopSignal(Arc<AtomicBool>);

impl StopSignal {
    /// Ends after the batch that is under way.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// True when somebody has asked.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Redrive {
    /// Between the queues at these addresses.
    pub fn new(aws: &aws_config::SdkConfig, source: String, dead_letters: String) -> Self {
        let timeouts = aws_config::timeout::TimeoutConfig::builder()
            .operation_attempt_timeout(LIMIT)
            .operation_timeout(LIMIT * 3)
            .build();
        let config = aws_sdk_sqs::config::Builder::from(aws)
            .timeout_config(timeouts)
            .build();
        Self {
            client: Client::from_conf(config),
            source,
            dead_letters,
        }
    }

    /// The address of the dead-letter queue.
    pub fn dead_letters(&self) -> &str {
        &self.dead_letters
    }

    /// Looks at some messages without taking them.
    ///
    /// # Errors
    /// When SQS does not answer or refuses.
    pub async fn samples(&self) -> Result<Vec<MessageSample>, Failure> {
        let mut messages = self.receive(0).await?;
        messages.sort_by(|a, b| a.message_id().cmp(&b.message_id()));
        messages.dedup_by(|a, b| a.message_id() == b.message_id());
        let bodies = messages.iter().filter_map(Message::body);
        Ok(bodies.map(MessageSample::of).collect())
    }

    /// Moves messages until none is left or somebody asks to stop; `told` hears the sum after each batch.
    ///
    /// # Errors
    /// When SQS does not answer or refuses, with the number moved until then.
    pub async fn run(
        &self,
        stop: &StopSignal,
        mut told: impl FnMut(MovedMessages),
    ) -> Result<MovedMessages, BrokenRedrive> {
        let mut moved = MovedMessages::default();
        while !stop.is_asked() {
            let batch = self
                .receive(HIDDEN_SECONDS)
                .await
                .map_err(|failure| BrokenRedrive { moved, failure })?;
            if batch.is_empty() {
                break;
            }
            let failure = self.move_batch(&batch, &mut moved).await;
            told(moved);
            if let Some(failure) = failure {
                return Err(BrokenRedrive { moved, failure });
            }
        }
        Ok(moved)
    }

    /// Returns the first failure; the other messages of the batch are moved all the same.
    async fn move_batch(&self, batch: &[Message], moved: &mut MovedMessages) -> Option<Failure> {
        let results = join_all(batch.iter().map(|message| self.send(message))).await;
        let mut confirmed = Vec::new();
        let mut first = None;
        for (message, result) in batch.iter().zip(results) {
            match result {
                Ok(()) => confirmed.push(message),
                Err(failure) => {
                    first.get_or_insert(failure);
                    self.give_back(message).await;
                }
            }
        }
        moved.sent += confirmed.len();
        match self.delete(&confirmed).await {
            Ok(kept) => moved.kept += kept,
            Err(failure) => {
                moved.kept += confirmed.len();
                first.get_or_insert(failure);
            }
        }
        first
    }

    async fn receive(&self, hidden_seconds: i32) -> Result<Vec<Message>, Failure> {
        let answer = self
            .client
            .receive_message()
            .queue_url(&self.dead_letters)
            .max_number_of_messages(BATCH)
            .visibility_timeout(hidden_seconds)
            .wait_time_seconds(WAIT_SECONDS)
            .message_attribute_names("All")
            .send()
            .await
            .map_err(|error| failure("reading the dead-letter queue", &error))?;
        Ok(answer.messages.unwrap_or_default())
    }

    /// As it is, attributes included.
    async fn send(&self, message: &Message) -> Result<(), Failure> {
        self.client
            .send_message()
            .queue_url(&self.source)
            .message_body(message.body().unwrap_or_default())
            .set_message_attributes(message.message_attributes.clone())
            .send()
            .await
            .map(drop)
            .map_err(|error| failure("sending a message again", &error))
    }

    /// Returns how many stayed.
    async fn delete(&self, messages: &[&Message]) -> Result<usize, Failure> {
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
            .queue_url(&self.dead_letters)
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|error| {
                failure(
                    "removing the sent messages from the dead-letter queue",
                    &error,
                )
            })?;
        Ok(answer.failed().len())
    }

    /// Where this fails the message is hidden for a minute longer.
    async fn give_back(&self, message: &Message) {
        let _ = self
            .client
            .change_message_visibility()
            .queue_url(&self.dead_letters)
            .receipt_handle(message.receipt_handle().unwrap_or_default())
            .visibility_timeout(0)
            .send()
            .await;
    }
}

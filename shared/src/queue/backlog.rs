//! The number of messages in a queue, as SQS guesses it.

use aws_sdk_sqs::types::QueueAttributeName as Name;
use serde::Serialize;

use super::SqsQueue;

/// The messages that wait in a queue. SQS calls all of it approximate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct QueueBacklog {
    pub visible: u64,
    /// Handed out, and not deleted yet.
    pub in_flight: u64,
    /// Held back until their time.
    pub delayed: u64,
}

/// SQS did not tell.
#[derive(Debug, thiserror::Error)]
#[error("could not ask for a queue's depth")]
pub struct DepthError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl QueueBacklog {
    /// All that the queue holds.
    pub const fn total(&self) -> u64 {
        self.visible
            .saturating_add(self.in_flight)
            .saturating_add(self.delayed)
    }
}

impl SqsQueue {
    /// Counts the messages that wait here.
    ///
    /// # Errors
    /// When SQS does not answer, or does not let us ask.
    pub async fn depth(&self) -> Result<QueueBacklog, DepthError> {
        let answer = self
            .client
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(Name::ApproximateNumberOfMessages)
            .attribute_names(Name::ApproximateNumberOfMessagesNotVisible)
            .attribute_names(Name::ApproximateNumberOfMessagesDelayed)
            .send()
            .await
            .map_err(|error| DepthError(error.into()))?;
        let count = |name: Name| {
            let told = answer.attributes().and_then(|told| told.get(&name));
            told.and_then(|text| text.parse().ok()).unwrap_or_default()
        };
        Ok(QueueBacklog {
            visible: count(Name::ApproximateNumberOfMessages),
            in_flight: count(Name::ApproximateNumberOfMessagesNotVisible),
            delayed: count(Name::ApproximateNumberOfMessagesDelayed),
        })
    }
}

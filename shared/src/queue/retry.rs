//! Delivers failed messages again: back to the queue by SQS itself, or as new messages that are held back.

use std::time::{Duration, Instant};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse};
use aws_sdk_sqs::types::ChangeMessageVisibilityBatchRequestEntry;
use futures::future::join_all;
use tokio::time::timeout;

use super::outgoing::{BATCH, OutgoingMessage};
use super::received::ReceivedMessage;
use super::send::{SqsQueue, chain};
use super::wait::{FailureProspect, MessageFate, MessageKeeper};
use crate::deadline::Deadline;
use crate::telemetry::{self, metrics};
use crate::time::Timestamp;

/// The longest time that putting failed messages off takes: a worker's answer must not wait for more.
pub const TO_POSTPONE: Duration = Duration::from_secs(2);

/// The queue that a batch came from, and the time after which its failed messages are due again.
///
/// The queue hides a message for six times its worker's timeout, so that a worker that is still at
/// work meets no second one. A message that is known to have failed need not wait so long, or may
/// have to wait longer.
#[derive(Debug, Clone)]
pub struct RetrySchedule {
    queue: SqsQueue,
    after: Duration,
}

impl RetrySchedule {
    /// Retries the messages of `queue` after this time, in whole seconds.
    pub fn new(queue: SqsQueue, after: Duration) -> Self {
        Self { queue, after }
    }

    /// Decides for a message that failed, and has waited for so long.
    pub(super) fn fate_of(
        &self,
        prospect: FailureProspect,
        keeper: MessageKeeper,
        age: Duration,
    ) -> MessageFate {
        MessageFate::of(prospect, keeper, age, self.after)
    }

    /// Puts failed messages of one kind off, each by its fate. Answers those that SQS is to deliver again by itself,
    /// among them those that could not be sent anew.
    pub(super) async fn put_off(
        &self,
        kind: &'static str,
        failed: Vec<(ReceivedMessage, MessageFate)>,
    ) -> SqsBatchResponse {
        let mut returned = Vec::new();
        let mut waiting = Vec::new();
        for (message, fate) in failed {
            match fate {
                MessageFate::Returned => returned.push(message),
                MessageFate::SentAnew(delay) => waiting.push((message, delay)),
                MessageFate::LeftToItsRow => {}
            }
        }
        tell_waits(&waiting);
        let (unsent, ()) = tokio::join!(
            self.send_anew(kind, waiting),
            self.postpone(receipts(&returned))
        );
        returned.extend(unsent);
        if !returned.is_empty() {
            metrics::record(&[(&metrics::MESSAGES_RETURNED, returned.len() as f64)]);
        }
        name_failures(returned)
    }

    /// Sends copies that are held back. Answers the messages of which SQS has no copy.
    async fn send_anew(
        &self,
        kind: &'static str,
        waiting: Vec<(ReceivedMessage, Duration)>,
    ) -> Vec<ReceivedMessage> {
        let copy =
            |(index, (message, delay)): (usize, &(ReceivedMessage, Duration))| OutgoingMessage {
                index,
                body: message.body().to_owned(),
                delay: *delay,
                correlation: message.correlation.clone(),
                waiting_since: Some(message.waiting_since()),
            };
        let copies = waiting.iter().enumerate().map(copy).collect();
        let in_time = Deadline::at(Instant::now() + TO_POSTPONE);
        let outcome = self.queue.until(in_time).send_anew(kind, copies).await;
        let mut waiting: Vec<Option<ReceivedMessage>> = waiting
            .into_iter()
            .map(|(message, _)| Some(message))
            .collect();
        let mut unsent = Vec::new();
        for (index, error) in outcome.failed {
            let message = waiting.get_mut(index).and_then(Option::take);
            let Some(message) = message else { continue };
            message.log(|| {
                telemetry::log_error("a message that should wait goes back to its queue", &error);
            });
            unsent.push(message);
        }
        unsent
    }

    /// Has SQS deliver these receipts' messages after the time, counted from now. Where SQS does
    /// not take that, a message comes back when the queue stops hiding it.
    async fn postpone(&self, receipts: Vec<String>) {
        let calls = receipts
            .chunks(BATCH)
            .map(|chunk| self.postpone_some(chunk));
        if timeout(TO_POSTPONE, join_all(calls)).await.is_err() {
            tracing::warn!("SQS takes long: failed messages may come back later than they should");
        }
    }

    async fn postpone_some(&self, receipts: &[String]) {
        let seconds = i32::try_from(self.after.as_secs()).unwrap_or(i32::MAX);
        let entry = |(index, receipt): (usize, &String)| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(receipt)
                .visibility_timeout(seconds)
                .build()
                .expect("id and receipt are set")
        };
        let answer = self
            .queue
            .client
            .change_message_visibility_batch()
            .queue_url(&self.queue.url)
            .set_entries(Some(receipts.iter().enumerate().map(entry).collect()))
            .send()
            .await;
        let refused = match &answer {
            Ok(answer) if answer.failed().is_empty() => return,
            Ok(answer) => answer.failed()[0].code().to_owned(),
            Err(error) => chain(error),
        };
        tracing::warn!(reason = %refused, "failed messages may come back later than they should");
    }
}

/// Tells CloudWatch for how long messages have waited.
fn tell_waits(waiting: &[(ReceivedMessage, Duration)]) {
    let now = Timestamp::now();
    let age = |(message, _): &(ReceivedMessage, Duration)| {
        now.since(message.waiting_since()).as_secs_f64()
    };
    let ages: Vec<f64> = waiting.iter().map(age).collect();
    metrics::record_values(&metrics::MESSAGE_WAIT, &ages);
}

fn receipts(messages: &[ReceivedMessage]) -> Vec<String> {
    let receipts = messages
        .iter()
        .map(|message| &message.record.receipt_handle);
    receipts.flatten().cloned().collect()
}

fn name_failures(messages: Vec<ReceivedMessage>) -> SqsBatchResponse {
    let name = |message: ReceivedMessage| {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = message.record.message_id.unwrap_or_default();
        failure
    };
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = messages.into_iter().map(name).collect();
    response
}

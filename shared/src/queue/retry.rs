//! Decides when messages that failed are delivered again.

use std::time::Duration;

use aws_sdk_sqs::types::ChangeMessageVisibilityBatchRequestEntry;
use futures::future::join_all;
use tokio::time::timeout;

use super::send::{BATCH, SqsQueue, chain};

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

    /// Has SQS deliver these receipts' messages after the time, counted from now. Where SQS does
    /// not take that, a message comes back when the queue stops hiding it.
    pub(super) async fn postpone(&self, receipts: &[String]) {
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

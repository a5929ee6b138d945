//! A batch of notifications from SQS; what could not be applied is delivered again.

use std::convert::Infallible;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::LambdaEvent;
use media_sync::queue::{Notification, Retry, handle_batch};
use media_sync::sync::ingest::Ingest;
use media_sync::sync::quota_sharing::share_low_quota;
use media_sync::telemetry;

/// The handler's dependencies.
#[derive(Debug)]
pub(crate) struct NotificationWorker {
    pub(crate) ingest: Ingest,
    pub(crate) retry: Retry,
}

impl NotificationWorker {
    pub(crate) async fn handle(
        &self,
        event: LambdaEvent<SqsEvent>,
    ) -> Result<SqsBatchResponse, Infallible> {
        let work = self.apply(event.payload);
        Ok(telemetry::invocation(Some(&event.context), None, work).await)
    }

    async fn apply(&self, event: SqsEvent) -> SqsBatchResponse {
        let work = async |messages: Vec<Notification>| self.ingest.apply_batch(messages).await;
        let response = handle_batch(event, &self.retry, work).await;
        share_low_quota(&self.ingest.cloudinary, &self.ingest.store).await;
        response
    }
}

//! A batch of notifications from SQS; what could not be applied is delivered again.

use std::convert::Infallible;
use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::LambdaEvent;
use media_sync::queue::{Notification, RefusedNotifications, Retry, handle_batch, part_batch};
use media_sync::supabase::SupabaseError;
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
        let (refusals, notifications) = part_batch::<RefusedNotifications>(event);
        let work = async |messages: Vec<Notification>| self.ingest.apply_batch(messages).await;
        let mut response = handle_batch(notifications, &self.retry, work).await;
        if !refusals.records.is_empty() {
            let note =
                async |refused: Vec<RefusedNotifications>| self.note_refusals(&refused).await;
            let noted = handle_batch(refusals, &self.retry, note).await;
            let failures = noted.batch_item_failures;
            response.batch_item_failures.extend(failures);
        }
        share_low_quota(&self.ingest.cloudinary, &self.ingest.store).await;
        response
    }

    async fn note_refusals(
        &self,
        refused: &[RefusedNotifications],
    ) -> Vec<Result<(), Arc<SupabaseError>>> {
        let noted = self.ingest.store.note_refusals(refused).await;
        let noted = noted.map_err(Arc::new);
        refused.iter().map(|_| noted.clone()).collect()
    }
}

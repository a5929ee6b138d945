//! A batch of notifications from SQS; those that could not be applied are delivered again.

use std::convert::Infallible;
use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::LambdaEvent;
use media_sync::deadline::Deadline;
use media_sync::queue::{
    NotificationMessage, RefusedNotifications, RetrySchedule, TO_POSTPONE, handle_batch, part_batch,
};
use media_sync::supabase::SupabaseError;
use media_sync::sync::ingest::Ingest;
use media_sync::sync::quota_sharing::share_low_quota;
use media_sync::sync::store::MirrorStore;
use media_sync::telemetry;

/// The handler's dependencies.
#[derive(Debug)]
pub(crate) struct NotificationWorker {
    pub(crate) ingest: Ingest,
    pub(crate) retry: RetrySchedule,
}

impl NotificationWorker {
    pub(crate) async fn handle(
        &self,
        event: LambdaEvent<SqsEvent>,
    ) -> Result<SqsBatchResponse, Infallible> {
        let work = self.apply(event.payload, Deadline::of(&event.context));
        Ok(telemetry::invocation(Some(&event.context), None, work).await)
    }

    async fn apply(&self, event: SqsEvent, end: Deadline) -> SqsBatchResponse {
        let (refusals, notifications) = part_batch::<RefusedNotifications>(event);
        // Both parts of the batch may have something to postpone.
        let ingest = self.ingest.until(end.earlier(2 * TO_POSTPONE));
        let work = async |messages: Vec<NotificationMessage>| ingest.apply_batch(messages).await;
        let mut response = handle_batch(notifications, &self.retry, work).await;
        if !refusals.records.is_empty() {
            let store = self.ingest.clients.store.until(end.earlier(TO_POSTPONE));
            let note =
                async |refused: Vec<RefusedNotifications>| note_refusals(&store, &refused).await;
            let noted = handle_batch(refusals, &self.retry, note).await;
            let failures = noted.batch_item_failures;
            response.batch_item_failures.extend(failures);
        }
        share_low_quota(
            &ingest.clients.cloudinary,
            &self.ingest.clients.store.until(end),
        )
        .await;
        response
    }
}

async fn note_refusals(
    store: &MirrorStore,
    refused: &[RefusedNotifications],
) -> Vec<Result<(), Arc<SupabaseError>>> {
    let noted = store.note_refusals(refused).await.map_err(Arc::new);
    refused.iter().map(|_| noted.clone()).collect()
}

//! A batch of intents from SQS; those that could not be settled are delivered again.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::LambdaEvent;
use media_sync::deadline::{self, Deadline};
use media_sync::queue::{self, RetrySchedule, TO_POSTPONE, handle_batch};
use media_sync::sync::outbound::Outbound;
use media_sync::sync::quota_sharing::share_low_quota;
use media_sync::telemetry;

/// Kept free at the end of an invocation: for a look at the effects, and the writing.
const MARGIN: Duration = Duration::from_secs(9);

/// The handler's dependencies.
#[derive(Debug)]
pub(crate) struct OutboundWorker {
    pub(crate) outbound: Outbound,
    pub(crate) retry: RetrySchedule,
}

impl OutboundWorker {
    pub(crate) async fn handle(
        &self,
        event: LambdaEvent<SqsEvent>,
    ) -> Result<SqsBatchResponse, Infallible> {
        let deadline = deadline::before_the_end(&event.context, MARGIN);
        let end = Deadline::of(&event.context);
        let work = self.carry_out(event.payload, deadline, end);
        Ok(telemetry::invocation(Some(&event.context), None, work).await)
    }

    async fn carry_out(
        &self,
        event: SqsEvent,
        deadline: Instant,
        end: Deadline,
    ) -> SqsBatchResponse {
        let outbound = self.outbound.until(end.earlier(TO_POSTPONE));
        let work = async |messages: Vec<queue::IntentMessage>| {
            outbound.carry_out(&messages, deadline).await
        };
        let response = handle_batch(event, &self.retry, work).await;
        share_low_quota(
            &outbound.clients.cloudinary,
            &self.outbound.clients.store.until(end),
        )
        .await;
        response
    }
}

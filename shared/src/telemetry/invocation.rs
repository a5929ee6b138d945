//! The frame of an invocation.

use std::sync::atomic::{AtomicBool, Ordering};

use lambda_http::Context;

use super::correlation::CorrelationId;
use super::metrics::{self, record};
use super::scope::Scope;

/// An execution environment's first invocation is a cold start.
static IS_FIRST: AtomicBool = AtomicBool::new(true);

/// Does the work of an invocation. Its lines have the correlation id given, else its request's id.
pub async fn invocation<T>(
    context: Option<&Context>,
    correlation_id: Option<CorrelationId>,
    work: impl Future<Output = T>,
) -> T {
    let cold_start = IS_FIRST.swap(false, Ordering::Relaxed);
    let scope = Scope::of_request(context, correlation_id, cold_start);
    // Everything that a function does is in it: boxed, it keeps the compiler's limit of depth.
    let work = Box::pin(work);
    let work = async {
        if cold_start {
            record(&[(&metrics::COLD_STARTS, 1.0)]);
        }
        work.await
    };
    scope.around(work).await
}

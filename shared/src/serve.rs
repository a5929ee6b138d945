//! The life of a function's process: logging first, then its dependencies, then one event after
//! another.

use std::convert::Infallible;

use lambda_http::lambda_runtime::{self, LambdaEvent};
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Body, Error, Request, Response, Service, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::http::mend_event;
use crate::telemetry;

/// Serves the API: `answer` turns each request into a response. `start` makes what all of them
/// share.
///
/// # Errors
/// When `start` fails, which is logged, or when the runtime ends.
pub async fn serve<H, A>(
    name: &'static str,
    start: impl Future<Output = Result<H, Error>>,
    answer: impl Fn(&'static H, Request) -> A,
) -> Result<(), Error>
where
    H: Send + Sync + 'static,
    A: Future<Output = Response<Body>> + Send,
{
    let handler = started(name, start).await?;
    let answer = &answer;
    let mut answering = Adapter::from(service_fn(move |request| {
        let response = answer(handler, request);
        async move { Ok::<_, Infallible>(response.await) }
    }));
    lambda_runtime::run(service_fn(move |mut event: LambdaEvent<LambdaRequest>| {
        mend_event(&mut event.payload);
        answering.call(event)
    }))
    .await
}

/// Serves events of queues, of schedules and of invocations by hand: `work` takes one after another.
///
/// # Errors
/// When `start` fails, which is logged, or when the runtime ends.
pub async fn serve_events<H, E, T, F, W>(
    name: &'static str,
    start: impl Future<Output = Result<H, Error>>,
    work: impl Fn(&'static H, LambdaEvent<E>) -> W,
) -> Result<(), Error>
where
    H: Send + Sync + 'static,
    E: DeserializeOwned,
    T: Serialize,
    F: Into<Error>,
    W: Future<Output = Result<T, F>>,
{
    let handler = started(name, start).await?;
    let work = &work;
    lambda_runtime::run(service_fn(move |event| {
        let done = work(handler, event);
        async move { done.await.map_err(Into::into) }
    }))
    .await
}

/// Begins logging, then makes the handler. It lives as long as the process.
async fn started<H: 'static>(
    name: &'static str,
    start: impl Future<Output = Result<H, Error>>,
) -> Result<&'static H, Error> {
    telemetry::init(name);
    let started = start.await;
    let handler = started.inspect_err(|error| telemetry::log_error("could not start", &**error))?;
    Ok(Box::leak(Box::new(handler)))
}

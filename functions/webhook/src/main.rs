//! Takes Cloudinary's notifications: verifies them and hands them to SQS.

mod handler;

use std::convert::Infallible;

use handler::Webhook;
use lambda_http::{Error, Request, service_fn};
use media_sync::config;
use media_sync::queue::SqsQueue;
use media_sync::telemetry;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("webhook");
    let webhook = start()
        .await
        .inspect_err(|error| telemetry::log_error("could not start", error))?;
    lambda_http::run(service_fn(async |request: Request| {
        Ok::<_, Infallible>(webhook.handle(request).await)
    }))
    .await
}

async fn start() -> Result<Webhook, config::ConfigError> {
    let aws = config::aws().await;
    let verifier = config::load(&aws).await?;
    let queue = SqsQueue::connect(&aws, config::notification_queue_url()?);
    Ok(Webhook::new(verifier, queue))
}

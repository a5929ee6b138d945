//! Takes Cloudinary's notifications: verifies them and hands them to SQS.

mod handler;

use handler::Webhook;
use lambda_http::Error;
use media_sync::config;
use media_sync::queue::SqsQueue;
use media_sync::serve::serve;

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve("webhook", start(), Webhook::handle).await
}

async fn start() -> Result<Webhook, Error> {
    let aws = config::aws().await;
    let verifier = config::load(&aws).await?;
    let queue = SqsQueue::connect(&aws, config::notification_queue_url()?);
    Ok(Webhook::new(verifier, queue))
}

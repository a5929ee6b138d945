//! Brings deleted assets back and queues their return in Cloudinary.

mod handler;

use std::convert::Infallible;

use handler::MediaRestore;
use lambda_http::{Error, Request, service_fn};
use media_sync::config::{self, Config};
use media_sync::http::MediaRequests;
use media_sync::queue::Queue;
use media_sync::telemetry;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("media_restore");
    let handler = start()
        .await
        .inspect_err(|error| telemetry::log_error("could not start", &**error))?;
    lambda_http::run(service_fn(async |request: Request| {
        Ok::<_, Infallible>(handler.handle(request).await)
    }))
    .await
}

async fn start() -> Result<MediaRestore, Error> {
    let aws = config::aws().await;
    let config = Config::load(&aws).await?;
    let http = config::http_client()?;
    Ok(MediaRestore::new(MediaRequests::new(
        config.supabase.token_verifier(&http),
        config.supabase.public(&http),
        Queue::connect(&aws, config::outbound_queue_url()?),
    )))
}

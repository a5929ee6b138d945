//! Soft-deletes assets and queues their deletion in Cloudinary.

mod handler;

use std::convert::Infallible;

use handler::MediaDelete;
use lambda_http::{Error, Request, service_fn};
use media_sync::config::{self, Config};
use media_sync::http::MediaRequests;
use media_sync::queue::Queue;
use media_sync::telemetry;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("media_delete");
    let handler = start()
        .await
        .inspect_err(|error| telemetry::log_error("could not start", &**error))?;
    lambda_http::run(service_fn(async |request: Request| {
        Ok::<_, Infallible>(handler.handle(request).await)
    }))
    .await
}

async fn start() -> Result<MediaDelete, Error> {
    let aws = config::aws().await;
    let config = Config::load(&aws).await?;
    let http = config::http_client()?;
    Ok(MediaDelete::new(MediaRequests::new(
        config.supabase.token_verifier(&http),
        config.supabase.public(&http),
        Queue::connect(&aws, config::outbound_queue_url()?),
    )))
}

//! Tells all about one asset.

mod handler;

use std::convert::Infallible;

use handler::MediaGet;
use lambda_http::{Error, Request, service_fn};
use media_sync::cloudinary::delivery::Delivery;
use media_sync::config::{self, Config};
use media_sync::telemetry;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("media_get");
    let handler = start()
        .await
        .inspect_err(|error| telemetry::log_error("could not start", &**error))?;
    lambda_http::run(service_fn(async |request: Request| {
        Ok::<_, Infallible>(handler.handle(request).await)
    }))
    .await
}

async fn start() -> Result<MediaGet, Error> {
    let aws = config::aws().await;
    let config = Config::load(&aws).await?;
    let http = config::http_client()?;
    Ok(MediaGet {
        verifier: config.supabase.token_verifier(&http),
        database: config.supabase.public(&http),
        delivery: Delivery::new(config.cloudinary.credentials),
    })
}

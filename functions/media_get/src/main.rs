//! Tells all about one asset.

mod handler;

use std::convert::Infallible;

use handler::MediaGet;
use lambda_http::{Error, Request, service_fn};
use media_sync::cloudinary::delivery::AddressWriter;
use media_sync::config::{self, CallerConfig, CloudinaryConfig};
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
    let config = config::load::<(CallerConfig, CloudinaryConfig)>(&aws).await?;
    let (callers, cloudinary) = config.split();
    let http = config::http_client()?;
    Ok(MediaGet {
        verifier: callers.token_verifier(&http),
        database: callers.client(&http),
        delivery: cloudinary.part(|config| AddressWriter::new(config.credentials.clone())),
    })
}

//! Tells all about one asset.

mod handler;

use handler::MediaGet;
use lambda_http::Error;
use media_sync::cloudinary::delivery::AddressWriter;
use media_sync::config::{self, CallerConfig, CloudinaryConfig};
use media_sync::serve::serve;

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve("media_get", start(), MediaGet::handle).await
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

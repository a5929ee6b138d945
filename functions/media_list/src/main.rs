//! Lists and searches assets from the database.

mod addresses;
mod handler;
mod page_request;
#[cfg(test)]
mod strangers;

use handler::MediaList;
use lambda_http::Error;
use media_sync::cloudinary::delivery::AddressWriter;
use media_sync::config::{self, CallerConfig, CloudinaryConfig};
use media_sync::cursor::{CursorKey, CursorKeys};
use media_sync::serve::serve;

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve("media_list", start(), MediaList::handle).await
}

async fn start() -> Result<MediaList, Error> {
    let aws = config::aws().await;
    let config = config::load::<((CallerConfig, CursorKey), CloudinaryConfig)>(&aws).await?;
    let (readers, cloudinary) = config.split();
    let (callers, cursor_key) = readers.split();
    let http = config::http_client()?;
    Ok(MediaList::new(
        callers.token_verifier(&http),
        callers.client(&http),
        CursorKeys::new(cursor_key),
        cloudinary.part(|config| AddressWriter::new(config.credentials.clone())),
    ))
}

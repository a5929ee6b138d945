//! Brings deleted assets back and queues their return in Cloudinary.

mod handler;

use handler::MediaRestore;
use lambda_http::Error;
use media_sync::http::MediaRequests;
use media_sync::serve::serve;

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve("media_restore", start(), MediaRestore::handle).await
}

async fn start() -> Result<MediaRestore, Error> {
    Ok(MediaRestore::new(MediaRequests::connect().await?))
}

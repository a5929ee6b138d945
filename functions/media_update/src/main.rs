//! Edits assets and queues their edits for Cloudinary.

mod edit;
mod handler;
mod value;

use handler::MediaUpdate;
use lambda_http::Error;
use media_sync::http::MediaRequests;
use media_sync::serve::serve;

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve("media_update", start(), MediaUpdate::handle).await
}

async fn start() -> Result<MediaUpdate, Error> {
    Ok(MediaUpdate::new(MediaRequests::connect().await?))
}

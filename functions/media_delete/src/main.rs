//! Soft-deletes assets and queues their deletion in Cloudinary.

mod handler;

use handler::MediaDelete;
use lambda_http::Error;
use media_sync::http::MediaRequests;
use media_sync::serve::serve;

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve("media_delete", start(), MediaDelete::handle).await
}

async fn start() -> Result<MediaDelete, Error> {
    Ok(MediaDelete::new(MediaRequests::connect().await?))
}

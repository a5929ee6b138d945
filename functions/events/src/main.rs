//! Lists Cloudinary's notifications as they were recorded, and has them applied again.

mod handler;
mod query;
mod replay;

use handler::Events;
use lambda_http::Error;
use media_sync::config::{self, CallerConfig};
use media_sync::cursor::{CursorKey, CursorKeys};
use media_sync::queue::SqsQueue;
use media_sync::serve::serve;

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve("events", start(), Events::handle).await
}

async fn start() -> Result<Events, Error> {
    let aws = config::aws().await;
    let config = config::load::<(CallerConfig, CursorKey)>(&aws).await?;
    let (callers, cursor_key) = config.split();
    let http = config::http_client()?;
    Ok(Events {
        verifier: callers.token_verifier(&http),
        database: callers.client(&http),
        cursor_keys: CursorKeys::new(cursor_key),
        continuation: SqsQueue::connect(&aws, config::reconcile_queue_url()?),
    })
}

//! Sends waiting decisions, tells how late runs are, removes old records and replays notifications.

mod handler;

use handler::Handler;
use lambda_runtime::Error;
use media_sync::config;
use media_sync::maintenance::Maintenance;
use media_sync::serve::serve_events;

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve_events("maintenance", start(), Handler::handle).await
}

async fn start() -> Result<Handler, Error> {
    let maintenance = Maintenance::connect(&config::aws().await).await?;
    Ok(Handler { maintenance })
}

//! Sends waiting decisions, tells how late runs are, removes old records and replays notifications.

mod handler;

use handler::MaintenanceWorker;
use lambda_runtime::Error;
use media_sync::config;
use media_sync::maintenance::Maintenance;
use media_sync::serve::serve_events;

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve_events("maintenance", start(), MaintenanceWorker::handle).await
}

async fn start() -> Result<MaintenanceWorker, Error> {
    let maintenance = Maintenance::connect(&config::aws().await).await?;
    Ok(MaintenanceWorker { maintenance })
}

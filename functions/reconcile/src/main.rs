//! Compares Cloudinary with the database and repairs the difference.

mod handler;
mod run_event;

use handler::ReconcileWorker;
use lambda_runtime::Error;
use media_sync::config;
use media_sync::maintenance::Maintenance;
use media_sync::serve::serve_events;

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve_events("reconcile", start(), ReconcileWorker::handle).await
}

async fn start() -> Result<ReconcileWorker, Error> {
    let maintenance = Maintenance::connect(&config::aws().await).await?;
    Ok(ReconcileWorker { maintenance })
}

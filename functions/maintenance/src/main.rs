//! Sends waiting decisions, tells how late runs are, removes old records and replays notifications.

mod handler;

use handler::Handler;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use media_sync::config;
use media_sync::maintenance::Maintenance;
use media_sync::telemetry;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("maintenance");
    let handler = start()
        .await
        .inspect_err(|error| telemetry::log_error("could not start", &**error))?;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<serde_json::Value>| {
        handler.handle(event).await.map_err(Error::from)
    }))
    .await
}

async fn start() -> Result<Handler, Error> {
    let maintenance = Maintenance::connect(&config::aws().await).await?;
    Ok(Handler { maintenance })
}

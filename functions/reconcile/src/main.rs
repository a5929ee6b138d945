//! Compares Cloudinary with the database and repairs the difference.

mod handler;

use handler::Handler;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use media_sync::config::{self, CloudinaryConfig, ServiceConfig};
use media_sync::queue::Queue;
use media_sync::sync::reconcile::Reconcile;
use media_sync::sync::store::Store;
use media_sync::telemetry;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("reconcile");
    let handler = start()
        .await
        .inspect_err(|error| telemetry::log_error("could not start", &**error))?;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<serde_json::Value>| {
        handler.handle(event).await.map_err(Error::from)
    }))
    .await
}

async fn start() -> Result<Handler, Error> {
    let aws = config::aws().await;
    let (cloudinary, service) = config::load::<(CloudinaryConfig, ServiceConfig)>(&aws).await?;
    let http = config::http_client()?;
    Ok(Handler {
        reconcile: Reconcile {
            cloudinary: cloudinary.client(&http),
            store: Store::new(service.client(&http)),
        },
        notifications: Queue::connect(&aws, config::notification_queue_url()?),
        outbound: Queue::connect(&aws, config::outbound_queue_url()?),
        continuation: Queue::connect(&aws, config::reconcile_queue_url()?),
        schedules: config::schedules(),
        audit_days: config::audit_retention_days()?,
    })
}

//! Carries decisions made here out in Cloudinary.

mod handler;

use handler::OutboundWorker;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use media_sync::config::{self, CloudinaryConfig, ServiceConfig};
use media_sync::queue::{Queue, Retry};
use media_sync::sync::clients::SyncClients;
use media_sync::sync::outbound::Outbound;
use media_sync::sync::store::Store;
use media_sync::telemetry;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("outbound_worker");
    let handler = start()
        .await
        .inspect_err(|error| telemetry::log_error("could not start", &**error))?;
    lambda_runtime::run(service_fn(
        async |event: LambdaEvent<aws_lambda_events::sqs::SqsEvent>| handler.handle(event).await,
    ))
    .await
}

async fn start() -> Result<OutboundWorker, Error> {
    let aws = config::aws().await;
    let config = config::load::<(CloudinaryConfig, ServiceConfig)>(&aws).await?;
    let (cloudinary, service) = config.split();
    let http = config::http_client()?;
    let queue = Queue::connect(&aws, config::outbound_queue_url()?);
    Ok(OutboundWorker {
        outbound: Outbound {
            clients: SyncClients {
                cloudinary: cloudinary.client(&http),
                store: Store::new(service.client(&http)),
            },
            queue: queue.clone(),
        },
        retry: Retry::new(queue, config::retry_after()?),
    })
}

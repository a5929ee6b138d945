//! Carries decisions made here out in Cloudinary.

mod handler;

use handler::OutboundWorker;
use lambda_runtime::Error;
use media_sync::config::{self, CloudinaryConfig, ServiceConfig};
use media_sync::queue::{RetrySchedule, SqsQueue};
use media_sync::serve::serve_events;
use media_sync::sync::clients::SyncClients;
use media_sync::sync::outbound::Outbound;
use media_sync::sync::store::MirrorStore;

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve_events("outbound_worker", start(), OutboundWorker::handle).await
}

async fn start() -> Result<OutboundWorker, Error> {
    let aws = config::aws().await;
    let config = config::load::<(CloudinaryConfig, ServiceConfig)>(&aws).await?;
    let (cloudinary, service) = config.split();
    let http = config::http_client()?;
    let queue = SqsQueue::connect(&aws, config::outbound_queue_url()?);
    Ok(OutboundWorker {
        outbound: Outbound {
            clients: SyncClients {
                cloudinary: cloudinary.client(&http),
                store: MirrorStore::new(service.client(&http)),
            },
            queue: queue.clone(),
        },
        retry: RetrySchedule::new(queue, config::retry_after()?),
    })
}

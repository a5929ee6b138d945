//! Applies Cloudinary's notifications to the database.

mod handler;

use handler::NotificationWorker;
use lambda_runtime::Error;
use media_sync::config::{self, CloudinaryConfig, ServiceConfig};
use media_sync::queue::{RetrySchedule, SqsQueue};
use media_sync::serve::serve_events;
use media_sync::sync::clients::SyncClients;
use media_sync::sync::ingest::Ingest;
use media_sync::sync::store::MirrorStore;

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve_events("notification_worker", start(), NotificationWorker::handle).await
}

async fn start() -> Result<NotificationWorker, Error> {
    let aws = config::aws().await;
    let config = config::load::<(CloudinaryConfig, ServiceConfig)>(&aws).await?;
    let (cloudinary, service) = config.split();
    let http = config::http_client()?;
    let queue = SqsQueue::connect(&aws, config::notification_queue_url()?);
    Ok(NotificationWorker {
        ingest: Ingest {
            clients: SyncClients {
                cloudinary: cloudinary.client(&http),
                store: MirrorStore::new(service.client(&http)),
            },
            outbound: Some(SqsQueue::connect(&aws, config::outbound_queue_url()?)),
        },
        retry: RetrySchedule::new(queue, config::retry_after()?),
    })
}

//! Starts a reconciliation (POST), and tells how the mirror stands (GET).

mod answer;
mod handler;
mod request;

use handler::SyncRequests;
use lambda_http::Error;
use media_sync::config::{self, Config};
use media_sync::queue::SqsQueue;
use media_sync::serve::serve;
use media_sync::sync::clients::SyncClients;
use media_sync::sync::reconcile::Reconcile;
use media_sync::sync::store::MirrorStore;

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve("sync", start(), SyncRequests::handle).await
}

async fn start() -> Result<SyncRequests, Error> {
    let aws = config::aws().await;
    let (cloudinary, supabase) = config::load::<Config>(&aws).await?.split();
    let (callers, service) = supabase.split();
    let http = config::http_client()?;
    Ok(SyncRequests {
        verifier: callers.token_verifier(&http),
        database: callers.client(&http),
        reconcile: Reconcile {
            clients: SyncClients {
                cloudinary: cloudinary.client(&http),
                store: MirrorStore::new(service.client(&http)),
            },
        },
        outbound: SqsQueue::connect(&aws, config::outbound_queue_url()?),
        continuation: SqsQueue::connect(&aws, config::reconcile_queue_url()?),
    })
}

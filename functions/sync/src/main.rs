//! Starts a reconciliation (POST), and tells how the mirror stands (GET).

mod handler;

use std::convert::Infallible;

use handler::Sync;
use lambda_http::{Error, Request, service_fn};
use media_sync::config::{self, Config};
use media_sync::queue::Queue;
use media_sync::sync::reconcile::Reconcile;
use media_sync::sync::store::Store;
use media_sync::telemetry;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("sync");
    let handler = start()
        .await
        .inspect_err(|error| telemetry::log_error("could not start", &**error))?;
    lambda_http::run(service_fn(async |request: Request| {
        Ok::<_, Infallible>(handler.handle(request).await)
    }))
    .await
}

async fn start() -> Result<Sync, Error> {
    let aws = config::aws().await;
    let config: Config = config::load(&aws).await?;
    let http = config::http_client()?;
    Ok(Sync {
        verifier: config.supabase.token_verifier(&http),
        database: config.supabase.public(&http),
        reconcile: Reconcile {
            cloudinary: config.cloudinary.client(&http),
            store: Store::new(config.supabase.service(&http)),
        },
        outbound: Queue::connect(&aws, config::outbound_queue_url()?),
        continuation: Queue::connect(&aws, config::reconcile_queue_url()?),
    })
}

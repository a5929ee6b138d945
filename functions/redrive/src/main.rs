//! Tells which messages were given up, and sends them to their queue again.

mod handler;
mod queues;
mod request;

use handler::Redrive;
use lambda_http::Error;
use media_sync::config::{self, CallerConfig};
use media_sync::serve::serve;
use queues::GivingQueue;

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve("redrive", start(), Redrive::handle).await
}

async fn start() -> Result<Redrive, Error> {
    let aws = config::aws().await;
    let callers = config::load::<CallerConfig>(&aws).await?;
    let http = config::http_client()?;
    Ok(Redrive {
        verifier: callers.token_verifier(&http),
        database: callers.client(&http),
        queues: GivingQueue::all(&aws)?,
    })
}

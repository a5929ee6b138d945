//! Signs uploads for browsers, and uploads small files and remote ones itself.

mod form;
mod handler;
mod host;
mod options;
mod plan;
mod planned;
mod posted;
mod rules;

use handler::UploadRequests;
use lambda_http::Error;
use media_sync::config::{self, Config, SecretSettings};
use media_sync::queue::SqsQueue;
use media_sync::serve::serve;
use media_sync::settings::LiveRules;
use media_sync::sync::clients::SyncClients;
use media_sync::sync::store::MirrorStore;
use media_sync::sync::uploads::Uploads;

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve("upload", start(), UploadRequests::handle).await
}

async fn start() -> Result<UploadRequests, Error> {
    let aws = config::aws().await;
    let (config, settings) = config::load::<(Config, SecretSettings)>(&aws)
        .await?
        .split();
    let (cloudinary, supabase) = config.split();
    let (callers, service) = supabase.split();
    let http = config::http_client()?;
    Ok(UploadRequests {
        verifier: callers.token_verifier(&http),
        rules: LiveRules::new(service.client(&http), settings),
        uploads: Uploads {
            clients: SyncClients {
                cloudinary: cloudinary.client(&http),
                store: MirrorStore::new(service.client(&http)),
            },
        },
        outbound: SqsQueue::connect(&aws, config::outbound_queue_url()?),
    })
}

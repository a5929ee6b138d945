//! Signs uploads for browsers, and uploads small files and remote ones itself.

mod form;
mod handler;
mod posted;

use std::convert::Infallible;

use handler::Upload;
use lambda_http::{Error, Request, service_fn};
use media_sync::config::{self, Config};
use media_sync::sync::reconcile::Reconcile;
use media_sync::sync::store::Store;
use media_sync::sync::uploads::Uploads;
use media_sync::telemetry;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("upload");
    let handler = start()
        .await
        .inspect_err(|error| telemetry::log_error("could not start", &**error))?;
    lambda_http::run(service_fn(async |request: Request| {
        Ok::<_, Infallible>(handler.handle(request).await)
    }))
    .await
}

async fn start() -> Result<Upload, Error> {
    let aws = config::aws().await;
    let (config, rules) = config::load::<(Config, _)>(&aws).await?;
    let http = config::http_client()?;
    Ok(Upload {
        verifier: config.supabase.token_verifier(&http),
        rules,
        uploads: Uploads {
            reconcile: Reconcile {
                cloudinary: config.cloudinary.client(&http),
                store: Store::new(config.supabase.service(&http)),
            },
        },
    })
}

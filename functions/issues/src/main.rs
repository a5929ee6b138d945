//! Tells what fails now, one issue for each cause, marks issues, and tries what fails again.

mod handler;
mod request;

use handler::Issues;
use lambda_http::Error;
use media_sync::config::{self, CallerConfig};
use media_sync::serve::serve;

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve("issues", start(), Issues::handle).await
}

async fn start() -> Result<Issues, Error> {
    let aws = config::aws().await;
    let callers = config::load::<CallerConfig>(&aws).await?;
    let http = config::http_client()?;
    Ok(Issues {
        verifier: callers.token_verifier(&http),
        database: callers.client(&http),
    })
}

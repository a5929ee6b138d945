//! Counts the values of assets for menus of filters.

mod handler;
mod query;

use handler::MediaFacets;
use lambda_http::Error;
use media_sync::config::{self, CallerConfig};
use media_sync::serve::serve;

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve("media_facets", start(), MediaFacets::handle).await
}

async fn start() -> Result<MediaFacets, Error> {
    let aws = config::aws().await;
    let callers = config::load::<CallerConfig>(&aws).await?;
    let http = config::http_client()?;
    Ok(MediaFacets {
        verifier: callers.token_verifier(&http),
        database: callers.client(&http),
    })
}

//! Lists and searches assets from the database.

mod handler;
mod page_request;
#[cfg(test)]
mod strangers;

use std::convert::Infallible;

use handler::MediaList;
use lambda_http::{Error, Request, service_fn};
use media_sync::config::{self, CallerConfig};
use media_sync::cursor::{CursorKey, CursorKeys};
use media_sync::telemetry;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("media_list");
    let handler = start()
        .await
        .inspect_err(|error| telemetry::log_error("could not start", &**error))?;
    lambda_http::run(service_fn(async |request: Request| {
        Ok::<_, Infallible>(handler.handle(request).await)
    }))
    .await
}

async fn start() -> Result<MediaList, Error> {
    let aws = config::aws().await;
    let config = config::load::<(CallerConfig, CursorKey)>(&aws).await?;
    let (callers, cursor_key) = config.split();
    let http = config::http_client()?;
    Ok(MediaList::new(
        callers.token_verifier(&http),
        callers.client(&http),
        CursorKeys::new(cursor_key),
    ))
}

//! Reads the audit trail.

mod handler;

use std::convert::Infallible;

use handler::Audit;
use lambda_http::{Error, Request, service_fn};
use media_sync::config::{self, CallerConfig};
use media_sync::cursor::{CursorKey, CursorKeys};
use media_sync::telemetry;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("audit");
    let handler = start()
        .await
        .inspect_err(|error| telemetry::log_error("could not start", &**error))?;
    lambda_http::run(service_fn(async |request: Request| {
        Ok::<_, Infallible>(handler.handle(request).await)
    }))
    .await
}

async fn start() -> Result<Audit, Error> {
    let aws = config::aws().await;
    let config = config::load::<(CallerConfig, CursorKey)>(&aws).await?;
    let (callers, cursor_key) = config.split();
    let http = config::http_client()?;
    Ok(Audit {
        verifier: callers.token_verifier(&http),
        database: callers.client(&http),
        cursor_keys: CursorKeys::new(cursor_key),
    })
}

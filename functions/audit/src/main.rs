//! Reads the audit trail.

mod handler;

use std::convert::Infallible;

use handler::Audit;
use lambda_http::{Error, Request, service_fn};
use media_sync::config::{self, Config};
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
    let config = Config::load(&aws).await?;
    let http = config::http_client()?;
    Ok(Audit {
        verifier: config.supabase.token_verifier(&http),
        database: config.supabase.public(&http),
        cursor_key: config.supabase.cursor_key(),
    })
}

//! Reads the audit trail, and the work of each hour.

mod handler;
mod operation;
mod query;
mod series;

use handler::Audit;
use lambda_http::Error;
use media_sync::config::{self, CallerConfig};
use media_sync::cursor::{CursorKey, CursorKeys};
use media_sync::serve::serve;

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve("audit", start(), Audit::handle).await
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

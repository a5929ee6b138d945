//! Tells that it lives, and administrators how everything else does.

mod dependencies;
mod handler;

use std::future::ready;

use handler::Health;
use lambda_http::Error;
use media_sync::serve::serve;

/// Nothing is loaded before it is asked for: to be alive nothing else is needed.
#[tokio::main]
async fn main() -> Result<(), Error> {
    serve("health", ready(Ok(Health::default())), Health::handle).await
}

//! Tells that it lives, and administrators how everything else does.

mod dependencies;
mod handler;

use std::convert::Infallible;

use handler::Health;
use lambda_http::{Error, Request, service_fn};
use media_sync::telemetry;

/// Nothing is loaded before it is asked for: to be alive nothing else is needed.
#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("health");
    let handler = Health::default();
    lambda_http::run(service_fn(async |request: Request| {
        Ok::<_, Infallible>(handler.handle(request).await)
    }))
    .await
}

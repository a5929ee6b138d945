//! Serves the OpenAPI document: public, without configuration, secrets or permissions.

mod handler;

use std::convert::Infallible;

use lambda_http::{Error, Request, service_fn};
use media_sync::telemetry;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("openapi");
    lambda_http::run(service_fn(async |request: Request| {
        Ok::<_, Infallible>(handler::handle(request).await)
    }))
    .await
}

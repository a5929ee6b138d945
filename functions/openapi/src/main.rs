//! Serves the OpenAPI document, and tells the routes to requests that have none: public, without configuration,
//! secrets or permissions.

mod handler;
mod routes;

use std::future::ready;

use lambda_http::Error;
use media_sync::serve::serve;

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve("openapi", ready(Ok(())), |(), request| {
        handler::handle(request)
    })
    .await
}

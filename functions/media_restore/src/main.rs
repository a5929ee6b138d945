//! Brings deleted assets back and queues their return in Cloudinary.

mod handler;

use std::convert::Infallible;

use handler::MediaRestore;
use lambda_http::{Error, Request, service_fn};
use media_sync::http::MediaRequests;
use media_sync::telemetry;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("media_restore");
    let requests = MediaRequests::connect()
        .await
        .inspect_err(|error| telemetry::log_error("could not start", &**error))?;
    let handler = MediaRestore::new(requests);
    lambda_http::run(service_fn(async |request: Request| {
        Ok::<_, Infallible>(handler.handle(request).await)
    }))
    .await
}

//! Edits assets and queues their edits for Cloudinary.

mod edit;
mod handler;

use std::convert::Infallible;

use handler::MediaUpdate;
use lambda_http::{Error, Request, service_fn};
use media_sync::http::MediaRequests;
use media_sync::telemetry;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("media_update");
    let requests = MediaRequests::connect()
        .await
        .inspect_err(|error| telemetry::log_error("could not start", &**error))?;
    let handler = MediaUpdate::new(requests);
    lambda_http::run(service_fn(async |request: Request| {
        Ok::<_, Infallible>(handler.handle(request).await)
    }))
    .await
}

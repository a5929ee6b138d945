//! Soft-deletes assets and queues their deletion in Cloudinary.

mod handler;

use std::convert::Infallible;

use handler::MediaDelete;
use lambda_http::{Error, Request, service_fn};
use media_sync::http::MediaRequests;
use media_sync::telemetry;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("media_delete");
    let requests = MediaRequests::connect()
        .await
        .inspect_err(|error| telemetry::log_error("could not start", &**error))?;
    let handler = MediaDelete::new(requests);
    lambda_http::run(service_fn(async |request: Request| {
        Ok::<_, Infallible>(handler.handle(request).await)
    }))
    .await
}

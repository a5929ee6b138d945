//! Serves the console: a static page, and the publishable values that it needs to begin.

mod encoding;
mod files;
mod handler;
mod headers;

use handler::Console;
use lambda_http::Error;
use media_sync::config::{self, ConsoleConfig};
use media_sync::serve::serve;

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve("console", start(), Console::handle).await
}

async fn start() -> Result<Console, Error> {
    let aws = config::aws().await;
    let config = config::load::<ConsoleConfig>(&aws).await?;
    Ok(Console::new(config))
}

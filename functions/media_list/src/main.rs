//! Lists and searches assets from the database.

mod handler;
mod page_request;
#[cfg(test)]
mod strangers;

use handler::MediaList;
use lambda_http::Error;
use media_sync::config::{self, CallerConfig};
use media_sync::cursor::{CursorKey, CursorKeys};
use media_sync::serve::serve;

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve("media_list", start(), MediaList::handle).await
}

async fn start() -> Result<MediaList, Error> {
    let aws = config::aws().await;
    let config = config::load::<(CallerConfig, CursorKey)>(&aws).await?;
    let (callers, cursor_key) = config.split();
    let http = config::http_client()?;
    Ok(MediaList::new(
        callers.token_verifier(&http),
        callers.client(&http),
        CursorKeys::new(cursor_key),
    ))
}

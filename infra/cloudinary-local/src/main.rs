//! `cloudinary_local`: serves the stand-in until it is ended.

use std::io::Write;

use anyhow::{Context, Result, bail};
use cloudinary_local::{Server, ServerConfig};
use serde_json::{Map, Value};
use tracing_subscriber::filter::LevelFilter;

const USAGE: &str = "\
usage: cloudinary_local --data DIR [--listen 127.0.0.1:0] [--cloud demo] [--api-key KEY]
       [--api-secret SECRET] [--delivery-base URL] [--folder-mode dynamic|fixed]
       [--rate-limit N] [--setting NAME=JSON]...

Settings hold for a new data directory; later those recorded in it do.";

#[tokio::main]
async fn main() -> Result<()> {
    let level = std::env::var("LOG_LEVEL").ok();
    let level = level.and_then(|level| level.parse().ok());
    tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(LevelFilter::WARN))
        .with_writer(std::io::stderr)
        .init();
    let Some(config) = parse(std::env::args().skip(1))? else {
        writeln!(std::io::stdout(), "{USAGE}")?;
        return Ok(());
    };
    let server = Server::start(config).await?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "listening on {}", server.url())?;
    stdout.flush()?;
    server.wait().await;
    Ok(())
}

/// `None` when help is asked for.
fn parse(args: impl Iterator<Item = String>) -> Result<Option<ServerConfig>> {
    let mut config = ServerConfig::local("");
    let mut settings = Map::new();
    let mut args = args;
    while let Some(name) = args.next() {
        if name == "--help" || name == "-h" {
            return Ok(None);
        }
        let value = args
            .next()
            .with_context(|| format!("{name} needs a value\n\n{USAGE}"))?;
        match name.as_str() {
            "--listen" => {
                config.listen = value
                    .parse()
                    .with_context(|| format!("not an address: {value}"))?
            }
            "--data" => config.data = value.into(),
            "--cloud" => config.cloud = value,
            "--api-key" => config.api_key = value,
            "--api-secret" => config.api_secret = value,
            "--delivery-base" => config.delivery_base = Some(value),
            "--folder-mode" => {
                drop(settings.insert("folder_mode".to_owned(), Value::String(value)))
            }
            "--rate-limit" => {
                drop(settings.insert("rate_limit".to_owned(), serde_json::from_str(&value)?))
            }
            "--setting" => {
                let (name, json) = value.split_once('=').context("--setting takes NAME=JSON")?;
                // A bare word is a text.
                let json =
                    serde_json::from_str(json).unwrap_or_else(|_| Value::String(json.to_owned()));
                settings.insert(name.to_owned(), json);
            }
            _ => bail!("unknown argument {name}\n\n{USAGE}"),
        }
    }
    if config.data.as_os_str().is_empty() {
        bail!("--data is required\n\n{USAGE}");
    }
    config.settings = config
        .settings
        .with(settings)
        .context("a setting is unknown or of the wrong type")?;
    Ok(Some(config))
}

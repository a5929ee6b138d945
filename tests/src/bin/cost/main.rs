//! Measures a deployment's use, and writes the page docs/operate/cost.md from it.
//!
//! `cost ASSETS` starts a stack, imports a library of so many assets, changes some of them, lists pages and runs again.
//! The page multiplies the measured units for three sizes of library and adds the vendors' list prices.

mod measure;
mod page;
mod scenario;

use std::path::Path;

use anyhow::{Context as _, Result};

#[tokio::main]
async fn main() -> Result<()> {
    let asked = std::env::args().nth(1).context("usage: cost ASSETS")?;
    let assets = asked.parse().context("ASSETS is a number")?;
    let units = measure::measure(assets).await?;
    let page = page::render(assets, &units);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operate/cost.md");
    std::fs::write(&file, page).with_context(|| format!("cannot write {}", file.display()))?;
    eprintln!("cost: wrote docs/operate/cost.md");
    Ok(())
}

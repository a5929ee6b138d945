//! A library that existed before the mirror did, and its import.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use media_sync::cloudinary::upload::ContextCommand;
use reqwest::Method;
use serde_json::{Value, json};

use crate::screen::Screen;
use crate::waiting::until;
use crate::world::{World, pictures, public_ids};

struct Shelf {
    folder: &'static str,
    prefix: &'static str,
    resource_type: &'static str,
    tags: &'static [&'static str],
    count: u64,
}

const SHELVES: [Shelf; 5] = [
    Shelf {
        folder: "products/mugs",
        prefix: "mug-",
        resource_type: "image",
        tags: &["product", "mug"],
        count: 240,
    },
    Shelf {
        folder: "products/posters",
        prefix: "poster-",
        resource_type: "image",
        tags: &["product", "poster"],
        count: 210,
    },
    Shelf {
        folder: "campaigns/summer",
        prefix: "summer-",
        resource_type: "image",
        tags: &["campaign", "summer"],
        count: 150,
    },
    Shelf {
        folder: "campaigns/films",
        prefix: "film-",
        resource_type: "video",
        tags: &["campaign"],
        count: 5,
    },
    Shelf {
        folder: "documents",
        prefix: "sheet-",
        resource_type: "raw",
        tags: &["document"],
        count: 8,
    },
];

const NINETY_DAYS: u64 = 90 * 86_400;

/// Nobody listens yet: the library grows without a single notification.
pub(crate) async fn seed(world: &World, screen: &Screen) -> Result<()> {
    world.lose_notifications(true).await?;
    for shelf in &SHELVES {
        let recipe = json!({
            "count": shelf.count, "resource_types": [shelf.resource_type], "folder": shelf.folder,
            "prefix": shelf.prefix, "tags": shelf.tags, "spread_seconds": NINETY_DAYS,
            "emit_notifications": false,
        });
        world.control(Method::POST, "seed", recipe).await?;
        screen.line(format!(
            "{:>4} {:<5} in {}, tagged {}",
            shelf.count,
            shelf.resource_type,
            shelf.folder,
            shelf.tags.join(", ")
        ));
    }
    describe(world, screen).await?;
    world.lose_notifications(false).await?;
    let before = world.media(&[("limit", "1")]).await?;
    ensure!(
        before.is_empty(),
        "the database is not empty before the import"
    );
    screen.line("The database is empty.");
    Ok(())
}

/// Texts with the characters that Cloudinary uses as separators: they have to survive the way.
async fn describe(world: &World, screen: &Screen) -> Result<()> {
    let mugs = public_ids(&world.pick("products/mugs", 0, 40).await?);
    let context = BTreeMap::from([
        ("alt".to_owned(), "A mug, seen from the side".to_owned()),
        ("caption".to_owned(), "Tea | coffee = both".to_owned()),
    ]);
    world
        .cloudinary
        .update_context(pictures(&mugs), ContextCommand::Add(&context))
        .await?;
    let posters = public_ids(&world.pick("products/posters", 0, 25).await?);
    world.stack.define_text_field("licence").await?;
    let metadata = json!({"licence": "in-house"});
    let metadata = metadata.as_object().context("metadata is an object")?;
    world
        .cloudinary
        .update_metadata(pictures(&posters), metadata)
        .await?;
    screen.line(format!(
        "{} with context, {} with structured metadata",
        mugs.len(),
        posters.len()
    ));
    Ok(())
}

pub(crate) async fn import(world: &World, screen: &Screen) -> Result<()> {
    let there = world.library().await?.len();
    let run = reconcile(world).await?;
    screen.line(format!(
        "{} imported with {} calls to Cloudinary, {} pages",
        run["counters"]["created"], run["counters"]["cloudinary_calls"], run["counters"]["pages"]
    ));
    ensure!(
        run["counters"]["created"] == there,
        "Cloudinary holds {there} assets"
    );
    let overview = world.api(Method::GET, "/api/cloudinary/sync", None).await?;
    let stats = &overview["stats"];
    screen.good(format!(
        "The database counts {} images, {} videos and {} raw files.",
        stats["total_images"], stats["total_videos"], stats["total_raw"]
    ));
    ensure!(
        stats["total_assets"] == there,
        "Cloudinary holds {there} assets: {stats}"
    );
    Ok(())
}

/// Runs a full reconciliation to its good end, wherever it is worked on; answers the run.
pub(crate) async fn reconcile(world: &World) -> Result<Value> {
    loop {
        let body = Some(json!({"mode": "full"}));
        let started = world
            .api(Method::POST, "/api/cloudinary/sync", body)
            .await?;
        let id = started["run_id"].clone();
        let (run, _) = until("the reconciliation ends", async || {
            let overview = world.api(Method::GET, "/api/cloudinary/sync", None).await?;
            let runs = overview["recent_runs"].as_array();
            let run = runs.and_then(|runs| runs.iter().find(|run| run["run_id"] == id));
            Ok(run.filter(|run| run["status"] != "running").cloned())
        })
        .await?;
        ensure!(
            run["status"] == "succeeded",
            "the run did not succeed: {run}"
        );
        // A schedule may have been working already; then the answer was about its run.
        if run["trigger"] == "api" {
            return Ok(run);
        }
    }
}

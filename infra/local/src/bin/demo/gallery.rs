//! A library worth looking at: uploads of somebody who owns them, a collection, a use, a trash, and one thing in trouble.

use anyhow::{Context as _, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::screen::{Screen, seconds};
use crate::waiting::until;
use crate::world::World;

const MEDIA: &str = "/api/cloudinary/media";

/// Titles of uploaded pictures, with their tags.
const PICTURES: [(&str, [&str; 2]); 12] = [
    ("First light over the bay", ["sea", "morning"]),
    ("Ferry day", ["sea", "noon"]),
    ("Fog on the hills", ["hills", "morning"]),
    ("Red dunes", ["desert", "evening"]),
    ("The lake at dusk", ["lake", "evening"]),
    ("Full moon", ["hills", "night"]),
    ("Harvest", ["hills", "evening"]),
    ("Night watch", ["hills", "night"]),
    ("غروب على البحيرة", ["lake", "evening"]),
    ("Violet hour", ["lake", "evening"]),
    (
        "Over the pass, in the last week of a summer that did not want to end",
        ["mountains", "noon"],
    ),
    ("湖畔の夕暮れ", ["lake", "evening"]),
];

/// The owner uploads by the API, an administrator collects, and the owner throws one away.
pub(crate) async fn fill(world: &World, screen: &Screen) -> Result<()> {
    let mut assets = Vec::new();
    for (seed, (title, tags)) in PICTURES.iter().enumerate() {
        assets.push(upload(world, seed, title, tags).await?);
    }
    screen.line(format!(
        "{} pictures of owner@example.com, uploaded through the API",
        assets.len()
    ));
    describe(world, &assets[0]).await?;
    collect(world, screen, &assets[2..8]).await?;
    throw_away(world, screen, &assets[11]).await
}

async fn upload(world: &World, seed: usize, title: &str, tags: &[&str]) -> Result<Value> {
    let picture = format!(
        "{}/_control/picture?seed={seed}&width=960&height=640",
        world.stack.cloudinary_control()?
    );
    let upload = json!({
        "url": picture, "resource_type": "image", "display_name": title, "tags": tags, "context": {"alt": title},
    });
    let owner = &world.people.owner;
    let uploaded = world
        .api_as(owner, Method::POST, "/api/cloudinary/upload", Some(upload))
        .await?;
    let asset = uploaded["item"].clone();
    ensure!(
        asset["id"].is_string(),
        "an upload answers its row: {uploaded}"
    );
    Ok(asset)
}

async fn describe(world: &World, asset: &Value) -> Result<()> {
    let path = format!("{MEDIA}/{}", id(asset)?);
    let texts = json!({
        "description": "Taken from the pier. The printer has the large file.",
        "alt_text": "The sun rises over a bay between dark hills",
    });
    world
        .api_as(&world.people.owner, Method::PATCH, &path, Some(texts))
        .await?;
    let page = json!({
        "p_usage_type": "cover", "p_table_name": "articles", "p_record_id": "42",
        "p_assets": [id(asset)?],
    });
    world
        .data(&world.people.owner, "rpc/media_usage_record", &page)
        .await?;
    Ok(())
}

async fn collect(world: &World, screen: &Screen, assets: &[Value]) -> Result<()> {
    let administrator = &world.people.administrator;
    let collection = json!({
        "name": "Autumn window", "description": "For the shop's front page", "is_public": true,
    });
    let made = world
        .data(administrator, "media_collections", &collection)
        .await?;
    let ids: Vec<&str> = assets.iter().map(id).collect::<Result<_>>()?;
    let shelf = json!({"p_collection": made[0]["id"], "p_assets": ids});
    world
        .data(administrator, "rpc/media_collection_add", &shelf)
        .await?;
    screen.line(format!("a collection of {} of them", ids.len()));
    Ok(())
}

async fn throw_away(world: &World, screen: &Screen, asset: &Value) -> Result<()> {
    let owner = &world.people.owner;
    let path = format!("{MEDIA}/{}", id(asset)?);
    world.api_as(owner, Method::DELETE, &path, None).await?;
    let (_, waited) = until("the deleted picture in the trash", async || {
        let trash = world
            .media(&[("deleted", "only"), ("limit", "200")])
            .await?;
        let confirmed = |row: &Value| row["id"] == asset["id"] && row["sync_status"] == "synced";
        Ok(trash.iter().any(confirmed).then_some(()))
    })
    .await?;
    screen.good(format!(
        "One was thrown away by its owner: in the trash after {}, and it can be restored.",
        seconds(waited)
    ));
    Ok(())
}

/// An edit that Cloudinary refuses for good: its row says so until somebody puts it right.
pub(crate) async fn trouble(world: &World, screen: &Screen) -> Result<()> {
    let poster = world.pick("products/posters", 60, 1).await?.remove(0);
    let path = format!("{MEDIA}/{}", poster.asset_id);
    let unknown = json!({"metadata": {"printer": "nobody has defined this field"}});
    world.api(Method::PATCH, &path, Some(unknown)).await?;
    let (row, waited) = until("the refused edit in its row", async || {
        let rows = world.rows(std::slice::from_ref(&poster.asset_id)).await?;
        Ok(rows.into_iter().find(|row| row["sync_status"] == "error"))
    })
    .await?;
    screen.line(format!(
        "{}: {} (after {})",
        poster.name.public_id,
        row["sync_error_message"].as_str().unwrap_or_default(),
        seconds(waited)
    ));
    screen.line("The page of issues tells it, with advice.");
    Ok(())
}

fn id(asset: &Value) -> Result<&str> {
    asset["id"].as_str().context("an asset has an id")
}

//! Changes in Cloudinary arrive in the database by themselves.

use std::collections::BTreeMap;
use std::io::Cursor;

use anyhow::{Context as _, Result, ensure};
use image::{ImageFormat, Rgb, RgbImage};
use media_sync::asset::ResourceType;
use media_sync::cloudinary::CloudinaryResource;
use media_sync::cloudinary::upload::{
    ContextCommand, RenameRequest, TagCommand, UploadOptions, UploadSource,
};
use serde_json::json;

use crate::screen::{Screen, seconds};
use crate::waiting::until;
use crate::world::{World, asset_ids, pictures, public_ids};

pub(crate) async fn upload(world: &World, screen: &Screen) -> Result<()> {
    let uploaded = put(world, "harbour-at-dawn", [235, 150, 90]).await?;
    let (row, waited) = until("the uploaded picture's row", async || {
        let found = world.media(&[("search", "harbour-at-dawn")]).await?;
        Ok(found.into_iter().next())
    })
    .await?;
    ensure!(
        row["file_size"] == json!(uploaded.bytes) && row["width"] == json!(uploaded.width),
        "the row describes another picture: {row}"
    );
    screen.line(format!(
        "uploaded {} ({} bytes, {} x {})",
        uploaded.public_id.as_deref().unwrap_or_default(),
        row["file_size"],
        row["width"],
        row["height"]
    ));
    screen.good(format!(
        "Its row appeared {} after Cloudinary had answered, tagged {}.",
        seconds(waited),
        row["tags"]
    ));
    Ok(())
}

/// Uploads a small picture of this colour by the signed Upload API.
pub(crate) async fn put(world: &World, name: &str, colour: [u8; 3]) -> Result<CloudinaryResource> {
    let options = UploadOptions {
        resource_type: Some(ResourceType::Image),
        public_id: Some(format!("journal/{name}")),
        asset_folder: Some("journal".to_owned()),
        display_name: Some(name.replace('-', " ")),
        tags: vec!["journal".to_owned(), "fresh".to_owned()],
        context: BTreeMap::from([("alt".to_owned(), format!("A picture: {name}"))]),
        ..UploadOptions::default()
    };
    let source = UploadSource::Bytes {
        data: picture(colour)?.into(),
        filename: format!("{name}.png"),
    };
    let answer = world.cloudinary.upload(source, &options).await?;
    Ok(answer.value)
}

/// A PNG that fades from the colour to black.
fn picture(colour: [u8; 3]) -> Result<Vec<u8>> {
    let (width, height) = (320, 200);
    let picture = RgbImage::from_fn(width, height, |_, y| {
        let light = |part: u8| u32::from(part) * (height - y) / height;
        Rgb(colour.map(|part| u8::try_from(light(part)).unwrap_or(u8::MAX)))
    });
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)?;
    Ok(bytes)
}

pub(crate) async fn edit(world: &World, screen: &Screen) -> Result<()> {
    tag(world, screen).await?;
    caption(world, screen).await?;
    rename(world, screen).await
}

async fn tag(world: &World, screen: &Screen) -> Result<()> {
    let mugs = world.pick("products/mugs", 10, 12).await?;
    let tags = ["bestseller".to_owned()];
    world
        .cloudinary
        .update_tags(pictures(&public_ids(&mugs)), TagCommand::Add, &tags)
        .await?;
    let (_, waited) = until("the new tag in the database", async || {
        let found = world
            .media(&[("tags", "bestseller"), ("limit", "200")])
            .await?;
        Ok((found.len() == mugs.len()).then_some(()))
    })
    .await?;
    screen.good(format!(
        "{} assets got the tag `bestseller`: found by it after {}.",
        mugs.len(),
        seconds(waited)
    ));
    Ok(())
}

async fn caption(world: &World, screen: &Screen) -> Result<()> {
    let posters = world.pick("products/posters", 30, 3).await?;
    let caption = "Printed = 1998 | signed";
    let context = BTreeMap::from([("caption".to_owned(), caption.to_owned())]);
    world
        .cloudinary
        .update_context(
            pictures(&public_ids(&posters)),
            ContextCommand::Add(&context),
        )
        .await?;
    let ids = asset_ids(&posters);
    let (_, waited) = until("the new context in the database", async || {
        let rows = world.rows(&ids).await?;
        let arrived = |row: &serde_json::Value| row["context"]["caption"] == caption;
        Ok((rows.len() == ids.len() && rows.iter().all(arrived)).then_some(()))
    })
    .await?;
    screen.good(format!(
        "{} assets got the caption `{caption}`: there after {}.",
        ids.len(),
        seconds(waited)
    ));
    Ok(())
}

async fn rename(world: &World, screen: &Screen) -> Result<()> {
    let poster = world.pick("products/posters", 40, 1).await?.remove(0);
    let before = world.rows(std::slice::from_ref(&poster.asset_id)).await?;
    let before = before.first().context("the poster has a row")?;
    let rename = RenameRequest {
        from: &poster.name,
        to_public_id: "products/posters/lighthouse",
        to_type: None,
        overwrite: false,
        invalidate: true,
    };
    world.cloudinary.rename(&rename).await?;
    let (row, waited) = until("the new name in the database", async || {
        let found = world.media(&[("search", "posters/lighthouse")]).await?;
        Ok(found.into_iter().next())
    })
    .await?;
    ensure!(
        row["id"] == before["id"],
        "the renamed asset has become another row: {row}"
    );
    screen.good(format!(
        "{} became {}: after {}, in the same row.",
        poster.name.public_id,
        rename.to_public_id,
        seconds(waited)
    ));
    Ok(())
}

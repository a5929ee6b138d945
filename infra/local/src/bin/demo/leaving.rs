//! Deletes, from either side, until both sides confirm them.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use media_sync::asset::AssetId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::screen::{Screen, seconds};
use crate::waiting::until;
use crate::world::{World, asset_ids, public_ids};

pub(crate) async fn delete(world: &World, screen: &Screen) -> Result<()> {
    by_the_api(world, screen).await?;
    in_cloudinary(world, screen).await
}

async fn by_the_api(world: &World, screen: &Screen) -> Result<()> {
    let doomed = world.pick("campaigns/summer", 0, 4).await?;
    let mut names = public_ids(&doomed);
    names.push("campaigns/summer/never-was".to_owned());
    let path = format!("/api/cloudinary/media?public_ids={}", names.join(","));
    let answer = world.api(Method::DELETE, &path, None).await?;
    let deleted = answer["deleted"].as_array().context("what was deleted")?;
    ensure!(
        deleted.len() == doomed.len(),
        "not all were deleted: {answer}"
    );
    let failed = answer["failed"].as_array().context("what failed")?;
    ensure!(failed.len() == 1, "exactly one was unknown: {answer}");
    screen.line(format!(
        "DELETE /api/cloudinary/media: {} deleted here; {}: {}",
        deleted.len(),
        failed[0]["public_id"].as_str().unwrap_or_default(),
        failed[0]["error"].as_str().unwrap_or_default()
    ));
    let waited = gone_on_both_sides(world, &asset_ids(&doomed)).await?;
    screen.good(format!(
        "Cloudinary followed, and the rows are confirmed, after {waited}."
    ));
    Ok(())
}

async fn in_cloudinary(world: &World, screen: &Screen) -> Result<()> {
    let doomed = world.pick("campaigns/summer", 5, 1).await?.remove(0);
    world.cloudinary.destroy(&doomed.asset_id, true).await?;
    let waited = gone_on_both_sides(world, std::slice::from_ref(&doomed.asset_id)).await?;
    screen.good(format!(
        "{} was deleted in Cloudinary: its row followed after {waited}.",
        doomed.name.public_id
    ));
    Ok(())
}

/// Gone from Cloudinary's storage, and tombstones here that wait for nothing.
async fn gone_on_both_sides(world: &World, ids: &[AssetId]) -> Result<String> {
    let wanted: BTreeSet<AssetId> = ids.iter().cloned().collect();
    let (_, waited) = until("the deletes on both sides", async || {
        let rows = world.rows(ids).await?;
        let there = world.library_ids().await?;
        let gone = rows.len() == ids.len() && rows.iter().all(is_settled_tombstone);
        Ok((gone && there.is_disjoint(&wanted)).then_some(()))
    })
    .await?;
    Ok(seconds(waited))
}

fn is_settled_tombstone(row: &Value) -> bool {
    !row["deleted_at"].is_null() && row["intent"].is_null() && row["sync_status"] == json!("synced")
}

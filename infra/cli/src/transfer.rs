//! Makes another user the owner of somebody's assets, batch by batch.

use media_sync::supabase::DataApi;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::failure::Failure;

/// Rows of one transaction: few enough for the eight seconds that a statement may take.
const BATCH: u32 = 500;

/// The assets that somebody owns, or that were moved.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnedAssets {
    /// Rows of assets, the deleted ones included.
    pub assets: u64,
    /// Collections.
    pub collections: u64,
}

/// Counts the assets that nobody owns: in this folder and beneath it, or anywhere.
///
/// # Errors
/// When the Data API does not answer or refuses.
pub async fn count_unowned(
    below: Option<&str>,
    supabase: &DataApi,
) -> Result<OwnedAssets, Failure> {
    let arguments = json!({ "p_below": below });
    Ok(OwnedAssets {
        assets: supabase.rpc("media_sync_count_unowned", &arguments).await?,
        collections: 0,
    })
}

/// Gives these assets to a user; `told` hears the sum after each batch. A second time it finds the rest.
///
/// # Errors
/// When the Data API does not answer or refuses. Assets given until then stay given.
pub async fn assign_unowned(
    to: &str,
    below: Option<&str>,
    supabase: &DataApi,
    mut told: impl FnMut(OwnedAssets),
) -> Result<OwnedAssets, Failure> {
    let mut given = OwnedAssets::default();
    let mut after = None;
    loop {
        let arguments = json!({"p_to": to, "p_below": below, "p_after": after, "p_limit": BATCH});
        let batch: AssignedBatch = supabase
            .rpc("media_sync_assign_unowned", &arguments)
            .await?;
        given.assets += batch.assets;
        told(given);
        if batch.last.is_none() {
            return Ok(given);
        }
        after = batch.last;
    }
}

#[derive(Deserialize)]
struct AssignedBatch {
    assets: u64,
    last: Option<Uuid>,
}

/// Counts a user's assets.
///
/// # Errors
/// When the Data API does not answer or refuses.
pub async fn count(owner: &str, supabase: &DataApi) -> Result<OwnedAssets, Failure> {
    let total = async |table: &str, column: &str| -> Result<u64, Failure> {
        let query = supabase
            .from(table)
            .select("id")
            .eq(column, owner)
            .limit(1)
            .exact_count();
        Ok(supabase.send(query).await?.total().unwrap_or_default())
    };
    Ok(OwnedAssets {
        assets: total("media_assets", "uploaded_by").await?,
        collections: total("media_collections", "owner").await?,
    })
}

/// Moves everything; `told` hears the sum after each batch. A second time it finds the rest.
///
/// # Errors
/// When the Data API does not answer or refuses. Assets moved until then stay moved.
pub async fn transfer(
    (from, to): (&str, &str),
    collections: bool,
    supabase: &DataApi,
    mut told: impl FnMut(OwnedAssets),
) -> Result<OwnedAssets, Failure> {
    let mut moved = OwnedAssets::default();
    loop {
        let arguments =
            json!({"p_from": from, "p_to": to, "p_limit": BATCH, "p_collections": collections});
        let batch: OwnedAssets = supabase.rpc("media_sync_transfer", &arguments).await?;
        moved.assets += batch.assets;
        moved.collections += batch.collections;
        told(moved);
        if batch.assets == 0 {
            return Ok(moved);
        }
    }
}

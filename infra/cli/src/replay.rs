//! Has recorded notifications applied again, and waits for the last of them.
//!
//! The function sends them to their queue, oldest first. The worker counts each time that it takes one again
//! (`replays`), so the newest one's count tells the end.

use std::time::Duration;

use media_sync::asset::AssetId;
use media_sync::supabase::DataApi;
use media_sync::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::deployment::{DeployedFunction, Deployment};
use crate::exit::Exit;
use crate::failure::Failure;

/// Between two looks into the database.
const PAUSE: Duration = Duration::from_millis(500);

/// Which notifications are replayed.
#[derive(Debug, Clone)]
pub struct ReplayScope {
    /// Those received since then.
    pub since: Timestamp,
    /// Those received from then on are not: they have just been applied.
    pub until: Timestamp,
    /// Only those of this asset.
    pub asset: Option<AssetId>,
}

/// A replay that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplayStart {
    /// The notifications that are replayed.
    pub notifications: u64,
    /// Those of them that nobody could read before.
    pub parked: u64,
    /// The newest one, and how often it was taken again before.
    #[serde(skip)]
    newest: Option<Record>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Record {
    digest: String,
    replays: i64,
}

/// Finds the id that Cloudinary knows an asset by: from that id itself, or from its row's.
///
/// # Errors
/// When there is no such asset, or the Data API does not answer.
pub async fn resolve_asset(name: &str, supabase: &DataApi) -> Result<AssetId, Failure> {
    #[derive(Deserialize)]
    struct Row {
        cloudinary_asset_id: Option<AssetId>,
    }
    if let Ok(id) = AssetId::parse(name) {
        return Ok(id);
    }
    let row = Uuid::parse_str(name).map_err(|_| {
        Failure::new(Exit::Usage, format!("{name} is no asset's id"))
            .mend("give the asset's id in Cloudinary (32 hex digits), or the id of its row")
    })?;
    let query = supabase
        .from("media_assets")
        .select("cloudinary_asset_id")
        .eq("id", row.to_string())
        .limit(1);
    let rows: Vec<Row> = supabase.send(query).await?.json()?;
    let id = rows
        .into_iter()
        .next()
        .and_then(|row| row.cloudinary_asset_id);
    id.ok_or_else(|| {
        Failure::new(
            Exit::Failed,
            format!("no row with the id {name} has an asset in Cloudinary"),
        )
    })
}

impl ReplayScope {
    /// Counts the recorded notifications, without replaying them.
    ///
    /// # Errors
    /// When the Data API does not answer or refuses.
    pub async fn look(&self, supabase: &DataApi) -> Result<ReplayStart, Failure> {
        let (notifications, newest) = self.count(supabase, None).await?;
        let (parked, _) = self.count(supabase, Some("parked")).await?;
        Ok(ReplayStart {
            notifications,
            parked,
            newest,
        })
    }

    /// The event that asks for the replay.
    pub fn event(&self) -> Value {
        let mut replay = json!({"since": self.since});
        if let Some(asset) = &self.asset {
            replay["asset_id"] = json!(asset);
        }
        json!({ "replay": replay })
    }

    /// Asks the function `maintenance` for the replay.
    ///
    /// # Errors
    /// When it does not answer, or fails.
    pub async fn begin(&self, deployment: &Deployment) -> Result<(), Failure> {
        let event = self.event();
        deployment
            .invoke(DeployedFunction::Maintenance, &event)
            .await
            .map(drop)
    }

    /// Waits until the newest notification was applied again; answers how many stay unreadable.
    ///
    /// # Errors
    /// When the Data API refuses.
    pub async fn wait(&self, begun: &ReplayStart, supabase: &DataApi) -> Result<u64, Failure> {
        while !has_come(begun, supabase).await? {
            tokio::time::sleep(PAUSE).await;
        }
        self.count(supabase, Some("parked"))
            .await
            .map(|(parked, _)| parked)
    }

    async fn count(
        &self,
        supabase: &DataApi,
        verdict: Option<&str>,
    ) -> Result<(u64, Option<Record>), Failure> {
        let mut query = supabase
            .from("media_notifications")
            .select("digest,replays")
            .gte("received_at", self.since.to_string())
            .lt("received_at", self.until.to_string())
            .order("received_at.desc,digest.desc")
            .limit(1)
            .exact_count();
        if let Some(asset) = &self.asset {
            query = query.cs("asset_ids", format!("{{{asset}}}"));
        }
        if let Some(verdict) = verdict {
            query = query.eq("verdict", verdict);
        }
        let reply = supabase.send(query).await?;
        let records: Vec<Record> = reply.json()?;
        Ok((
            reply.total().unwrap_or_default(),
            records.into_iter().next(),
        ))
    }
}

async fn has_come(begun: &ReplayStart, supabase: &DataApi) -> Result<bool, Failure> {
    let Some(newest) = &begun.newest else {
        return Ok(true);
    };
    let query = supabase
        .from("media_notifications")
        .select("digest,replays")
        .eq("digest", &newest.digest)
        .limit(1);
    let reply = supabase.send(query).await.map_err(Failure::from);
    let records: Vec<Record> = match reply {
        Ok(reply) => reply.json()?,
        // The database may be back with the next look.
        Err(failure) if failure.exit == Exit::TryAgain => return Ok(false),
        Err(failure) => return Err(failure),
    };
    // One that retention has removed meanwhile is not waited for.
    Ok(records
        .first()
        .is_none_or(|record| record.replays > newest.replays))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_is_the_one_that_the_function_reads() {
        let since = Timestamp::from_secs(1_767_225_600);
        let scope = |asset: Option<&str>| ReplayScope {
            since,
            until: since,
            asset: asset.map(|id| AssetId::parse(id).unwrap()),
        };
        let all = json!({"replay": {"since": "2026-01-01T00:00:00.000000Z"}});
        assert_eq!(scope(None).event(), all);
        let id = "0123456789abcdef0123456789abcdef";
        assert_eq!(scope(Some(id)).event()["replay"]["asset_id"], id);
    }
}

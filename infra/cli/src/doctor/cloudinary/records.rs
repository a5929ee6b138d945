//! The database's records of Cloudinary's news, as far as checks of the account read them.

use media_sync::cloudinary::signature::SignatureAlgorithm;
use media_sync::sync::marker::LibraryPlace;
use media_sync::sync::store::{MirrorHealth, RefusalSummary};
use media_sync::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::super::http::ProbeAnswer;
use super::super::supabase::api::{self, Project};
use super::super::{EvidenceSources, ProbeResult, SkipReason, limited};

/// Notifications, accepted and refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotificationRecords {
    /// When the newest accepted one was received.
    pub last_accepted: Option<Timestamp>,
    /// The hash of the newest accepted one's signature.
    pub algorithm: Option<SignatureAlgorithm>,
    /// The webhook's refusals, newest first.
    pub refusals: Vec<RefusalSummary>,
}

/// A row's public id and folder.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AssetPlace {
    /// The public id.
    #[serde(rename = "cloudinary_public_id")]
    pub public_id: String,
    /// The folder.
    pub folder: String,
}

/// Asks the Data API for all of them.
pub(super) async fn read(
    sources: &EvidenceSources<'_>,
) -> (
    ProbeResult<NotificationRecords>,
    ProbeResult<Vec<AssetPlace>>,
    ProbeResult<(Uuid, LibraryPlace)>,
) {
    let project = Project::new(sources.settings, &sources.http);
    tokio::join!(
        limited("the Data API", notifications(&project)),
        limited("the Data API", places(&project)),
        limited("the Data API", own_name(&project)),
    )
}

async fn notifications(project: &Project<'_>) -> ProbeResult<NotificationRecords> {
    const NEWEST: &str = "media_notifications?select=signature_algorithm&signature_algorithm=not.is.null\
        &order=received_at.desc&limit=1";
    let mirror = answered(api::health(project).await?)?;
    let mirror = MirrorHealth::deserialize(mirror).map_err(|_| {
        SkipReason::because("the database's records cannot be read (sb-migrations)")
    })?;
    let newest = answered(api::rows(project, NEWEST).await?)?;
    let algorithm = newest.pointer("/0/signature_algorithm");
    Ok(NotificationRecords {
        last_accepted: mirror.last_notification,
        algorithm: algorithm
            .and_then(Value::as_str)
            .and_then(SignatureAlgorithm::parse),
        refusals: mirror.refusals,
    })
}

/// Some of the live assets that lie in a folder.
async fn places(project: &Project<'_>) -> ProbeResult<Vec<AssetPlace>> {
    const SOME: &str = "media_assets?select=cloudinary_public_id,folder&deleted_at=is.null&folder=neq.\
        &order=updated_at.desc&limit=500";
    let rows = answered(api::rows(project, SOME).await?)?;
    Vec::deserialize(rows)
        .map_err(|_| SkipReason::because("the rows cannot be read (sb-migrations)"))
}

/// The database's name, as its marker has it.
async fn own_name(project: &Project<'_>) -> ProbeResult<(Uuid, LibraryPlace)> {
    let unreadable = || SkipReason::because("the database's name cannot be read (sb-migrations)");
    let mirror = answered(api::health(project).await?)?;
    let mirror = MirrorHealth::deserialize(mirror).map_err(|_| unreadable())?;
    let fence = mirror.fence.ok_or_else(unreadable)?;
    let address = Url::parse(project.url()?).map_err(|_| unreadable())?;
    Ok((fence.id, LibraryPlace::of_database(&address)))
}

fn answered(answer: ProbeAnswer) -> ProbeResult<Value> {
    match answer.status {
        200 => Ok(answer.body),
        _ => Err(SkipReason::because(format!(
            "the Data API refuses: {} (sb-keys, sb-migrations)",
            answer.message()
        ))),
    }
}

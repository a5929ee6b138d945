//! Looks at assets by id, and makes observations of the present and the missing ones.

use std::collections::BTreeSet;

use crate::asset::{AssetId, DeliveryName};
pub use crate::cloudinary::admin::MAX_ASSET_IDS;
use crate::cloudinary::{CloudinaryClient, CloudinaryError};
use crate::observation::{AbsenceMeaning, Observation, ObservedState};
use crate::time::Timestamp;

/// Looks at up to [`MAX_ASSET_IDS`] assets: those that are not there are observed as gone, under
/// the name given with them.
///
/// `after` is a moment of Cloudinary's clock that was known before the call, from a notification or
/// a row. The answer is newer than that, whatever the local clock says.
pub async fn fetch_observations(
    cloudinary: &CloudinaryClient,
    wanted: &[(AssetId, Option<DeliveryName>)],
    after: Option<Timestamp>,
) -> Result<Vec<Observation>, CloudinaryError> {
    let ids: Vec<AssetId> = wanted.iter().map(|(id, _)| id.clone()).collect();
    let answer = cloudinary.fetch_by_asset_ids(&ids).await?;
    let at = stamp(answer.observed_at, after);
    let mut observations: Vec<Observation> = answer
        .value
        .iter()
        .filter_map(|resource| Observation::of_resource(resource, at, AbsenceMeaning::Everything))
        .collect();
    let found: BTreeSet<AssetId> = observations
        .iter()
        .map(|seen| seen.asset_id.clone())
        .collect();
    let missing = wanted.iter().filter(|(id, _)| !found.contains(id));
    observations.extend(missing.map(|(id, name)| Observation {
        asset_id: id.clone(),
        at,
        fact: ObservedState::Gone(name.clone()),
    }));
    Ok(observations)
}

/// The moment of an answer: not before anything known at the time of the call.
pub fn stamp(observed_at: Timestamp, after: Option<Timestamp>) -> Timestamp {
    after.map_or(observed_at, |after| observed_at.max(after.next()))
}

//! Looks at assets by id, and makes observations of the present and the missing ones.

use std::collections::BTreeSet;

use crate::asset::{AssetId, DeliveryName};
pub use crate::cloudinary::admin::MAX_ASSET_IDS;
use crate::cloudinary::{CloudinaryClient, CloudinaryError};
use crate::observation::{AbsenceMeaning, Observation, ObservedState};
use crate::time::Timestamp;

/// The most calls of one look: the look, the same for the missing ones, and one of these by itself.
pub const MOST_CALLS: usize = 3;

/// Assets to look at, and the names they are known by.
type Wanted = [(AssetId, Option<DeliveryName>)];

/// The result of a look, and the calls that it took.
#[derive(Clone, Debug)]
pub struct LookAnswer {
    pub observations: Vec<Observation>,
    pub calls: u64,
}

/// Looks at up to [`MAX_ASSET_IDS`] assets: those that are not there are observed as gone, under
/// the name given with them.
///
/// An answer may be short, and absence from it proves nothing. So the missing ones are asked for once more, and one of
/// those that are still missing by itself. If that one is there, the look has failed.
///
/// `after` is a moment of Cloudinary's clock that was known before the call, from a notification or
/// a row. The answer is newer than that, whatever the local clock says.
///
/// # Errors
/// See [`CloudinaryError`]; [`CloudinaryError::Unreadable`] for answers that leave assets out.
pub async fn fetch_observations(
    cloudinary: &CloudinaryClient,
    wanted: &Wanted,
    after: Option<Timestamp>,
) -> Result<LookAnswer, CloudinaryError> {
    let (mut observations, _) = fetch_present(cloudinary, wanted, after).await?;
    let mut calls = 1;
    let mut missing = without(wanted, &observations);
    if missing.len() > 1 {
        let (found, _) = fetch_present(cloudinary, &missing, after).await?;
        calls += 1;
        missing = without(&missing, &found);
        observations.extend(found);
    }
    if let Some((id, _)) = missing.first() {
        let at = confirm_absence(cloudinary, id, after).await?;
        calls += 1;
        observations.extend(missing.into_iter().map(|(asset_id, name)| Observation {
            asset_id,
            at,
            fact: ObservedState::Gone(name),
        }));
    }
    Ok(LookAnswer {
        observations,
        calls,
    })
}

/// The assets of these that one answer shows, and its moment.
async fn fetch_present(
    cloudinary: &CloudinaryClient,
    wanted: &Wanted,
    after: Option<Timestamp>,
) -> Result<(Vec<Observation>, Timestamp), CloudinaryError> {
    let ids: Vec<AssetId> = wanted.iter().map(|(id, _)| id.clone()).collect();
    let answer = cloudinary.fetch_by_asset_ids(&ids).await?;
    let at = stamp(answer.observed_at, after);
    let resources = answer.value.iter();
    let seen = resources
        .filter_map(|resource| Observation::of_resource(resource, at, AbsenceMeaning::Everything));
    Ok((seen.collect(), at))
}

/// Asks for one asset by itself. Answers the moment at which it was not there.
async fn confirm_absence(
    cloudinary: &CloudinaryClient,
    id: &AssetId,
    after: Option<Timestamp>,
) -> Result<Timestamp, CloudinaryError> {
    let answer = cloudinary.fetch_resource(id).await?;
    let at = stamp(answer.observed_at, after);
    let seen = answer.value.as_ref();
    let seen = seen
        .and_then(|resource| Observation::of_resource(resource, at, AbsenceMeaning::Everything));
    match seen.map(|seen| seen.fact) {
        Some(ObservedState::Seen(_)) => Err(CloudinaryError::Unreadable {
            doing: "look at assets by id".to_owned(),
            status: 200,
            excerpt: format!("it leaves out {id}, which is there"),
            source: None,
        }),
        _ => Ok(at),
    }
}

/// Of the wanted assets, those that nobody has observed.
fn without(wanted: &Wanted, observations: &[Observation]) -> Vec<(AssetId, Option<DeliveryName>)> {
    let found: BTreeSet<&AssetId> = observations.iter().map(|seen| &seen.asset_id).collect();
    let missing = wanted.iter().filter(|(id, _)| !found.contains(id));
    missing.cloned().collect()
}

/// The moment of an answer: not before anything known at the time of the call.
pub fn stamp(observed_at: Timestamp, after: Option<Timestamp>) -> Timestamp {
    after.map_or(observed_at, |after| observed_at.max(after.next()))
}

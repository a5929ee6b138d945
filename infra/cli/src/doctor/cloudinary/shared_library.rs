//! Judges to whom the library belongs (pure).

use media_sync::cloudinary::CloudinaryResource;
use media_sync::sync::marker::LibraryOwner;
use serde::Deserialize;

use super::super::{CheckJudgement, CheckVerdict, SkipReason};
use super::CloudinaryEvidence;
use super::evidence::accepted;

/// The marker is this deployment's, or there is none.
pub(super) fn owner(evidence: &CloudinaryEvidence) -> CheckJudgement {
    let marker = evidence.marker.as_ref().map_err(SkipReason::clone)?;
    if marker.answer.status == 404 {
        return Ok(CheckVerdict::ok(
            "nobody has marked the library; `mediasync fence mark` does",
        ));
    }
    accepted(&evidence.marker)?;
    let (id, place) = evidence.own.as_ref().map_err(SkipReason::clone)?;
    let marker = CloudinaryResource::deserialize(&marker.answer.body)
        .map_err(|_| SkipReason::because("the marker's record cannot be read"))?;
    let owner = LibraryOwner::named_by(&marker);
    Ok(match owner.is(*id, place) {
        true => CheckVerdict::ok("the library belongs to this deployment"),
        false => CheckVerdict::failure(
            format!("the library belongs to {}", owner.words()),
            "mediasync fence take, if this deployment is to write there; the other one only reads from then on",
        ),
    })
}

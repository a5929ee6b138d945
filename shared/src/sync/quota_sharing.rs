//! Tells the others when people's calls have reached into the quota's reserve.
//!
//! Runs share their knowledge of the quota with every checkpoint. Other workers would spend a
//! database call on it, so they tell only a quota that makes runs wait.

use super::quota::is_low;
use super::store::MirrorStore;
use crate::cloudinary::CloudinaryClient;
use crate::telemetry;

/// Shares the newest reading of the quota if little is left of it. A failure costs precision only.
pub async fn share_low_quota(cloudinary: &CloudinaryClient, store: &MirrorStore) {
    let Some(reading) = cloudinary.newest_quota() else {
        return;
    };
    if !is_low(&reading, cloudinary.cloud_now()) {
        return;
    }
    if let Err(error) = store.note_quota(reading).await {
        telemetry::log_error("the quota was not shared", &error);
    }
}

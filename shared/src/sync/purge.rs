//! Removes what was recorded and is old: notifications, uploads, and runs that nothing builds on.

use std::time::Instant;

use super::store::{Purged, Store};
use crate::supabase::SupabaseError;

/// How long they are kept, in days.
pub const KEPT_DAYS: u32 = 30;

/// How many one call removes: few enough for a short transaction.
const BATCH: u32 = 2_000;

/// Removes what is older than [`KEPT_DAYS`], batch by batch, until nothing is left or `deadline`
/// has come; the rest is the next one's. The audit trail is never touched.
///
/// # Errors
/// When the database cannot be asked. What was removed until then stays removed.
pub async fn purge_records(store: &Store, deadline: Instant) -> Result<Purged, SupabaseError> {
    let mut removed = Purged::default();
    while Instant::now() < deadline {
        let batch = store.purge(KEPT_DAYS, BATCH).await?;
        removed.notifications += batch.notifications;
        removed.runs += batch.runs;
        removed.uploads += batch.uploads;
        let most = batch.notifications.max(batch.runs).max(batch.uploads);
        if most < u64::from(BATCH) {
            break;
        }
    }
    Ok(removed)
}

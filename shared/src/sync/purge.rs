//! Removes old records: notifications, uploads, runs that nothing builds on, idempotency keys, and
//! at last the audit trail.

use std::time::Instant;

use super::store::{MirrorStore, PurgedRecords};
use crate::supabase::SupabaseError;

/// The days for which they are kept.
pub const KEPT_DAYS: u32 = 30;

/// The days for which the audit trail is kept by default.
pub const AUDIT_DAYS: u32 = 400;

/// The least that can be said; the database refuses less.
pub const LEAST_AUDIT_DAYS: u32 = 90;

/// The number that one call removes: few enough for a short transaction.
const BATCH: u32 = 2_000;

/// Removes records older than [`KEPT_DAYS`], idempotency keys of more than a day, and audit entries
/// older than `audit_days`. It goes batch by batch, until nothing is left or `deadline` has come.
/// The rest is the next one's. Each batch leaves its own entry in the audit trail.
///
/// # Errors
/// When the database cannot be asked. What was removed until then stays removed.
pub async fn purge_records(
    store: &MirrorStore,
    audit_days: u32,
    deadline: Instant,
) -> Result<PurgedRecords, SupabaseError> {
    let mut removed = PurgedRecords::default();
    while Instant::now() < deadline {
        let batch = store.purge(KEPT_DAYS, audit_days, BATCH).await?;
        removed.notifications += batch.notifications;
        removed.runs += batch.runs;
        removed.uploads += batch.uploads;
        removed.audit += batch.audit;
        removed.idempotency_keys += batch.idempotency_keys;
        if batch.is_below(u64::from(BATCH)) {
            break;
        }
    }
    Ok(removed)
}

//! A look at live rows that a complete listing has not shown.

use super::error::ReconcileError;
use super::page::Page;
use super::stage::Stage;
use crate::sync::clients::SyncClients;
use crate::sync::lookup;
use crate::sync::quota_guard::QuotaGuard;
use crate::sync::settle::PlanEvidence;
use crate::sync::store::RunRow;

/// Looks at the next suspects of a run by their ids, at no more than one look may name.
pub(super) async fn read_suspects(
    clients: &SyncClients,
    quota: QuotaGuard,
    run: &RunRow,
    after: &str,
    limit: usize,
) -> Result<Page, ReconcileError> {
    let SyncClients { cloudinary, store } = clients;
    let suspects = store.fetch_suspects(run, after, limit).await?;
    let mut page = Page {
        evidence: PlanEvidence::default(),
        read_at: (cloudinary.cloud_now(), cloudinary.cloud_now_at_most()),
        suspects: suspects.len() as u64,
        restarted: false,
        next: Stage::Done,
    };
    let Some(last) = suspects.last() else {
        return Ok(page);
    };
    page.next = Stage::Suspects {
        after: last.asset_id.to_string(),
        cleared: true,
    };
    quota.admit(cloudinary, lookup::MOST_CALLS)?;
    // What the rows say was told before this look, so the look is newer than that.
    let newest = suspects
        .iter()
        .filter_map(|suspect| suspect.clocks.newest());
    let newest = newest.max();
    let ids = suspects.iter().map(|suspect| suspect.asset_id.clone());
    let wanted: Vec<_> = ids.map(|id| (id, None)).collect();
    let look = lookup::fetch_observations(cloudinary, &wanted, newest).await?;
    let suspects = suspects.into_iter();
    let known = suspects.map(|suspect| (suspect.asset_id, suspect.clocks));
    page.evidence = PlanEvidence::new(look.observations, look.calls).knowing(known);
    Ok(page)
}

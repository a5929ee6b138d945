//! Live rows that a complete listing has not shown: whether to go on, and a look at them.

use super::Slice;
use crate::sync::lookup::{self, MAX_ASSET_IDS};
use crate::sync::reconcile::ReconcileError;
use crate::sync::reconcile::read::Page;
use crate::sync::reconcile::stage::Stage;
use crate::sync::settle::Evidence;

/// A run that would delete more than this many rows, and more than this share of them, stops.
const MASS_DELETE_COUNT: u64 = 20;
const MASS_DELETE_PERCENT: u64 = 10;

/// Whether to delete `missing` of `live` rows would be too many at once.
pub(crate) fn is_mass_delete(missing: u64, live: u64) -> bool {
    missing > MASS_DELETE_COUNT
        && missing.saturating_mul(100) > live.saturating_mul(MASS_DELETE_PERCENT)
}

impl Slice<'_> {
    pub(super) async fn read_suspects(&self, after: &str) -> Result<Page, ReconcileError> {
        let cloudinary = &self.flow.cloudinary;
        let store = &self.flow.store;
        let suspects = store
            .fetch_suspects(&self.run, after, MAX_ASSET_IDS)
            .await?;
        let mut page = Page {
            evidence: Evidence::default(),
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
        self.quota.admit(cloudinary, 1)?;
        // What the rows say was told before this look, so the look is newer than that.
        let newest = suspects
            .iter()
            .filter_map(|suspect| suspect.clocks.newest());
        let newest = newest.max();
        let ids = suspects.iter().map(|suspect| suspect.asset_id.clone());
        let wanted: Vec<_> = ids.map(|id| (id, None)).collect();
        let looked = lookup::fetch_observations(cloudinary, &wanted, newest).await?;
        let suspects = suspects.into_iter();
        let known = suspects.map(|suspect| (suspect.asset_id, suspect.clocks));
        page.evidence = Evidence::new(looked, 1).knowing(known);
        Ok(page)
    }

    /// Before the first suspect is looked at: would going on do harm?
    pub(super) async fn reason_to_stop(
        &mut self,
    ) -> Result<Option<(&'static str, String)>, ReconcileError> {
        let Stage::Suspects { cleared: false, .. } = self.stage else {
            return Ok(None);
        };
        let count = self.flow.store.count_suspects(&self.run).await?;
        self.stage = Stage::Suspects {
            after: String::new(),
            cleared: true,
        };
        if self.options.allow_mass_delete {
            return Ok(None);
        }
        let reason = if self.counters.listed == 0 && count.live > 0 {
            let reason = format!(
                "Cloudinary listed nothing, and {} assets are live here",
                count.live
            );
            Some(("empty_listing", reason))
        } else {
            is_mass_delete(count.suspects, count.live).then(|| {
                let reason = format!(
                    "{} of {} live assets are missing in Cloudinary; if that is right, start a run with allow_mass_delete",
                    count.suspects, count.live
                );
                ("mass_delete", reason)
            })
        };
        if self.options.dry_run {
            // It deletes nothing, so it goes on and tells.
            self.drift.would_stop = reason.map(|(code, _)| code.to_owned());
            return Ok(None);
        }
        Ok(reason)
    }
}

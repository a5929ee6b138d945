//! The policy of pages, repairs and uploads: reads that may be older than the newest knowledge of
//! their rows (pure).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use uuid::Uuid;

use super::evidence::PlanEvidence;
use super::policy::{ClockKeeping, LookTargets, SettlePolicy, named_by};
use crate::asset::AssetId;
use crate::observation::Observation;
use crate::row::AssetRow;
use crate::sync::plan::ObservationSource;
use crate::time::Timestamp;

/// The largest lag of a look's stamp behind the look. A call may take 25 seconds, and of
/// Cloudinary's clock only the whole seconds of a `Date` header are certain. Two moments that lie
/// this close together do not tell which look was first.
const CAUTION: Duration = Duration::from_secs(30);

/// The number of times that a step looks at assets in doubt. A writer that changes rows more often
/// looks at their assets too, and must not hold a run up.
const ROUNDS: usize = 3;

/// Settles the observations of a read.
#[derive(Clone, Debug)]
pub struct ListingPolicy {
    source: ObservationSource,
    run_id: Option<Uuid>,
    clocks: ClockKeeping,
    is_page: bool,
    /// The remaining looks at assets in doubt.
    rounds: usize,
}

impl ListingPolicy {
    /// A page of a run. Keeping every clock would rewrite the whole table.
    pub fn page(run_id: Option<Uuid>) -> Self {
        Self {
            source: ObservationSource::Reconcile,
            run_id,
            clocks: ClockKeeping::OfLooks,
            is_page: true,
            rounds: ROUNDS,
        }
    }

    /// A few assets, read at once. Runs and notifications of the same assets are to know of it.
    pub fn few(source: ObservationSource, run_id: Option<Uuid>) -> Self {
        Self {
            source,
            run_id,
            clocks: ClockKeeping::Always,
            is_page: false,
            rounds: ROUNDS,
        }
    }

    /// The same, where stamps decide: somebody else will look.
    #[must_use]
    pub fn beyond_doubt(mut self) -> Self {
        self.rounds = 0;
        self
    }
}

impl SettlePolicy for ListingPolicy {
    fn source(&self) -> ObservationSource {
        self.source
    }

    fn run_id(&self) -> Option<Uuid> {
        self.run_id
    }

    fn keeps_clocks(&self) -> ClockKeeping {
        self.clocks
    }

    fn is_halved_by_caller(&self) -> bool {
        self.is_page
    }

    fn to_look_at(&mut self, rows: &[AssetRow], evidence: &mut PlanEvidence) -> LookTargets {
        if self.rounds == 0 {
            return LookTargets::new();
        }
        let doubted = in_doubt(rows, evidence);
        if !doubted.is_empty() {
            self.rounds -= 1;
        }
        named_by(rows, doubted)
    }
}

/// Assets that look otherwise than their rows, where nobody can tell which of the two was first.
/// The row has learnt of its asset at about the time of this read, or later.
fn in_doubt(rows: &[AssetRow], evidence: &PlanEvidence) -> BTreeSet<AssetId> {
    let observations = evidence.observations();
    let Some(first) = observations.iter().map(|seen| seen.at).min() else {
        return BTreeSet::new();
    };
    let has_learnt_since = |row: &AssetRow, at: Timestamp| {
        let newest = row.clocks.newest();
        newest.is_some_and(|newest| at.since(newest) <= CAUTION)
    };
    // A look counts until its row has learnt more.
    let rows: BTreeMap<&AssetId, &AssetRow> = rows
        .iter()
        .filter(|row| has_learnt_since(row, first) && !evidence.has_current_look(row))
        .map(|row| (&row.cloudinary_asset_id, row))
        .collect();
    let mut last: BTreeMap<&AssetId, &Observation> = BTreeMap::new();
    for seen in observations {
        if rows.contains_key(&seen.asset_id) && !seen.is_garbled() {
            let last = last.entry(&seen.asset_id).or_insert(seen);
            *last = std::cmp::max_by_key(*last, seen, |seen| seen.at);
        }
    }
    let doubted = last.into_iter().filter(|(id, seen)| {
        let row = rows[id];
        has_learnt_since(row, seen.at) && row.order_matters(seen)
    });
    doubted.map(|(id, _)| id.clone()).collect()
}

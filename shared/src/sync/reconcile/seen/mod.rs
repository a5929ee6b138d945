//! What a step has seen of Cloudinary, on its way to a plan (pure).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use uuid::Uuid;

use crate::asset::{AssetId, DeliveryName};
use crate::observation::{Fact, Observation};
use crate::row::{AssetRow, Clocks};
use crate::sync::plan::{KeepClocks, Plan, PlanContext, plan_observations};
use crate::sync::store::RowQuery;
use crate::time::Timestamp;

/// How much earlier a look may be stamped than it was made: a call may take 25 seconds, and the
/// whole seconds of a `Date` header are all that is certain of Cloudinary's clock. Two moments
/// that lie this close together do not tell which look was first.
const CAUTION: Duration = Duration::from_secs(30);

/// How often a step looks at what is in doubt. Whoever changes rows more often than that looks at
/// their assets too, and must not hold a run up.
const ROUNDS: usize = 3;

/// Observations on their way into a plan.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    observations: Vec<Observation>,
    /// How many of them are about what the step itself has read. The others had to be looked at
    /// because their names belonged to those.
    read: usize,
    alive: Vec<AssetId>,
    calls: u64,
    /// Names that rows would show once the plan is carried out, besides those that were seen.
    claimed: Vec<DeliveryName>,
    /// What the rows of assets knew before these were last looked at by their ids.
    known: BTreeMap<AssetId, Clocks>,
    /// How often what was in doubt may still be looked at.
    rounds: usize,
}

/// What has to be done before what was seen can be written.
#[derive(Debug)]
pub enum Next {
    /// Read the rows concerned once more: there are more of them.
    Read,
    /// Look at these assets, after a moment that was known before, and hand the looks in.
    Look {
        wanted: Vec<(AssetId, Option<DeliveryName>)>,
        after: Option<Timestamp>,
    },
    Write(Box<Plan>),
}

impl Seen {
    /// What a step has read with so many calls.
    pub fn new(read: Vec<Observation>, calls: u64) -> Self {
        let alive = read.iter();
        let alive = alive.filter(|seen| matches!(seen.fact, Fact::Seen(_)));
        Self {
            alive: alive.map(|seen| seen.asset_id.clone()).collect(),
            read: read.len(),
            observations: read,
            calls,
            rounds: ROUNDS,
            ..Self::default()
        }
    }

    /// The same, where these assets were looked at by their ids, after their rows had known this.
    #[must_use]
    pub fn knowing(mut self, known: impl IntoIterator<Item = (AssetId, Clocks)>) -> Self {
        self.known.extend(known);
        self
    }

    /// The same, where stamps decide: somebody else will look.
    #[must_use]
    pub fn beyond_doubt(mut self) -> Self {
        self.rounds = 0;
        self
    }

    /// What is known of the assets that the step itself has read.
    pub fn read(&self) -> &[Observation] {
        &self.observations[..self.read]
    }

    /// The assets that the step itself has seen alive.
    pub fn alive(&self) -> &[AssetId] {
        &self.alive
    }

    /// Calls of Cloudinary.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// All assets of which something was seen.
    pub fn assets(&self) -> Vec<AssetId> {
        let seen = self.observations.iter();
        let assets: BTreeSet<&AssetId> = seen.map(|seen| &seen.asset_id).collect();
        assets.into_iter().cloned().collect()
    }

    /// What was seen of these assets.
    #[must_use]
    pub fn only(&self, assets: &[AssetId]) -> Self {
        let mut part = self.clone();
        part.calls = 0;
        part.keep(|asset| assets.contains(asset));
        part
    }

    /// Calls that were made for a part.
    pub fn add_calls(&mut self, calls: u64) {
        self.calls += calls;
    }

    /// Leaves out what was seen of this asset, but that the step has seen it alive.
    pub fn forget(&mut self, asset: &AssetId) {
        self.keep(|other| other != asset);
    }

    fn keep(&mut self, is_kept: impl Fn(&AssetId) -> bool) {
        self.read = self
            .read()
            .iter()
            .filter(|seen| is_kept(&seen.asset_id))
            .count();
        self.observations.retain(|seen| is_kept(&seen.asset_id));
    }

    pub fn is_empty(&self) -> bool {
        self.observations.is_empty()
    }

    /// The rows of these assets, and of whoever holds their names.
    pub fn rows_concerned(&self) -> RowQuery {
        let seen = self.observations.iter();
        let names = seen.clone().filter_map(|seen| seen.seen_name().cloned());
        RowQuery {
            ids: Vec::new(),
            names: names.chain(self.claimed.iter().cloned()).collect(),
            asset_ids: seen.map(|seen| seen.asset_id.clone()).collect(),
        }
    }

    /// Plans what was seen, from the rows concerned as they are now.
    pub fn plan(
        &mut self,
        rows: &[AssetRow],
        context: PlanContext<'_>,
        fresh_id: impl FnMut() -> Uuid,
    ) -> Next {
        let doubted = self.in_doubt(rows);
        if !doubted.is_empty() {
            self.rounds -= 1;
            return self.look(rows, &doubted);
        }
        // Who has looked knows for certain, and the row is to know it too.
        let looked: BTreeSet<AssetId> = self.known.keys().cloned().collect();
        let keep_clocks = match context.keep_clocks {
            KeepClocks::Never => KeepClocks::Of(&looked),
            others => others,
        };
        let context = PlanContext {
            keep_clocks,
            ..context
        };
        let plan = plan_observations(rows, &self.observations, context, fresh_id);
        let unread = plan.unread_names(&self.rows_concerned().names);
        if !unread.is_empty() {
            self.claimed.extend(unread);
            return Next::Read;
        }
        if !plan.displaced.is_empty() {
            return self.look(rows, &plan.displaced.into_iter().collect());
        }
        Next::Write(Box::new(plan))
    }

    /// Takes in looks that [`Next::Look`] has asked for, with the rows that were planned with.
    pub fn take_looks(&mut self, looks: Vec<Observation>, rows: &[AssetRow]) {
        self.calls += 1;
        for look in looks {
            let id = look.asset_id.clone();
            let was_read = self.read().iter().any(|seen| seen.asset_id == id);
            if was_read {
                self.observations.insert(self.read, look);
                self.read += 1;
            } else {
                self.observations.push(look);
            }
            let row = rows.iter().find(|row| row.cloudinary_asset_id == id);
            let known = row.map(|row| row.clocks).unwrap_or_default();
            self.known.insert(id, known);
        }
    }

    /// Assets that look otherwise than their rows, where nobody can tell which of the two was
    /// first: the row has learnt of its asset at about the time when it was read here, or later.
    fn in_doubt(&self, rows: &[AssetRow]) -> BTreeSet<AssetId> {
        let Some(first) = self.observations.iter().map(|seen| seen.at).min() else {
            return BTreeSet::new();
        };
        let has_learnt_since = |row: &AssetRow, at: Timestamp| {
            let newest = row.clocks.newest();
            newest.is_some_and(|newest| at.since(newest) <= CAUTION)
        };
        // A look counts until its row has learnt more.
        let is_known =
            |row: &AssetRow| self.known.get(&row.cloudinary_asset_id) == Some(&row.clocks);
        let rows: BTreeMap<&AssetId, &AssetRow> = rows
            .iter()
            .filter(|row| self.rounds > 0 && has_learnt_since(row, first) && !is_known(row))
            .map(|row| (&row.cloudinary_asset_id, row))
            .collect();
        let mut last: BTreeMap<&AssetId, &Observation> = BTreeMap::new();
        for seen in &self.observations {
            if rows.contains_key(&seen.asset_id) {
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

    /// A look sees everything that is known already, looks before it included.
    fn look(&self, rows: &[AssetRow], assets: &BTreeSet<AssetId>) -> Next {
        let known = rows.iter().filter_map(|row| row.clocks.newest());
        let seen = self.observations.iter().map(|seen| seen.at);
        let names = rows
            .iter()
            .map(|row| (&row.cloudinary_asset_id, row.observed_name()));
        let names: BTreeMap<_, _> = names.collect();
        let wanted = assets.iter();
        Next::Look {
            wanted: wanted
                .map(|id| (id.clone(), names.get(id).cloned()))
                .collect(),
            after: known.chain(seen).max(),
        }
    }
}

#[cfg(test)]
mod tests;

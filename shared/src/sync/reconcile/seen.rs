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

/// How often an asset is looked at for one step. Whoever changes its row more often than that
/// looks at it too.
const LOOKS: usize = 3;

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
    looked: BTreeMap<AssetId, Looked>,
}

/// An asset was looked at by its id.
#[derive(Clone, Copy, Debug, Default)]
struct Looked {
    /// What its row knew before the last look.
    known: Clocks,
    times: usize,
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
            ..Self::default()
        }
    }

    /// The same, where these assets were looked at by their ids, after their rows had known this.
    #[must_use]
    pub fn knowing(mut self, known: impl IntoIterator<Item = (AssetId, Clocks)>) -> Self {
        for (id, known) in known {
            self.note_look(id, known);
        }
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
            return self.look(rows, &doubted);
        }
        // Who has looked knows for certain, and the row is to know it too.
        let looked: BTreeSet<AssetId> = self.looked.keys().cloned().collect();
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
            self.note_look(id, row.map(|row| row.clocks).unwrap_or_default());
        }
    }

    fn note_look(&mut self, id: AssetId, known: Clocks) {
        let looked = self.looked.entry(id).or_default();
        *looked = Looked {
            known,
            times: looked.times + 1,
        };
    }

    /// Assets that look otherwise than their rows, where nobody can tell which of the two was
    /// first: the row has learnt of its asset at about the time when it was read here, or later.
    fn in_doubt(&self, rows: &[AssetRow]) -> BTreeSet<AssetId> {
        let Some(first) = self.observations.iter().map(|seen| seen.at).min() else {
            return BTreeSet::new();
        };
        let is_near = |row: &AssetRow, at: Timestamp| {
            let newest = row.clocks.newest();
            newest.is_some_and(|newest| at.since(newest) <= CAUTION)
        };
        let may_have_learnt = rows.iter().filter(|row| is_near(row, first));
        let rows: BTreeMap<&AssetId, &AssetRow> = may_have_learnt
            .filter(|row| self.may_look_at(row))
            .map(|row| (&row.cloudinary_asset_id, row))
            .collect();
        if rows.is_empty() {
            return BTreeSet::new();
        }
        let seen = self.observations.iter();
        let doubted = seen.filter(|seen| {
            let row = rows.get(&seen.asset_id);
            row.is_some_and(|row| is_near(row, seen.at) && row.contradicts(seen))
        });
        doubted.map(|seen| seen.asset_id.clone()).collect()
    }

    /// A look counts until the row has learnt more.
    fn may_look_at(&self, row: &AssetRow) -> bool {
        let looked = self.looked.get(&row.cloudinary_asset_id);
        looked.is_none_or(|looked| looked.known != row.clocks && looked.times < LOOKS)
    }

    /// A look sees everything that is known already, looks before it included.
    fn look(&self, rows: &[AssetRow], assets: &BTreeSet<AssetId>) -> Next {
        let rows = rows
            .iter()
            .filter(|row| assets.contains(&row.cloudinary_asset_id));
        let seen = self.observations.iter();
        let seen = seen.filter(|seen| assets.contains(&seen.asset_id));
        let known = rows.clone().filter_map(|row| row.clocks.newest());
        let names = rows.map(|row| (&row.cloudinary_asset_id, row.observed_name()));
        let names: BTreeMap<_, _> = names.collect();
        let wanted = assets.iter();
        Next::Look {
            wanted: wanted
                .map(|id| (id.clone(), names.get(id).cloned()))
                .collect(),
            after: known.chain(seen.map(|seen| seen.at)).max(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cloudinary::Resource;
    use crate::observation::Told;
    use crate::sync::plan::Source;

    const CONTEXT: PlanContext<'_> = PlanContext {
        source: Source::Reconcile,
        run_id: None,
        keep_clocks: KeepClocks::Never,
        release: &[],
    };

    fn seen(millis: i64, tags: &[&str]) -> Observation {
        let resource: Resource = serde_json::from_value(json!({
            "asset_id": "a".repeat(32), "public_id": "mug", "resource_type": "image",
            "type": "upload", "version": 7, "tags": tags,
        }))
        .unwrap();
        Observation::of_resource(&resource, at(millis), Told::Everything).unwrap()
    }

    fn gone(millis: i64) -> Observation {
        Observation {
            fact: Fact::Gone(None),
            ..seen(millis, &[])
        }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_micros(millis * 1_000)
    }

    fn row(first: &Observation) -> AssetRow {
        AssetRow::first(Uuid::nil(), first).unwrap()
    }

    fn plan(seen: &mut Seen, rows: &[AssetRow]) -> Next {
        seen.plan(rows, CONTEXT, Uuid::new_v4)
    }

    /// When a look is asked for, what it has to be later than.
    fn looked_for(next: Next) -> Option<Timestamp> {
        match next {
            Next::Look { wanted, after } => {
                assert_eq!(wanted.len(), 1);
                after
            }
            other => panic!("a look was to be asked for: {other:?}"),
        }
    }

    fn written(next: Next) -> Vec<AssetRow> {
        match next {
            Next::Write(plan) => plan.updates,
            other => panic!("a plan was to be made: {other:?}"),
        }
    }

    #[test]
    fn a_page_from_before_an_edit_does_not_undo_it() {
        // The worker looked after the edit, but its look is stamped earlier than the page.
        let rows = [row(&seen(50_000, &["new"]))];
        let mut page = Seen::new(vec![seen(50_700, &["old"])], 1);
        assert_eq!(looked_for(plan(&mut page, &rows)), Some(at(50_700)));
        page.take_looks(vec![seen(50_701, &["new"])], &rows);
        let written = written(plan(&mut page, &rows));
        assert_eq!(written[0].tags, ["new"]);
        let clocks = written[0].clocks;
        assert_eq!(clocks.newest(), Some(at(50_701)), "what is certain is kept");
        assert_eq!(page.calls(), 2);
    }

    #[test]
    fn a_page_from_before_a_delete_does_not_undo_it() {
        let mut tombstone = row(&seen(10_000, &[]));
        tombstone.observe(&gone(50_000));
        let rows = [tombstone];
        let mut page = Seen::new(vec![seen(50_700, &[])], 1);
        looked_for(plan(&mut page, &rows));
        page.take_looks(vec![gone(50_701)], &rows);
        assert!(!written(plan(&mut page, &rows))[0].is_live());
        // The listing is what a run's end is compared with.
        assert_eq!(page.alive().len(), 1);
    }

    #[test]
    fn a_change_is_found_however_soon_after_another() {
        // What follows a notification is stamped exactly, a page up to a second too early.
        let rows = [row(&seen(50_900, &["old"]))];
        let mut page = Seen::new(vec![seen(50_000, &["old", "new"])], 1);
        assert_eq!(looked_for(plan(&mut page, &rows)), Some(at(50_900)));
        page.take_looks(vec![seen(50_901, &["old", "new"])], &rows);
        assert_eq!(written(plan(&mut page, &rows))[0].tags, ["old", "new"]);
    }

    #[test]
    fn nobody_looks_where_nothing_differs_or_the_order_is_certain() {
        let near = [row(&seen(50_000, &["same"]))];
        let mut page = Seen::new(vec![seen(50_700, &["same"])], 1);
        assert!(written(plan(&mut page, &near)).is_empty());
        let long_ago = [row(&seen(20_000, &["old"]))];
        let mut page = Seen::new(vec![seen(50_700, &["new"])], 1);
        assert_eq!(written(plan(&mut page, &long_ago))[0].tags, ["new"]);
    }

    #[test]
    fn a_look_counts_until_the_row_has_learnt_more_but_not_without_end() {
        let mut rows = [row(&seen(50_000, &["old"]))];
        let suspect = (rows[0].cloudinary_asset_id.clone(), rows[0].clocks);
        let mut suspects = Seen::new(vec![gone(50_001)], 1).knowing([suspect]);
        assert!(!written(plan(&mut suspects, &rows))[0].is_live());

        // Its look may have been the later one, whatever the stamps say.
        rows[0].observe(&seen(50_000, &["old", "older"]));
        for times in 1..LOOKS {
            rows[0].clocks.tags = Some(times as i64);
            looked_for(plan(&mut suspects, &rows));
            suspects.take_looks(vec![gone(50_001)], &rows);
        }
        rows[0].clocks.tags = Some(50);
        assert!(!written(plan(&mut suspects, &rows))[0].is_live());
    }
}

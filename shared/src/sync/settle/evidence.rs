//! Observations of Cloudinary on their way into rows (pure).

use std::collections::{BTreeMap, BTreeSet};

use crate::asset::AssetId;
use crate::observation::AssetClocks;
use crate::observation::{Observation, ObservedState};
use crate::row::AssetRow;

/// Observations on their way into a plan.
#[derive(Clone, Debug, Default)]
pub struct PlanEvidence {
    observations: Vec<Observation>,
    /// The first of them are about the assets that the flow itself has read. The others follow
    /// from looks that the settlement has asked for.
    read: usize,
    alive: Vec<AssetId>,
    calls: u64,
    /// The clocks that the rows of assets had when these were last looked at by their ids.
    known: BTreeMap<AssetId, AssetClocks>,
}

impl PlanEvidence {
    /// The observations that a flow has read with so many calls.
    pub fn new(read: Vec<Observation>, calls: u64) -> Self {
        let alive = read.iter();
        let alive = alive.filter(|seen| matches!(seen.fact, ObservedState::Seen(_)));
        Self {
            alive: alive.map(|seen| seen.asset_id.clone()).collect(),
            read: read.len(),
            observations: read,
            calls,
            known: BTreeMap::new(),
        }
    }

    /// The same, where these assets were looked at by their ids when their rows had these clocks.
    #[must_use]
    pub fn knowing(mut self, known: impl IntoIterator<Item = (AssetId, AssetClocks)>) -> Self {
        self.known.extend(known);
        self
    }

    /// Everything that was seen.
    pub fn observations(&self) -> &[Observation] {
        &self.observations
    }

    /// Everything about the assets that the flow itself has read.
    pub fn read(&self) -> &[Observation] {
        &self.observations[..self.read]
    }

    /// The assets that the flow itself has seen alive.
    pub fn alive(&self) -> &[AssetId] {
        &self.alive
    }

    /// Calls of Cloudinary.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// The assets that were looked at by their ids.
    pub fn looked_at(&self) -> BTreeSet<AssetId> {
        self.known.keys().cloned().collect()
    }

    /// Tells whether the asset was looked at by its id.
    pub fn has_look(&self, asset: &AssetId) -> bool {
        self.known.contains_key(asset)
    }

    /// Tells whether the row's asset was looked at, and the row has learnt nothing since.
    pub fn has_current_look(&self, row: &AssetRow) -> bool {
        self.known.get(&row.cloudinary_asset_id) == Some(&row.clocks)
    }

    /// Adds the answer to a call that was no look.
    pub fn add(&mut self, observation: Observation) {
        self.observations.push(observation);
    }

    /// Counts the calls that a look has taken beyond the first.
    pub(super) fn count_further_calls(&mut self, calls: u64) {
        self.calls += calls;
    }

    /// Takes in the answer of a call that looked at assets by their ids; `rows` are the rows known
    /// before it.
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

    /// Forgets the looks at assets whose rows have learnt something since.
    ///
    /// The other writer may have looked later, and have stamped the look earlier. Stamps are
    /// cautious, but that of a look which follows a notification is not.
    pub fn forget_overtaken_looks(&mut self, rows: &[AssetRow]) {
        for row in rows {
            let asset = &row.cloudinary_asset_id;
            if self.has_look(asset) && !self.has_current_look(row) {
                self.known.remove(asset);
                let mut at = 0;
                self.observations.retain(|seen| {
                    at += 1;
                    at <= self.read || seen.asset_id != *asset
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::asset::{DeliveryName, ResourceType};
    use crate::time::Timestamp;

    fn id(digit: &str) -> AssetId {
        AssetId::parse(&digit.repeat(32)).unwrap()
    }

    fn gone(digit: &str, at: i64) -> Observation {
        Observation {
            asset_id: id(digit),
            at: Timestamp::from_secs(at),
            fact: ObservedState::Gone(Some(DeliveryName {
                resource_type: ResourceType::Image,
                delivery_type: "upload".to_owned(),
                public_id: digit.to_owned(),
            })),
        }
    }

    #[test]
    fn a_look_counts_until_its_row_has_learnt_more() {
        let mut row = AssetRow::first(Uuid::new_v4(), &gone("a", 1)).unwrap();
        let mut evidence = PlanEvidence::default();
        evidence.take_looks(vec![gone("a", 9), gone("b", 9)], std::slice::from_ref(&row));

        // A decision made here is no news of Cloudinary's.
        row.revision += 1;
        evidence.forget_overtaken_looks(std::slice::from_ref(&row));
        assert_eq!(evidence.observations().len(), 2);
        // News may be newer than the look, whatever its moment.
        row.observe(&gone("a", 2));
        evidence.forget_overtaken_looks(std::slice::from_ref(&row));
        assert_eq!(evidence.observations(), [gone("b", 9)]);
        // So may be what the row began with, after the look.
        row.cloudinary_asset_id = id("b");
        evidence.forget_overtaken_looks(&[row]);
        assert!(evidence.observations().is_empty());
    }
}

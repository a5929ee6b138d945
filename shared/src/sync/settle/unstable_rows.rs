//! Rows that others keep changing while something is written into them (pure).

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::row::AssetRow;
use crate::sync::plan::WritePlan;

/// The number of new plans for the sake of rows that change meanwhile.
const PATIENCE: usize = 3;

/// The revisions that were read, attempt by attempt. Whoever changes one row without end must not
/// hold up all the others: in the end such rows are left out.
#[derive(Clone, Debug, Default)]
pub(super) struct UnstableRows {
    readings: usize,
    revisions: BTreeMap<Uuid, i64>,
    rows: BTreeSet<Uuid>,
}

impl UnstableRows {
    /// Takes a reading and its plan; answers the part of the plan to write.
    pub(super) fn leave_out(&mut self, read: &[AssetRow], plan: WritePlan) -> WritePlan {
        self.readings += 1;
        for row in read {
            let before = self.revisions.insert(row.id, row.revision);
            if before.is_some_and(|revision| revision != row.revision) {
                self.rows.insert(row.id);
            }
        }
        if self.readings <= PATIENCE {
            plan
        } else {
            plan.without(&self.rows)
        }
    }

    /// Tells whether the last plan left the row out: what was seen of it is not in the database.
    pub(super) fn is_left_out(&self, row: &AssetRow) -> bool {
        self.readings > PATIENCE && self.rows.contains(&row.id)
    }
}

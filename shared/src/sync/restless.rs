//! Rows that others keep changing while something is written into them (pure).

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::plan::Plan;
use crate::row::AssetRow;

/// How often everything is planned again for the sake of rows that change meanwhile.
const PATIENCE: usize = 3;

/// What was read of rows, attempt by attempt. Nobody may hold up what concerns others by changing
/// a row without end: in the end such rows are left out.
#[derive(Debug, Default)]
pub(super) struct Restless {
    readings: usize,
    revisions: HashMap<Uuid, i64>,
    rows: BTreeSet<Uuid>,
}

impl Restless {
    /// Takes a reading, and the plan that was made from it; answers what of the plan to write.
    pub(super) fn leave_out(&mut self, read: &[AssetRow], plan: Plan) -> Plan {
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

    /// Whether the last plan left the row out: what was seen of it is not in the database.
    pub(super) fn is_left_out(&self, row: &AssetRow) -> bool {
        self.readings > PATIENCE && self.rows.contains(&row.id)
    }
}

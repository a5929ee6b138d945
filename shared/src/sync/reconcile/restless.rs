//! Rows that others keep changing while a page is written (pure).

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use crate::row::AssetRow;

/// What was read of rows, attempt by attempt.
#[derive(Debug, Default)]
pub(super) struct Restless {
    revisions: HashMap<Uuid, i64>,
    /// Those that have changed between two readings.
    pub(super) rows: BTreeSet<Uuid>,
}

impl Restless {
    pub(super) fn watch(&mut self, rows: &[AssetRow]) {
        for row in rows {
            let before = self.revisions.insert(row.id, row.revision);
            if before.is_some_and(|revision| revision != row.revision) {
                self.rows.insert(row.id);
            }
        }
    }
}

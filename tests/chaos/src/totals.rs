//! The events of stories, counted.

use std::fmt;

use media_sync::sync::store::NotificationVerdict;

use crate::jobs::BothSides;

/// The events of a story, or of many, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoryTotals {
    pub changes: u64,
    pub decisions: u64,
    pub accepted: u64,
    pub lost: u64,
    pub doubled: u64,
    pub crashes: u64,
    pub faults: u64,
    pub floods: u64,
    pub hours_without_quota: u64,
    pub conflicts: u64,
    pub applied: u64,
    pub superseded: u64,
    pub parked: u64,
    pub runs: u64,
    pub live: u64,
    pub gone: u64,
}

impl StoryTotals {
    /// Takes in the end of a story's sides.
    pub(crate) fn count(&mut self, sides: &BothSides) {
        let database = &sides.database;
        let verdicts = |wanted| {
            database
                .notifications
                .values()
                .filter(|verdict| **verdict == wanted)
                .count() as u64
        };
        self.applied = verdicts(NotificationVerdict::Applied);
        self.superseded = verdicts(NotificationVerdict::Superseded);
        self.parked = verdicts(NotificationVerdict::Parked);
        self.conflicts = database
            .audit
            .iter()
            .filter(|entry| entry.operation == "conflict")
            .count() as u64;
        self.runs = database.good_runs;
        self.live = sides.cloud.alive().count() as u64;
        self.gone = database.rows.values().filter(|row| !row.is_live()).count() as u64;
    }

    /// Adds another story's.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.all_mut().into_iter().zip(other.clone().all_mut()) {
            *mine += *theirs;
        }
    }

    fn all_mut(&mut self) -> [&mut u64; 16] {
        [
            &mut self.changes,
            &mut self.decisions,
            &mut self.accepted,
            &mut self.lost,
            &mut self.doubled,
            &mut self.crashes,
            &mut self.faults,
            &mut self.floods,
            &mut self.hours_without_quota,
            &mut self.conflicts,
            &mut self.applied,
            &mut self.superseded,
            &mut self.parked,
            &mut self.runs,
            &mut self.live,
            &mut self.gone,
        ]
    }
}

impl fmt::Display for StoryTotals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "  people: {} changes in Cloudinary, {} decisions here, {} conflicts",
            self.changes, self.decisions, self.conflicts
        )?;
        writeln!(
            f,
            "  notifications: {} accepted, {} doubled, {} lost on their way",
            self.accepted, self.doubled, self.lost
        )?;
        writeln!(
            f,
            "    recorded as applied {}, superseded {}, parked {}",
            self.applied, self.superseded, self.parked
        )?;
        writeln!(
            f,
            "  mischief: {} crashes, {} failed calls, {} floods of decisions, {} hours without quota; {} good runs",
            self.crashes, self.faults, self.floods, self.hours_without_quota, self.runs
        )?;
        write!(
            f,
            "  in the end: {} assets live on both sides, {} tombstones",
            self.live, self.gone
        )
    }
}

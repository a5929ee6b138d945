//! The quiet at the end of a story, in which both sides come to be the same.

use media_sync::row::{SyncState, SyncStatus};
use media_sync::time::Timestamp;

use super::Story;
use crate::check;
use crate::jobs::CallFate;
use crate::totals::StoryTotals;

impl Story {
    /// Nobody does anything any more, and nothing fails; then one full run.
    pub(super) fn calm_down(&mut self) {
        self.wait_for_the_quota();
        self.settle();
        self.retry_errors();
        self.settle();
        // One that rests somewhere is brought to its end first, and proves nothing.
        if self.sides.database.run.is_some() {
            self.start_run();
            self.settle();
        }
        let good = self.sides.database.good_runs;
        self.start_run();
        self.settle();
        let run = &self.sides.database.run;
        assert_eq!(self.sides.database.good_runs, good + 1, "{run:?}");
        self.retry_errors();
        self.settle();
    }

    /// Asks for another attempt at refused decisions, as an administrator may.
    fn retry_errors(&mut self) {
        for row in self.sides.database.rows.values_mut() {
            if row.sync.status == SyncStatus::Error {
                row.sync = SyncState {
                    status: SyncStatus::Pending,
                    next_attempt_at: Some(Timestamp::from_micros(0)),
                    ..SyncState::default()
                };
                row.revision += 1;
                self.sides.database.waiting.insert(row.id);
            }
        }
    }

    fn settle(&mut self) {
        for round in 0.. {
            if round == 1_000 {
                let open = self.sides.database.rows.values();
                let open: Vec<_> = open.filter(|row| row.intent.is_some()).collect();
                panic!("it never comes to rest: {open:?}");
            }
            self.sides.cloud.now += 1_000;
            while !self.sides.cloud.outbox.is_empty() {
                self.deliver();
            }
            let mut steps = 0;
            while !self.jobs.is_empty() {
                steps += 1;
                assert!(steps < 1_000, "a worker never ends: {:?}", self.jobs[0]);
                self.sides.cloud.now += 100;
                self.step(0, CallFate::None);
            }
            while !self.sides.late.is_empty() {
                self.land_late_call();
            }
            self.run_claims_out();
            self.start_notifications();
            self.start_outbound();
            if self.jobs.is_empty() && self.sides.cloud.outbox.is_empty() && self.queue.is_empty() {
                // What has failed too often is tried on more and more seldom.
                let rows = &self.sides.database.rows;
                let patient = |id| rows[id].sync.status == SyncStatus::Error;
                if self.sides.database.waiting.iter().all(patient) {
                    return;
                }
                self.drain();
            }
        }
    }

    pub(super) fn finish(mut self) -> StoryTotals {
        check::mirrored(&self.sides);
        check::accounted(&self.sides.database, &self.digests);
        self.ledger.check(&self.sides);
        self.totals.count(&self.sides);
        self.totals
    }
}

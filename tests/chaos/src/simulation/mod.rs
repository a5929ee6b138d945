//! One story, from its seed to the quiet at its end.

mod calm;
mod trouble;

use std::collections::BTreeSet;
use std::fmt;

use media_sync::queue::{self, RawBody};
use media_sync::row::AssetRow;
use media_sync::time::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::check;
use crate::database::UserDecision;
use crate::jobs::{
    BothSides, CallFate, NotificationJob, OutboundJob, ReconcileJob, StepProgress, WaitingMessage,
    WorkerJob,
};
use crate::mischief::Mischief;
use crate::people;
use crate::totals::StoryTotals;

/// Begins on a whole second.
const BEGIN: i64 = 1_800_000_000_000_000;

/// Microseconds.
const SECOND: i64 = 1_000_000;

/// The hardness of a story.
#[derive(Clone, Copy, Debug)]
struct Hardness {
    loss: f64,
    doubling: f64,
    crash: f64,
    fault: f64,
}

/// Somebody at work, who knows Cloudinary's clock as well as that.
#[derive(Debug)]
struct Worker {
    job: WorkerJob,
    lag: i64,
}

struct Story {
    rng: StdRng,
    hardness: Hardness,
    sides: BothSides,
    queue: Vec<WaitingMessage>,
    jobs: Vec<Worker>,
    totals: StoryTotals,
    digests: BTreeSet<String>,
    leases: u64,
    ledger: check::WishLedger,
    mischief: Mischief,
    tell: Option<fn(&str)>,
}

/// Plays the story of a seed to its end, telling each event to `tell`, if somebody wants to hear them.
///
/// # Panics
/// When the two sides differ in the end, or a promise was broken on the way.
pub fn play(seed: u64, tell: Option<fn(&str)>) -> StoryTotals {
    let mut rng = StdRng::seed_from_u64(seed);
    let hardness = Hardness {
        loss: rng.random_range(0.0..0.4),
        doubling: rng.random_range(0.0..0.3),
        crash: rng.random_range(0.0..0.1),
        fault: rng.random_range(0.0..0.2),
    };
    let mut story = Story {
        hardness,
        sides: BothSides::default(),
        queue: Vec::new(),
        jobs: Vec::new(),
        totals: StoryTotals::default(),
        digests: BTreeSet::new(),
        leases: 0,
        ledger: check::WishLedger::default(),
        mischief: Mischief::of_seed(seed),
        tell,
        rng,
    };
    story.sides.cloud.now = BEGIN;
    story.sides.cloud.reuses_ids = story.rng.random_bool(0.5);
    story.sides.cloud.has_backups = story.rng.random_bool(0.7);
    let events = story.rng.random_range(50..400);
    for _ in 0..events {
        story.event();
    }
    story.calm_down();
    story.finish()
}

impl Story {
    fn event(&mut self) {
        // Often within one second, sometimes minutes later.
        let pause = match self.rng.random_range(0..10) {
            0..6 => self.rng.random_range(1..300_000),
            6..9 => self.rng.random_range(1..3_000_000),
            _ => self.rng.random_range(1..300_000_000),
        };
        self.sides.cloud.now += pause;
        self.make_mischief();
        match self.rng.random_range(0..100) {
            0..12 => self.people_change(),
            12..22 => self.people_decide(),
            22..35 => self.deliver(),
            35..43 => self.start_notifications(),
            43..49 => self.start_outbound(),
            49..51 => self.start_run(),
            51..53 => self.drain(),
            53..55 => self.run_claims_out(),
            55..57 => self.land_late_call(),
            _ => self.step_some_job(),
        }
    }

    fn tell(&self, event: &dyn fmt::Debug) {
        if let Some(tell) = self.tell {
            tell(&format!("{} {event:?}", self.now()));
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.sides.cloud.now)
    }

    fn people_change(&mut self) {
        let change = people::change(&mut self.rng, &self.sides.cloud);
        self.tell(&change);
        self.ledger.note_change(&self.sides.cloud, &change);
        if self.sides.cloud.apply(&change).is_ok() {
            self.totals.changes += 1;
        }
    }

    fn people_decide(&mut self) {
        let Some(row) = people::row(&mut self.rng, &self.sides.database) else {
            return;
        };
        let row = row.clone();
        let decision = people::decision(&mut self.rng, &row);
        // The function may die, or SQS be away, before it is sent.
        if self.decide(&row, &decision) && self.rng.random_bool(0.7) {
            self.queue.push(WaitingMessage::Intent(row.id));
        }
    }

    fn decide(&mut self, before: &AssetRow, decision: &UserDecision) -> bool {
        let now = self.now();
        if !self.sides.database.decide(before.id, decision, now) {
            return false;
        }
        let asset = before.cloudinary_asset_id.clone();
        self.tell(&(&asset, decision));
        self.totals.decisions += 1;
        self.ledger.note_decision(asset, before, decision, now);
        true
    }

    fn deliver(&mut self) {
        if self.sides.cloud.outbox.is_empty() {
            return;
        }
        let at = self.rng.random_range(0..self.sides.cloud.outbox.len());
        let body = self.sides.cloud.outbox.remove(at);
        if self.rng.random_bool(self.hardness.loss) {
            self.totals.lost += 1;
            return self.tell(&("lost", body));
        }
        if self.rng.random_bool(self.hardness.doubling) {
            self.totals.doubled += 1;
            self.sides.cloud.outbox.push(body.clone());
        }
        let body_text = body.clone();
        let message = queue::NotificationMessage {
            received_at: self.now(),
            signature_timestamp: Timestamp::from_secs(self.now().micros() / 1_000_000),
            replayed: false,
            algorithm: None,
            body: RawBody::new(body.into_bytes()),
        };
        self.totals.accepted += 1;
        self.tell(&("accepted", body_text));
        self.queue.push(WaitingMessage::Notification(message));
    }

    fn take(
        &mut self,
        wanted: impl Fn(&WaitingMessage) -> bool,
        most: usize,
    ) -> Vec<WaitingMessage> {
        let mut taken = Vec::new();
        let count = self.rng.random_range(1..=most);
        while taken.len() < count {
            let fitting: Vec<usize> = self
                .queue
                .iter()
                .enumerate()
                .filter(|(_, message)| wanted(message))
                .map(|(at, _)| at)
                .collect();
            if fitting.is_empty() {
                break;
            }
            let at = fitting[self.rng.random_range(0..fitting.len())];
            // A queue that delivers at least once.
            if self.rng.random_bool(0.03) {
                taken.push(self.queue[at].clone());
            } else {
                taken.push(self.queue.swap_remove(at));
            }
        }
        taken
    }

    fn begin(&mut self, job: WorkerJob) {
        let lag = self.rng.random_range(0..SECOND);
        self.jobs.push(Worker { job, lag });
    }

    fn start_notifications(&mut self) {
        let taken = self.take(
            |message| matches!(message, WaitingMessage::Notification(_)),
            4,
        );
        let messages = taken.into_iter().filter_map(|message| match message {
            WaitingMessage::Notification(message) => Some(message),
            WaitingMessage::Intent(_) => None,
        });
        let messages: Vec<_> = messages.collect();
        if messages.is_empty() {
            return;
        }
        let job = NotificationJob::new(messages);
        self.digests.extend(job.digests());
        self.begin(WorkerJob::Notifications(Box::new(job)));
    }

    fn start_outbound(&mut self) {
        let taken = self.take(|message| matches!(message, WaitingMessage::Intent(_)), 4);
        let rows = taken.into_iter().filter_map(|message| match message {
            WaitingMessage::Intent(row) => Some(row),
            WaitingMessage::Notification(_) => None,
        });
        let rows: BTreeSet<_> = rows.collect();
        if !rows.is_empty() {
            let job = OutboundJob::new(rows);
            self.begin(WorkerJob::Outbound(Box::new(job)));
        }
    }

    fn start_run(&mut self) {
        self.leases += 1;
        let job = ReconcileJob::new(self.leases);
        self.begin(WorkerJob::Reconcile(Box::new(job)));
    }

    fn drain(&mut self) {
        let waiting = self.sides.database.waiting.iter();
        self.queue
            .extend(waiting.map(|row| WaitingMessage::Intent(*row)));
    }

    /// Claims whose holders are gone run out, once no call of theirs can arrive any more.
    fn run_claims_out(&mut self) {
        let held = self.jobs.iter().flat_map(|worker| worker.job.claims());
        let mut held: BTreeSet<_> = held.collect();
        held.extend(self.sides.late.iter().map(|(claim, _)| *claim));
        let claims = self.sides.database.rows.values();
        let claims = claims.filter_map(|row| row.intent_claim);
        let over: Vec<_> = claims.filter(|claim| !held.contains(claim)).collect();
        self.sides.database.run_out.extend(over);
        let leases: BTreeSet<u64> = self
            .jobs
            .iter()
            .filter_map(|worker| match &worker.job {
                WorkerJob::Reconcile(job) => Some(job.lease()),
                _ => None,
            })
            .collect();
        if let Some(run) = &mut self.sides.database.run
            && run.lease.is_some_and(|lease| !leases.contains(&lease))
        {
            run.lease = None;
        }
    }

    fn land_late_call(&mut self) {
        if !self.sides.late.is_empty() {
            let at = self.rng.random_range(0..self.sides.late.len());
            let (_, change) = self.sides.late.remove(at);
            self.tell(&("arrives late", &change));
            let met = self.sides.cloud.met_by(&change);
            self.sides.met_late.extend(met);
            // Whatever it comes to: nobody waits for the answer any more.
            let _answer = self.sides.cloud.apply(&change);
        }
    }

    fn step_some_job(&mut self) {
        if self.jobs.is_empty() {
            return;
        }
        let at = self.rng.random_range(0..self.jobs.len());
        if self.rng.random_bool(self.hardness.crash) {
            self.totals.crashes += 1;
            let worker = self.jobs.swap_remove(at);
            self.tell(&("dies", &worker));
            return self.queue.extend(worker.job.messages());
        }
        let fault = if self.rng.random_bool(self.hardness.fault) {
            self.totals.faults += 1;
            match self.rng.random_range(0..4) {
                0 => CallFate::Refused,
                1 => CallFate::LostBefore,
                2 => CallFate::LostAfter,
                _ => CallFate::Late,
            }
        } else {
            CallFate::None
        };
        self.step(at, fault);
    }

    fn step(&mut self, at: usize, fault: CallFate) {
        let fault = self.fate_under_quota(fault);
        self.tell(&("steps", fault, &self.jobs[at]));
        let worker = &mut self.jobs[at];
        self.sides.cloud.lag = worker.lag;
        match worker.job.step(&mut self.sides, fault) {
            StepProgress::Going => {}
            StepProgress::Ended => drop(self.jobs.swap_remove(at)),
            StepProgress::Failed => {
                let worker = self.jobs.swap_remove(at);
                self.take_back(worker.job.messages());
            }
        }
    }
}

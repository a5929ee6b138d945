//! Every way in which a few workers, deaths, lost calls and decisions can meet, tried out. The
//! protocol of intents and claims loses no decision, repeats no visible effect, brings nothing
//! back, and always comes to rest.
//!
//! The states are those of the stories. Ranks replace moments and ids, so that paths that differ in
//! nothing else are walked once.

#![expect(
    clippy::print_stdout,
    reason = "the number of states is what these tests report"
)]

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::Hasher;
use std::mem;

use chaos::check;
use chaos::cloud::LibraryChange;
use chaos::database::UserDecision;
use chaos::jobs::{
    BothSides, CallFate, NotificationJob, OutboundJob, StepProgress, WaitingMessage, WorkerJob,
};
use media_sync::observation::ObservedState;
use media_sync::queue::{self, RawBody};
use media_sync::row::AssetRow;
use media_sync::time::Timestamp;
use serde_json::json;
use uuid::Uuid;

const BEGIN: i64 = 1_800_000_000_000_000;
const ROW: Uuid = Uuid::from_u128(1);

/// Events that may still happen, besides work.
#[derive(Clone, Debug, Default)]
struct Budget {
    /// Made in this order.
    decisions: Vec<UserDecision>,
    changes: Vec<LibraryChange>,
    crashes: u8,
    faults: Vec<CallFate>,
    /// Notifications that arrive; the others are lost.
    notifications: u8,
}

#[derive(Clone, Debug)]
struct State {
    sides: BothSides,
    queue: Vec<WaitingMessage>,
    jobs: Vec<WorkerJob>,
    budget: Budget,
}

#[derive(Clone, Copy, Debug)]
enum Move {
    Decide { is_sent: bool },
    ChangeThere,
    Begin,
    Observe,
    Step(usize, CallFate),
    Crash(usize),
    RunOut,
    Land(usize),
    Drain,
}

impl State {
    fn new(budget: Budget) -> Self {
        let mut sides = BothSides::default();
        sides.cloud.now = BEGIN;
        sides.cloud.has_backups = true;
        sides.cloud.lag = 900_000;
        let upload = LibraryChange::Upload {
            public_id: "mug".to_owned(),
            tags: vec!["red".to_owned()],
            context: BTreeMap::new(),
        };
        assert!(sides.cloud.apply(&upload).is_ok());
        sides.cloud.outbox.clear();
        let (seen, _) = sides.cloud.list(None, 2);
        let mut row = AssetRow::first(ROW, &seen[0]).expect("it is named");
        assert!(matches!(seen[0].fact, ObservedState::Seen(_)));
        row.revision = 0;
        sides.database.rows.insert(ROW, row);
        // Ids made from now on differ from the row's.
        sides.fresh_id();
        Self {
            sides,
            queue: Vec::new(),
            jobs: Vec::new(),
            budget,
        }
    }

    fn moves(&self) -> Vec<Move> {
        let mut moves = Vec::new();
        if !self.budget.decisions.is_empty() {
            moves.push(Move::Decide { is_sent: true });
            moves.push(Move::Decide { is_sent: false });
        }
        if !self.budget.changes.is_empty() {
            moves.push(Move::ChangeThere);
        }
        if self.jobs.len() < 2 && !self.queue.is_empty() {
            moves.push(Move::Begin);
        }
        if self.jobs.len() < 2
            && self.budget.notifications > 0
            && !self.sides.cloud.outbox.is_empty()
        {
            moves.push(Move::Observe);
        }
        for job in 0..self.jobs.len() {
            moves.push(Move::Step(job, CallFate::None));
            let mut faults = self.budget.faults.clone();
            faults.dedup();
            moves.extend(faults.into_iter().map(|fault| Move::Step(job, fault)));
            if self.budget.crashes > 0 {
                moves.push(Move::Crash(job));
            }
        }
        moves.extend((0..self.sides.late.len()).map(Move::Land));
        if !self.claims_to_run_out().is_empty() {
            moves.push(Move::RunOut);
        }
        if self.queue.is_empty() && self.jobs.is_empty() && !self.sides.database.waiting.is_empty()
        {
            moves.push(Move::Drain);
        }
        moves
    }

    fn claims_to_run_out(&self) -> BTreeSet<Uuid> {
        let held = self.jobs.iter().flat_map(WorkerJob::claims);
        let held: BTreeSet<Uuid> = held
            .chain(self.sides.late.iter().map(|(claim, _)| *claim))
            .collect();
        let claims = self.sides.database.rows.values();
        claims
            .filter_map(|row| row.intent_claim)
            .filter(|claim| !held.contains(claim) && !self.sides.database.run_out.contains(claim))
            .collect()
    }

    fn take(&mut self, next: Move) {
        self.sides.cloud.now += 300_000;
        match next {
            Move::Decide { is_sent } => {
                let decision = self.budget.decisions.remove(0);
                let now = Timestamp::from_micros(self.sides.cloud.now);
                self.sides.database.decide(ROW, &decision, now);
                if is_sent {
                    self.queue.push(WaitingMessage::Intent(ROW));
                }
            }
            Move::ChangeThere => {
                let change = self.budget.changes.remove(0);
                let _refused = self.sides.cloud.apply(&change);
            }
            Move::Begin => {
                self.queue.clear();
                let job = OutboundJob::new([ROW].into());
                self.jobs.push(WorkerJob::Outbound(Box::new(job)));
            }
            Move::Observe => {
                self.budget.notifications -= 1;
                let body = self.sides.cloud.outbox.remove(0);
                let now = Timestamp::from_micros(self.sides.cloud.now);
                let message = queue::NotificationMessage {
                    received_at: now,
                    signature_timestamp: now,
                    replayed: false,
                    algorithm: None,
                    body: RawBody::new(body.into_bytes()),
                };
                let job = NotificationJob::new(vec![message]);
                self.jobs.push(WorkerJob::Notifications(Box::new(job)));
            }
            Move::Step(job, fault) => {
                if fault != CallFate::None {
                    let at = self.budget.faults.iter().position(|one| *one == fault);
                    self.budget.faults.remove(at.expect("it is in the budget"));
                }
                match self.jobs[job].step(&mut self.sides, fault) {
                    StepProgress::Going => {}
                    StepProgress::Ended => drop(self.jobs.remove(job)),
                    StepProgress::Failed => self.crash(job),
                }
            }
            Move::Crash(job) => {
                self.budget.crashes -= 1;
                self.crash(job);
            }
            Move::RunOut => {
                let over = self.claims_to_run_out();
                self.sides.database.run_out.extend(over);
            }
            Move::Land(call) => {
                let (_, change) = self.sides.late.remove(call);
                let _nobody_hears_the_answer = self.sides.cloud.apply(&change);
            }
            Move::Drain => self.queue.push(WaitingMessage::Intent(ROW)),
        }
    }

    fn crash(&mut self, job: usize) {
        let messages = self.jobs.remove(job).messages();
        let intents = messages.into_iter();
        self.queue
            .extend(intents.filter(|message| matches!(message, WaitingMessage::Intent(_))));
    }

    /// Forgets what does not decide what happens next: the audit trail and the record of notifications.
    fn forget(&mut self) {
        self.sides.database.audit.clear();
        self.sides.database.notifications.clear();
    }

    fn key(&mut self) -> u64 {
        let live_claims = |row: &AssetRow| {
            row.intent_claim
                .map(|claim| self.sides.database.run_out.contains(&claim))
        };
        let claims: Vec<_> = self.sides.database.rows.values().map(live_claims).collect();
        let run_out = mem::take(&mut self.sides.database.run_out);
        let ids = mem::take(&mut self.sides.ids);
        let text = format!("{self:?} {claims:?}");
        self.sides.database.run_out = run_out;
        self.sides.ids = ids;
        let mut hasher = DefaultHasher::new();
        hash_ranked(&text, &mut hasher);
        hasher.finish()
    }
}

/// A word that differs between paths which differ in nothing else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Name<'a> {
    Moment(&'a str),
    Id(&'a str),
}

/// The names in a text, each with its place.
fn names(text: &str) -> Vec<(usize, Name<'_>)> {
    let is_part = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b'-';
    let mut names = Vec::new();
    let mut begin = 0;
    for part in text.as_bytes().split(|byte| !is_part(byte)) {
        let end = begin + part.len();
        match part.len() {
            16 if part.iter().all(u8::is_ascii_digit) => {
                names.push((begin, Name::Moment(&text[begin..end])));
            }
            36 if part.iter().filter(|byte| **byte == b'-').count() == 4 => {
                names.push((begin, Name::Id(&text[begin..end])));
            }
            _ => {}
        }
        begin = end + 1;
    }
    names
}

/// Hashes a text with its moments and ids replaced by their places in order.
fn hash_ranked(text: &str, hasher: &mut impl Hasher) {
    let names = names(text);
    let mut order: Vec<Name<'_>> = names.iter().map(|(_, name)| *name).collect();
    order.sort_unstable();
    order.dedup();
    let ids = order.partition_point(|name| matches!(name, Name::Moment(_)));
    let mut rest = 0;
    for (begin, name) in names {
        hasher.write(&text.as_bytes()[rest..begin]);
        let place = order.binary_search(&name).expect("it is one of them");
        let (kind, rank, word) = match name {
            Name::Moment(word) => (0, place, word),
            Name::Id(word) => (1, place - ids, word),
        };
        hasher.write_u8(kind);
        hasher.write_usize(rank);
        rest = begin + word.len();
    }
    hasher.write(&text.as_bytes()[rest..]);
}

/// The moves that lead to a state, told backwards: where each one began, and the move.
#[derive(Default)]
struct Paths(Vec<(Option<usize>, Move)>);

impl Paths {
    fn add(&mut self, before: Option<usize>, next: Move) -> usize {
        self.0.push((before, next));
        self.0.len() - 1
    }

    fn to(&self, mut end: Option<usize>) -> Vec<Move> {
        let mut path = Vec::new();
        while let Some(at) = end {
            let (before, next) = self.0[at];
            path.push(next);
            end = before;
        }
        path.reverse();
        path
    }
}

/// Walks every state, and checks each in which nothing is left to happen.
fn explore(name: &str, budget: Budget, check: impl Fn(&State)) {
    let mut seen = HashSet::new();
    let mut paths = Paths::default();
    let mut open = vec![(State::new(budget), None, 0)];
    let mut ends = 0;
    while let Some((state, path, length)) = open.pop() {
        let moves = state.moves();
        if moves.is_empty() {
            ends += 1;
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&state)));
            assert!(outcome.is_ok(), "{name}: {:#?}\n{state:#?}", paths.to(path));
        }
        let goes_on = || paths.to(path);
        assert!(length < 200, "{name}: it goes on for ever: {:?}", goes_on());
        for next in moves {
            let mut after = state.clone();
            after.take(next);
            after.forget();
            if seen.insert(after.key()) {
                open.push((after, Some(paths.add(path, next)), length + 1));
            }
        }
    }
    println!("{name}: {} states, {ends} ends", seen.len());
    assert!(ends > 0);
}

fn tags(tags: &[&str]) -> UserDecision {
    UserDecision {
        tags: Some(tags.iter().map(|tag| (*tag).to_owned()).collect()),
        ..UserDecision::default()
    }
}

fn deleted(deleted: bool) -> UserDecision {
    UserDecision {
        deleted: Some(deleted),
        ..UserDecision::default()
    }
}

fn red_is_there(state: &State) -> bool {
    let asset = state.sides.cloud.find("mug").expect("it is alive");
    asset.tags.contains(&"red".to_owned())
}

#[test]
fn the_last_of_two_opposite_decisions_holds() {
    let budget = Budget {
        decisions: vec![tags(&[]), tags(&["red"])],
        faults: vec![CallFate::Late],
        ..Budget::default()
    };
    explore("opposite decisions", budget, |state| {
        assert!(
            state.sides.database.rows[&ROW].intent.is_none(),
            "nothing is stuck"
        );
        assert!(red_is_there(state), "the last decision holds");
    });
}

#[test]
fn an_observer_in_between_ends_nothing_too_early() {
    let budget = Budget {
        decisions: vec![tags(&[]), tags(&["red"])],
        notifications: 1,
        ..Budget::default()
    };
    explore("an observer in between", budget, |state| {
        assert!(
            state.sides.database.rows[&ROW].intent.is_none(),
            "nothing is stuck"
        );
        assert!(red_is_there(state), "the last decision holds");
    });
}

#[test]
fn a_delete_that_was_taken_back_leaves_the_asset_alive() {
    let budget = Budget {
        decisions: vec![deleted(true), deleted(false)],
        crashes: 1,
        faults: vec![CallFate::LostAfter],
        ..Budget::default()
    };
    explore("a delete taken back", budget, |state| {
        check::mirrored(&state.sides);
        assert!(state.sides.cloud.find("mug").is_some(), "it is alive");
    });
}

#[test]
fn a_deleted_asset_stays_deleted() {
    let budget = Budget {
        decisions: vec![tags(&["blue"]), deleted(true)],
        faults: vec![CallFate::LostAfter],
        ..Budget::default()
    };
    explore("a delete after an edit", budget, |state| {
        check::mirrored(&state.sides);
        assert!(
            state.sides.cloud.find("mug").is_none(),
            "nothing brings it back"
        );
    });
}

#[test]
fn a_later_change_there_and_an_edit_here_both_end() {
    let pairs = |value: &str| BTreeMap::from([("alt".to_owned(), value.to_owned())]);
    let budget = Budget {
        decisions: vec![UserDecision {
            context: Some([("alt".to_owned(), json!("ours"))].into()),
            ..UserDecision::default()
        }],
        changes: vec![LibraryChange::MergeContext(
            vec!["mug".to_owned()],
            pairs("theirs"),
        )],
        notifications: 1,
        ..Budget::default()
    };
    explore("both sides at once", budget, |state| {
        let row = &state.sides.database.rows[&ROW];
        assert!(row.intent.is_none(), "nothing is stuck");
        let asset = state.sides.cloud.find("mug").expect("it is alive");
        let found = asset.context.get("alt").map(String::as_str);
        assert!(
            matches!(found, Some("ours" | "theirs")),
            "one of the two is kept"
        );
    });
}

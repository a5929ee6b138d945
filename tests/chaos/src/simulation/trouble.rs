//! Mischief that outlasts a call: a user who never stops, and an hour without quota.

use std::time::Duration;

use media_sync::queue::{FailureProspect, MessageFate, MessageKeeper};
use media_sync::time::Timestamp;
use rand::Rng;
use rand::rngs::StdRng;

use super::{SECOND, Story};
use crate::jobs::{CallFate, WaitingMessage};
use crate::people;

const HOUR: i64 = 3_600 * SECOND;

/// The least pause of a message that is sent anew, as the queues of notifications have it.
const PAUSE: Duration = Duration::from_secs(120);

impl Story {
    pub(super) fn make_mischief(&mut self) {
        self.give_held_back();
        let Some(mut rng) = self.mischief.rng.take() else {
            return;
        };
        if rng.random_bool(0.01) {
            self.decide_without_end(&mut rng);
        }
        if rng.random_bool(0.01) && !self.has_no_quota() {
            self.totals.hours_without_quota += 1;
            self.mischief.quota_back_at = self.sides.cloud.now + rng.random_range(SECOND..HOUR);
            self.tell(&"the quota is spent");
        }
        self.mischief.rng = Some(rng);
    }

    /// One user decides about one asset, faster than anybody carries it out.
    fn decide_without_end(&mut self, rng: &mut StdRng) {
        let Some(id) = people::row(rng, &self.sides.database).map(|row| row.id) else {
            return;
        };
        self.totals.floods += 1;
        for _ in 0..rng.random_range(20..60) {
            self.sides.cloud.now += rng.random_range(1..SECOND / 10);
            let before = self.sides.database.rows[&id].clone();
            let decision = people::decision(rng, &before);
            if self.decide(&before, &decision) {
                self.queue.push(WaitingMessage::Intent(id));
            }
        }
    }

    pub(super) fn has_no_quota(&self) -> bool {
        self.sides.cloud.now < self.mischief.quota_back_at
    }

    /// Without quota no call of the Admin API gets through.
    pub(super) fn fate_under_quota(&self, fate: CallFate) -> CallFate {
        if self.has_no_quota() {
            CallFate::WithoutQuota
        } else {
            fate
        }
    }

    /// Failed messages go back to their queue. Those that wait for the quota are sent anew, as the library decides.
    pub(super) fn take_back(&mut self, messages: Vec<WaitingMessage>) {
        if !self.has_no_quota() {
            return self.queue.extend(messages);
        }
        let now = self.sides.cloud.now;
        let rest = Timestamp::from_micros(self.mischief.quota_back_at).since(self.now());
        for message in messages {
            let (keeper, since) = match &message {
                WaitingMessage::Notification(message) => {
                    (MessageKeeper::Queue, Some(message.received_at))
                }
                WaitingMessage::Intent(row) => (MessageKeeper::Row, self.decided_at(*row)),
            };
            let age = self.now().since(since.unwrap_or(self.now()));
            match MessageFate::of(FailureProspect::Passing(rest), keeper, age, PAUSE) {
                MessageFate::SentAnew(delay) => {
                    let delay = i64::try_from(delay.as_micros()).expect("an hour at most");
                    self.mischief.held_back.push((now + delay, message));
                }
                // The drain sends another.
                MessageFate::LeftToItsRow => {}
                MessageFate::Returned => {
                    panic!("an hour without quota is counted against {message:?}")
                }
            }
        }
    }

    fn decided_at(&self, row: uuid::Uuid) -> Option<Timestamp> {
        let intent = self.sides.database.rows.get(&row)?.intent.as_ref()?;
        Some(Timestamp::from_micros(intent.at))
    }

    /// Hands out the messages whose time has come.
    fn give_held_back(&mut self) {
        let now = self.sides.cloud.now;
        let due = self
            .mischief
            .held_back
            .extract_if(.., |(until, _)| *until <= now);
        self.queue.extend(due.map(|(_, message)| message));
    }

    /// Waits for the quota, and for every message that is held back.
    pub(super) fn wait_for_the_quota(&mut self) {
        let held_back = self.mischief.held_back.iter().map(|(until, _)| *until);
        let end = held_back
            .max()
            .unwrap_or_default()
            .max(self.mischief.quota_back_at);
        self.sides.cloud.now = self.sides.cloud.now.max(end);
        self.give_held_back();
    }
}

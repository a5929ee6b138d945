//! Notifications to rows: read, look, and write.

use std::collections::BTreeMap;

use media_sync::queue;
use media_sync::sync::ingest::{Accepted, NotificationPolicy, record};
use media_sync::sync::notification::Says;
use media_sync::sync::settle::{Evidence, Settlement};

use super::settle::{Settling, settle, take_answer};
use super::{Fault, Message, Progress, Sides};

/// One batch of notifications.
#[derive(Clone, Debug)]
pub struct NotificationJob {
    /// Those that are not done with.
    open: Vec<Accepted>,
    settlement: Option<Box<Settlement<NotificationPolicy>>>,
}

impl NotificationJob {
    pub fn new(messages: Vec<queue::Notification>) -> Self {
        Self {
            open: messages.into_iter().map(Accepted::read).collect(),
            settlement: None,
        }
    }

    /// The digests under which the messages will be recorded.
    pub fn digests(&self) -> impl Iterator<Item = String> {
        self.open.iter().map(|accepted| accepted.digest.clone())
    }

    pub(super) fn messages(&self) -> Vec<Message> {
        let messages = self.open.iter().map(|one| one.message.clone());
        messages.map(Message::Notification).collect()
    }

    pub(super) fn step(&mut self, sides: &mut Sides, fault: Fault) -> Progress {
        let Some(settlement) = &mut self.settlement else {
            self.begin(sides);
            return Progress::Going;
        };
        match settle(settlement, sides, fault) {
            Settling::Going => Progress::Going,
            Settling::Planned(plan) => {
                let (change, verdicts) = record(settlement, plan);
                let answer = sides.database.apply(&change);
                match take_answer(settlement, answer) {
                    Settling::Settled => {
                        let mut waits = verdicts.into_iter().map(|verdict| verdict.is_err());
                        self.open.retain(|_| waits.next().unwrap_or_default());
                        if self.open.is_empty() {
                            Progress::Ended
                        } else {
                            Progress::Failed
                        }
                    }
                    Settling::Failed => Progress::Failed,
                    _ => Progress::Going,
                }
            }
            Settling::Settled => Progress::Ended,
            Settling::Failed => Progress::Failed,
        }
    }

    fn begin(&mut self, sides: &Sides) {
        let mut folders = BTreeMap::new();
        for accepted in &self.open {
            if let Ok(notification) = &accepted.read
                && let Says::FolderMoved { from } = &notification.says
            {
                folders.insert(from.clone(), sides.database.folder_ids(from));
            }
        }
        let policy = NotificationPolicy::new(self.open.clone(), folders);
        self.settlement = Some(Box::new(Settlement::new(policy, Evidence::default())));
    }
}

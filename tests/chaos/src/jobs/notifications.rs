//! Notifications to rows: read, look, and write.

use std::collections::BTreeMap;

use media_sync::queue;
use media_sync::sync::ingest::{AcceptedNotification, NotificationPolicy, record};
use media_sync::sync::notification::NotificationMeaning;
use media_sync::sync::settle::{PlanEvidence, Settlement};
use media_sync::time::Timestamp;

use super::settle::{Settling, settle, take_answer};
use super::{BothSides, CallFate, StepProgress, WaitingMessage};

/// One batch of notifications.
#[derive(Clone, Debug)]
pub struct NotificationJob {
    /// Those that are not done with.
    open: Vec<AcceptedNotification>,
    settlement: Option<Box<Settlement<NotificationPolicy>>>,
}

impl NotificationJob {
    pub fn new(messages: Vec<queue::NotificationMessage>) -> Self {
        Self {
            open: messages
                .into_iter()
                .map(AcceptedNotification::read)
                .collect(),
            settlement: None,
        }
    }

    /// The digests under which the messages will be recorded.
    pub fn digests(&self) -> impl Iterator<Item = String> {
        self.open.iter().map(|accepted| accepted.digest.clone())
    }

    pub(super) fn messages(&self) -> Vec<WaitingMessage> {
        let messages = self.open.iter().map(|one| one.message.clone());
        messages.map(WaitingMessage::Notification).collect()
    }

    pub(super) fn step(&mut self, sides: &mut BothSides, fault: CallFate) -> StepProgress {
        let Some(settlement) = &mut self.settlement else {
            self.begin(sides);
            return StepProgress::Going;
        };
        match settle(settlement, sides, fault) {
            Settling::Going => StepProgress::Going,
            Settling::Planned(plan) => {
                let now = Timestamp::from_micros(sides.cloud.now);
                let (change, verdicts) = record(settlement, *plan, now);
                let answer = sides.database.apply(&change);
                match take_answer(settlement, answer) {
                    Settling::Settled => {
                        let mut waits = verdicts.into_iter().map(|verdict| verdict.is_err());
                        self.open.retain(|_| waits.next().unwrap_or_default());
                        if self.open.is_empty() {
                            StepProgress::Ended
                        } else {
                            StepProgress::Failed
                        }
                    }
                    Settling::Failed => StepProgress::Failed,
                    _ => StepProgress::Going,
                }
            }
            Settling::Settled => StepProgress::Ended,
            Settling::Failed => StepProgress::Failed,
        }
    }

    fn begin(&mut self, sides: &BothSides) {
        let mut folders = BTreeMap::new();
        for accepted in &self.open {
            if let Ok(notification) = &accepted.read
                && let NotificationMeaning::FolderMoved { from } = &notification.says
            {
                folders.insert(from.clone(), sides.database.folder_ids(from));
            }
        }
        let policy = NotificationPolicy::new(self.open.clone(), folders);
        self.settlement = Some(Box::new(Settlement::new(policy, PlanEvidence::default())));
    }
}

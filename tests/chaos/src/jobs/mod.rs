//! The workers, cut into the steps between which they may die or be overtaken.

mod notifications;
mod outbound;
mod reconcile;
mod settle;

use std::collections::{BTreeMap, BTreeSet};

use media_sync::asset::AssetId;
use media_sync::queue;
use media_sync::time::Timestamp;
use uuid::Uuid;

pub use self::notifications::NotificationJob;
pub use self::outbound::OutboundJob;
pub use self::reconcile::ReconcileJob;
use crate::cloud::{CloudLibrary, LibraryChange};
use crate::database::SimulatedDatabase;

/// The fate of the next call to Cloudinary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallFate {
    None,
    /// It is refused, and may succeed later.
    Refused,
    /// No answer, and no effect.
    LostBefore,
    /// No answer, though it was carried out.
    LostAfter,
    /// No answer, and it is carried out at some later time.
    Late,
    /// It is refused, if it is one of the Admin API, which counts calls by the hour.
    WithoutQuota,
}

/// The outcome of a step.
#[derive(Debug, PartialEq)]
pub enum StepProgress {
    Going,
    /// The invocation is over, and these messages are done with.
    Ended,
    /// The invocation is over, and its messages come back.
    Failed,
}

/// The two sides, and calls that are on their way between them.
#[derive(Clone, Debug, Default)]
pub struct BothSides {
    pub cloud: CloudLibrary,
    pub database: SimulatedDatabase,
    /// Calls without an answer that are still to be carried out, and the claim that waits for them.
    pub late: Vec<(Uuid, LibraryChange)>,
    /// Assets that a call of ours has met by a name that had been another's when it was planned.
    /// Cloudinary's tags, context, metadata and renames are addressed by name only.
    pub met_by_name: BTreeSet<AssetId>,
    /// Assets that a call has met long after its worker had given it up: it may undo later decisions and changes.
    pub met_late: BTreeSet<AssetId>,
    /// When calls of ours have last changed something of a group: `changed` cannot tell whose change
    /// it was, nor of which key.
    pub touched: BTreeMap<(AssetId, &'static str), Timestamp>,
    /// The number of ids that have been made.
    pub ids: u128,
}

impl BothSides {
    /// Ids in the order of their making, so that a seed repeats them.
    pub fn fresh_id(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::from_u128(self.ids)
    }
}

/// One invocation of a worker.
#[derive(Clone, Debug)]
pub enum WorkerJob {
    Notifications(Box<NotificationJob>),
    Outbound(Box<OutboundJob>),
    Reconcile(Box<ReconcileJob>),
}

impl WorkerJob {
    pub fn step(&mut self, sides: &mut BothSides, fault: CallFate) -> StepProgress {
        match self {
            Self::Notifications(job) => job.step(sides, fault),
            Self::Outbound(job) => job.step(sides, fault),
            Self::Reconcile(job) => job.step(sides, fault),
        }
    }

    /// The messages of the invocation.
    pub fn messages(&self) -> Vec<WaitingMessage> {
        match self {
            Self::Notifications(job) => job.messages(),
            Self::Outbound(job) => job
                .wanted
                .iter()
                .map(|row| WaitingMessage::Intent(*row))
                .collect(),
            Self::Reconcile(_) => Vec::new(),
        }
    }

    /// The claims that end some time after it.
    pub fn claims(&self) -> BTreeSet<Uuid> {
        match self {
            Self::Outbound(job) => job.claims.clone(),
            _ => BTreeSet::new(),
        }
    }
}

/// A message that waits in a queue.
#[derive(Clone, Debug, PartialEq)]
pub enum WaitingMessage {
    Notification(queue::NotificationMessage),
    Intent(Uuid),
}

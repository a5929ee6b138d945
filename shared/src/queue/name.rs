//! The queues that give messages up, by name (pure).

use serde::{Deserialize, Serialize};

/// A queue with a dead-letter queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueName {
    /// Notifications of Cloudinary.
    Notifications,
    /// Decisions made here.
    Outbound,
    /// Continuations of runs and replays.
    Continuation,
}

impl QueueName {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Notifications, Self::Outbound, Self::Continuation];

    /// The word for it in commands and requests.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Notifications => "notifications",
            Self::Outbound => "outbound",
            Self::Continuation => "continuation",
        }
    }

    /// The words of `GET /health`: the queue's and its dead letters'.
    pub const fn health_words(self) -> (&'static str, &'static str) {
        match self {
            Self::Notifications => ("notification", "notification_dead_letters"),
            Self::Outbound => ("outbound", "outbound_dead_letters"),
            Self::Continuation => ("reconcile", "reconcile_dead_letters"),
        }
    }

    /// The environment variables with the addresses: the queue's and its dead letters'.
    pub const fn variables(self) -> (&'static str, &'static str) {
        match self {
            Self::Notifications => (
                "NOTIFICATION_QUEUE_URL",
                "NOTIFICATION_DEAD_LETTER_QUEUE_URL",
            ),
            Self::Outbound => ("OUTBOUND_QUEUE_URL", "OUTBOUND_DEAD_LETTER_QUEUE_URL"),
            Self::Continuation => ("RECONCILE_QUEUE_URL", "RECONCILE_DEAD_LETTER_QUEUE_URL"),
        }
    }
}

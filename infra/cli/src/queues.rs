//! The stack's queues and their dead-letter queues, by name (pure).

use crate::deployment::Deployment;
use crate::failure::Failure;

/// A queue that gives messages up into a dead-letter queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

    /// The word for it in commands.
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

    /// The logical ids in the template: the queue's and its dead letters'.
    const fn logical_ids(self) -> (&'static str, &'static str) {
        match self {
            Self::Notifications => ("NotificationQueue", "NotificationDeadLetterQueue"),
            Self::Outbound => ("OutboundQueue", "OutboundDeadLetterQueue"),
            Self::Continuation => ("ReconcileQueue", "ReconcileDeadLetterQueue"),
        }
    }

    /// The addresses of the queue and of its dead letters.
    ///
    /// # Errors
    /// When the stack does not tell them.
    pub fn addresses(self, deployment: &Deployment) -> Result<(String, String), Failure> {
        let (queue, dead) = self.logical_ids();
        let address = |id: &str| deployment.output(&format!("{id}Url")).map(str::to_owned);
        Ok((address(queue)?, address(dead)?))
    }

    /// Reads a queue's word, or any name of its dead-letter queue: the template's, that of `GET /health`, or the last
    /// part of its `address`, as AWS's console shows it.
    pub fn is_called(self, name: &str, dead_letters_address: &str) -> bool {
        let (_, logical) = self.logical_ids();
        let (_, health) = self.health_words();
        let physical = dead_letters_address.rsplit('/').next().unwrap_or_default();
        let names = [self.word(), logical, health, physical, dead_letters_address];
        !name.is_empty() && names.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_are_found_by_their_word_and_by_the_names_of_their_dead_letters() {
        let address = |queue: QueueName| {
            let (_, dead) = queue.logical_ids();
            format!("https://sqs.eu-west-1.amazonaws.com/123456789012/media-sync-{dead}-AbC1")
        };
        for (name, expected) in [
            ("notifications", Some(QueueName::Notifications)),
            ("Outbound", Some(QueueName::Outbound)),
            ("reconcile_dead_letters", Some(QueueName::Continuation)),
            ("OutboundDeadLetterQueue", Some(QueueName::Outbound)),
            (
                "media-sync-NotificationDeadLetterQueue-AbC1",
                Some(QueueName::Notifications),
            ),
            ("NotificationQueue", None),
            ("", None),
        ] {
            let mut all = QueueName::ALL.into_iter();
            let found = all.find(|queue| queue.is_called(name, &address(*queue)));
            assert_eq!(found, expected, "{name}");
        }
    }
}

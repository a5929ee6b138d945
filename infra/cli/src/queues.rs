//! The stack's queues and their dead-letter queues, by name (pure).

use media_sync::queue::QueueName;

use crate::deployment::Deployment;
use crate::failure::Failure;

/// The logical ids in the template: the queue's and its dead letters'.
const fn logical_ids(queue: QueueName) -> (&'static str, &'static str) {
    match queue {
        QueueName::Notifications => ("NotificationQueue", "NotificationDeadLetterQueue"),
        QueueName::Outbound => ("OutboundQueue", "OutboundDeadLetterQueue"),
        QueueName::Continuation => ("ReconcileQueue", "ReconcileDeadLetterQueue"),
    }
}

/// The addresses of the queue and of its dead letters.
///
/// # Errors
/// When the stack does not tell them.
pub fn addresses(queue: QueueName, deployment: &Deployment) -> Result<(String, String), Failure> {
    let (source, dead) = logical_ids(queue);
    let address = |id: &str| deployment.output(&format!("{id}Url")).map(str::to_owned);
    Ok((address(source)?, address(dead)?))
}

/// Reads a queue's word, or any name of its dead-letter queue: the template's, that of `GET /health`, or the last
/// part of its `address`, as AWS's console shows it.
pub fn is_called(queue: QueueName, name: &str, dead_letters_address: &str) -> bool {
    let (_, logical) = logical_ids(queue);
    let (_, health) = queue.health_words();
    let physical = dead_letters_address.rsplit('/').next().unwrap_or_default();
    let names = [
        queue.word(),
        logical,
        health,
        physical,
        dead_letters_address,
    ];
    !name.is_empty() && names.iter().any(|own| own.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_are_found_by_their_word_and_by_the_names_of_their_dead_letters() {
        let address = |queue: QueueName| {
            let (_, dead) = logical_ids(queue);
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
            let found = all.find(|queue| is_called(*queue, name, &address(*queue)));
            assert_eq!(found, expected, "{name}");
        }
    }
}

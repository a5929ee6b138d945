//! An accepted notification, read (pure).

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::queue;
use crate::sync::notification::{
    NotUnderstood, Notification, NotificationMeaning, parse_notification,
};
use crate::time::Timestamp;

/// The microseconds by which the clocks of Cloudinary's machines may differ. None signs a notification before the change
/// that it tells of.
const CLOCKS_DIFFER: i64 = 60_000_000;

/// An accepted notification, read.
#[derive(Clone, Debug)]
pub struct AcceptedNotification {
    pub digest: String,
    pub message: queue::NotificationMessage,
    pub read: Result<Notification, NotUnderstood>,
}

impl AcceptedNotification {
    /// Reads a message.
    pub fn read(message: queue::NotificationMessage) -> Self {
        let body = message.body.as_bytes();
        let newest = message.signature_timestamp.offset(CLOCKS_DIFFER);
        let mut hash = Sha256::new();
        hash.update(message.signature_timestamp.to_string().as_bytes());
        hash.update(b"\n");
        hash.update(body);
        Self {
            digest: hex::encode(hash.finalize()),
            read: parse_notification(body, newest),
            message,
        }
    }

    /// Tells if it only hints at assets, which have to be looked at.
    pub fn is_hint(&self) -> bool {
        let says = self.read.as_ref().map(|read| &read.says);
        matches!(
            says,
            Ok(NotificationMeaning::Changed(_)
                | NotificationMeaning::Mentioned(_)
                | NotificationMeaning::FolderMoved { .. })
        )
    }

    /// The age of the change that it tells of. A replay says nothing of how fast news travels.
    pub fn age(&self, now: Timestamp) -> Option<Duration> {
        let triggered_at = self.read.as_ref().ok().and_then(|read| read.triggered_at);
        let happened_at = triggered_at.unwrap_or(self.message.signature_timestamp);
        (!self.message.replayed).then(|| now.since(happened_at))
    }

    /// Tells if it has waited as long as a message may. A replay is kept already, and came long after its arrival.
    pub fn has_waited_long(&self, now: Timestamp) -> bool {
        !self.message.replayed && queue::has_waited_long(self.message.received_at, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::RawBody;

    #[test]
    fn no_change_is_later_than_its_signature() {
        let signed = Timestamp::from_secs(1_800_000_005);
        let body = r#"{"notification_type":"create_folder","notification_context":{"triggered_at":"2099-01-01T00:00:00Z"}}"#;
        let read = AcceptedNotification::read(queue::NotificationMessage {
            received_at: signed,
            signature_timestamp: signed,
            replayed: false,
            algorithm: None,
            body: RawBody::new(body.as_bytes().to_vec()),
        });
        let triggered_at = read.read.unwrap().triggered_at;
        assert_eq!(triggered_at, Some(signed.offset(CLOCKS_DIFFER)));
    }

    #[test]
    fn the_age_of_news_is_counted_from_the_change_else_from_the_signature() {
        let age = |body: &str, replayed| {
            let message = queue::NotificationMessage {
                received_at: Timestamp::from_secs(1_800_000_009),
                signature_timestamp: Timestamp::from_secs(1_800_000_005),
                replayed,
                algorithm: None,
                body: RawBody::new(body.as_bytes().to_vec()),
            };
            let age = AcceptedNotification::read(message).age(Timestamp::from_secs(1_800_000_010));
            age.map(|age| age.as_millis())
        };
        let dated = r#"{"notification_type":"create_folder","notification_context":{"triggered_at":"2027-01-15T08:00:01.500Z"}}"#;
        assert_eq!(age(dated, false), Some(8_500));
        assert_eq!(age("{}", false), Some(5_000));
        assert_eq!(age(dated, true), None);
    }
}

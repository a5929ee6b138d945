//! The message with which the webhook tells of notifications that it refused (pure).

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::message::{QueueMessage, kind_of};
use crate::cloudinary::signature::{SignatureAlgorithm, SignatureRejection};
use crate::time::Timestamp;

/// At most one message leaves a copy of the webhook in this time: forgers must not fill the queue.
const PAUSE: Duration = Duration::from_secs(60);

/// The longest name of an API key that is repeated. Cloudinary's have 15 digits.
const KEY_LIMIT: usize = 32;

/// Notifications that were refused since the last such message of the same copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedNotifications {
    /// When the last one came, on our clock.
    pub at: Timestamp,
    /// The last one's reason: a code of `SignatureRejection`.
    pub reason: String,
    /// The API key that the last one claims to be signed with. Nothing proves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_key: Option<String>,
    /// The hash of the last one's signature, by its length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<SignatureAlgorithm>,
    /// Their number.
    pub count: u64,
}

impl QueueMessage for RefusedNotifications {
    const KIND: &'static str = "refused_notifications";
}

impl RefusedNotifications {
    /// Describes a refused notification. Of its own words, only well-formed names are repeated.
    pub fn describe(
        rejection: SignatureRejection,
        body: &[u8],
        signature: Option<&str>,
        count: u64,
        at: Timestamp,
    ) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let key = body.get("signature_key").and_then(Value::as_str);
        Self {
            at,
            reason: rejection.code().to_owned(),
            signature_key: key.filter(|key| is_key(key)).map(str::to_owned),
            algorithm: signature.and_then(SignatureAlgorithm::of_signature),
            count,
        }
    }
}

fn is_key(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=KEY_LIMIT).contains(&text.len()) && text.bytes().all(is_plain)
}

/// Counts the refusals of one copy, and says when it is time to tell of them.
#[derive(Debug, Default)]
pub struct RefusalTally {
    told_at: Option<Timestamp>,
    untold: u64,
}

impl RefusalTally {
    /// Counts one more. Answers how many to tell of, where a message is due.
    pub fn note(&mut self, now: Timestamp) -> Option<u64> {
        self.untold += 1;
        if self.told_at.is_some_and(|told| now.since(told) < PAUSE) {
            return None;
        }
        self.told_at = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

/// Parts a batch: the messages of one kind, and all others.
pub fn part_batch<M: QueueMessage>(event: SqsEvent) -> (SqsEvent, SqsEvent) {
    let is_kind =
        |text: Option<&str>| kind_of(text.unwrap_or_default()).is_some_and(|kind| kind == M::KIND);
    let (mut of_kind, mut others) = (SqsEvent::default(), SqsEvent::default());
    let records = event.records.into_iter();
    (of_kind.records, others.records) = records.partition(|record| is_kind(record.body.as_deref()));
    (of_kind, others)
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::sqs::SqsMessage;
    use proptest::prelude::*;

    use super::super::{ContinueReconcile, decode, encode};
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

    fn describe(body: &[u8], signature: Option<&str>) -> RefusedNotifications {
        RefusedNotifications::describe(SignatureRejection::WrongSignature, body, signature, 1, NOW)
    }

    #[test]
    fn one_message_a_minute_tells_how_many_were_refused() {
        let mut tally = RefusalTally::default();
        let at = |seconds: i64| NOW.offset(seconds * 1_000_000);
        assert_eq!(tally.note(at(0)), Some(1));
        assert_eq!(tally.note(at(1)), None);
        assert_eq!(tally.note(at(59)), None);
        assert_eq!(tally.note(at(60)), Some(3));
        assert_eq!(tally.note(at(61)), None);
        // A clock that was set back delays a message and loses none.
        assert_eq!(tally.note(at(-500)), None);
        assert_eq!(tally.note(at(120)), Some(3));
    }

    #[test]
    fn only_well_formed_names_are_repeated() {
        let told = describe(
            br#"{"signature_key":"614335564976464"}"#,
            Some(&"a1".repeat(20)),
        );
        assert_eq!(told.signature_key.as_deref(), Some("614335564976464"));
        assert_eq!(told.algorithm, Some(SignatureAlgorithm::Sha1));
        assert_eq!(told.reason, "signature_wrong");
        let longer = describe(b"{}", Some(&"A1".repeat(32)));
        assert_eq!(longer.algorithm, Some(SignatureAlgorithm::Sha256));
        for body in [
            &br#"{"signature_key":"<script>"}"#[..],
            br#"{"signature_key":""}"#,
            br#"{"signature_key":7}"#,
            br#"{"signature_key":"123456789012345678901234567890123"}"#,
            b"[]",
            b"not json",
        ] {
            assert_eq!(describe(body, Some("nonsense")), describe(b"", None));
        }
    }

    #[test]
    fn batch_is_parted_by_kind() {
        let record = |body: String| {
            let mut record = SqsMessage::default();
            record.body = Some(body);
            record
        };
        let refused = encode(&describe(b"", None));
        let other = encode(&ContinueReconcile {
            run_id: uuid::Uuid::nil(),
        });
        let mut event = SqsEvent::default();
        event.records = [&other, &refused, "nonsense"]
            .map(|body| record(body.to_owned()))
            .into();
        let (refusals, rest) = part_batch::<RefusedNotifications>(event);
        let bodies = |event: &SqsEvent| -> Vec<String> {
            event
                .records
                .iter()
                .filter_map(|record| record.body.clone())
                .collect()
        };
        assert_eq!(bodies(&refusals), [refused]);
        assert_eq!(bodies(&rest), [other, "nonsense".to_owned()]);
    }

    proptest! {
        #[test]
        fn whatever_was_refused_makes_a_short_message(
            body in prop::collection::vec(any::<u8>(), 0..300),
            key in "\\PC{0,80}",
            signature in "\\PC{0,80}",
        ) {
            for body in [body, serde_json::json!({"signature_key": key}).to_string().into_bytes()] {
                let message = describe(&body, Some(&signature));
                let text = encode(&message);
                prop_assert!(text.len() < 250, "{text}");
                prop_assert_eq!(decode::<RefusedNotifications>(&text).unwrap(), message);
            }
        }
    }
}

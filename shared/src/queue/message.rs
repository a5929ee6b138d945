//! Messages between functions: versioned, tagged JSON (pure).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::wait::MessageKeeper;
use crate::asset::AssetId;
use crate::cloudinary::signature::SignatureAlgorithm;
use crate::time::Timestamp;

/// Raised when a message changes so that an older worker would misread it.
const VERSION: u64 = 1;

/// A kind of message. Its fields stand beside the tag: `{"v":1,"kind":"outbound",...}`.
pub trait QueueMessage: Serialize + DeserializeOwned {
    const KIND: &'static str;

    /// The keeper of its meaning while it waits.
    const KEEPER: MessageKeeper = MessageKeeper::Queue;
}

/// A notification of Cloudinary's, verified, as it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationMessage {
    /// When the webhook took it, on our clock.
    pub received_at: Timestamp,
    /// `X-Cld-Timestamp`: when Cloudinary signed it.
    pub signature_timestamp: Timestamp,
    /// Set where it comes from the records, and says nothing of how fast news travels.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replayed: bool,
    /// The hash of its signature; nothing in messages of earlier versions and in replays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<SignatureAlgorithm>,
    pub body: RawBody,
}

/// A row that has something to be carried out in Cloudinary. The row tells it when the message
/// arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntentMessage {
    pub asset_row_id: Uuid,
}

impl IntentMessage {
    /// About the row of this id.
    pub const fn of_row(asset_row_id: Uuid) -> Self {
        Self { asset_row_id }
    }
}

/// A reconciliation that goes on from its checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContinueReconcile {
    pub run_id: Uuid,
}

/// Recorded notifications that are to be applied again, from behind the one named last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayMessage {
    /// When they were received, on our clock: not before `since`, and before `until`.
    pub since: Timestamp,
    pub until: Timestamp,
    /// Only those that speak of this asset.
    pub asset_id: Option<AssetId>,
    /// The last one that was sent: when it was received, and its digest.
    pub after: Option<(Timestamp, String)>,
}

impl QueueMessage for NotificationMessage {
    const KIND: &'static str = "notification";
}

impl QueueMessage for IntentMessage {
    const KIND: &'static str = "outbound";
    const KEEPER: MessageKeeper = MessageKeeper::Row;
}

impl QueueMessage for ReplayMessage {
    const KIND: &'static str = "replay";
}

impl QueueMessage for ContinueReconcile {
    const KIND: &'static str = "continue_reconcile";
}

/// The bytes of a request's body, exactly: text where that is safe and short, else base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RawBody {
    Text(String),
    Base64(#[serde(with = "as_base64")] Vec<u8>),
}

impl RawBody {
    pub fn new(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) if is_cheap_text(&text) => Self::Text(text),
            Ok(text) => Self::Base64(text.into_bytes()),
            Err(error) => Self::Base64(error.into_bytes()),
        }
    }

    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Base64(bytes) => bytes,
        }
    }
}

/// Tells text that survives SQS, which takes XML's characters only. Escaped by JSON it must be no
/// longer than base64: a body at the size limit has to fit into a message.
fn is_cheap_text(text: &str) -> bool {
    let escapes: usize = text
        .chars()
        .map(|character| match character {
            '"' | '\\' => 1,
            '\0'..='\u{1f}' => 5,
            _ => 0,
        })
        .sum();
    escapes <= text.len() / 3 && !text.contains(['\u{fffe}', '\u{ffff}'])
}

mod as_base64 {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use super::{Engine, STANDARD};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map_err(de::Error::custom)
    }
}

/// Reasons why a message of a queue cannot be read. No attempt will read it better.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("the message is not a tagged JSON object")]
    NotTagged(#[source] serde_json::Error),
    #[error("the message has version {0}, this worker reads version {VERSION}")]
    Version(u64),
    #[error("the message is a `{found}`, this worker takes `{expected}`")]
    Kind {
        expected: &'static str,
        found: String,
    },
    #[error("the `{kind}` message lacks something")]
    Fields {
        kind: &'static str,
        #[source]
        source: serde_json::Error,
    },
}

/// Writes a message with its tag.
pub fn encode<M: QueueMessage>(message: &M) -> String {
    #[derive(Serialize)]
    struct Tagged<'a, M> {
        v: u64,
        kind: &'static str,
        #[serde(flatten)]
        message: &'a M,
    }
    serde_json::to_string(&Tagged {
        v: VERSION,
        kind: M::KIND,
        message,
    })
    .expect("messages have string keys and no failing fields")
}

/// A message's first two fields.
#[derive(Deserialize)]
struct Tag {
    v: u64,
    kind: String,
}

/// The kind of a message, if it is one.
pub(super) fn kind_of(text: &str) -> Option<String> {
    Some(serde_json::from_str::<Tag>(text).ok()?.kind)
}

/// Reads a message of one kind.
///
/// # Errors
/// When it is of another version or kind, or not a message at all.
pub fn decode<M: QueueMessage>(text: &str) -> Result<M, DecodeError> {
    let tag: Tag = serde_json::from_str(text).map_err(DecodeError::NotTagged)?;
    if tag.v != VERSION {
        return Err(DecodeError::Version(tag.v));
    }
    if tag.kind != M::KIND {
        return Err(DecodeError::Kind {
            expected: M::KIND,
            found: tag.kind,
        });
    }
    serde_json::from_str(text).map_err(|source| DecodeError::Fields {
        kind: M::KIND,
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn notification(body: &[u8]) -> NotificationMessage {
        NotificationMessage {
            received_at: Timestamp::from_secs(1_767_225_600),
            signature_timestamp: Timestamp::from_secs(1_767_225_599),
            replayed: false,
            algorithm: None,
            body: RawBody::new(body.to_vec()),
        }
    }

    #[test]
    fn messages_are_tagged_and_versioned() {
        assert_eq!(
            encode(&notification(b"{}")),
            r#"{"v":1,"kind":"notification","received_at":"2026-01-01T00:00:00.000000Z","signature_timestamp":"2025-12-31T23:59:59.000000Z","body":{"text":"{}"}}"#
        );
        let run_id = Uuid::nil();
        assert_eq!(
            encode(&ContinueReconcile { run_id }),
            r#"{"v":1,"kind":"continue_reconcile","run_id":"00000000-0000-0000-0000-000000000000"}"#
        );
    }

    #[test]
    fn a_message_without_the_mark_of_a_replay_is_none() {
        let first = notification(b"{}");
        let again = NotificationMessage {
            replayed: true,
            ..first.clone()
        };
        assert!(!encode(&first).contains("replayed"));
        for message in [first, again] {
            assert_eq!(
                decode::<NotificationMessage>(&encode(&message)).unwrap(),
                message
            );
        }
    }

    #[test]
    fn other_versions_and_kinds_are_refused_by_name() {
        let run = encode(&ContinueReconcile {
            run_id: Uuid::nil(),
        });
        assert!(
            matches!(decode::<IntentMessage>(&run), Err(DecodeError::Kind { found, .. }) if found == "continue_reconcile")
        );
        let newer = run.replace("\"v\":1", "\"v\":2");
        assert!(matches!(
            decode::<ContinueReconcile>(&newer),
            Err(DecodeError::Version(2))
        ));
        assert!(matches!(
            decode::<IntentMessage>("{}"),
            Err(DecodeError::NotTagged(_))
        ));
        let bare = r#"{"v":1,"kind":"outbound"}"#;
        assert!(matches!(
            decode::<IntentMessage>(bare),
            Err(DecodeError::Fields { .. })
        ));
    }

    #[test]
    fn bodies_that_text_would_bloat_or_break_travel_as_base64() {
        assert!(matches!(
            RawBody::new(b"{\"a\":1}".to_vec()),
            RawBody::Text(_)
        ));
        assert!(matches!(RawBody::new(vec![b'"'; 100]), RawBody::Base64(_)));
        assert!(matches!(RawBody::new(vec![0xff]), RawBody::Base64(_)));
        assert!(matches!(
            RawBody::new("\u{ffff} and a good deal more".into()),
            RawBody::Base64(_)
        ));
        let largest = encode(&notification(&vec![0; 512 * 1024]));
        assert!(largest.len() < 1024 * 1024);
    }

    proptest! {
        #[test]
        fn any_body_survives_byte_for_byte(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let message = notification(&body);
            let read: NotificationMessage = decode(&encode(&message)).unwrap();
            prop_assert_eq!(read.body.as_bytes(), &body[..]);
        }

        #[test]
        fn text_survives_and_never_outgrows_base64(body in "\\PC{0,50}[\u{0}-\u{ffff}]{0,50}") {
            let message = notification(body.as_bytes());
            let text = encode(&message);
            prop_assert!(text.len() <= 250 + body.len() * 4 / 3 + 4);
            let read: NotificationMessage = decode(&text).unwrap();
            prop_assert_eq!(read.body.as_bytes(), body.as_bytes());
        }
    }
}

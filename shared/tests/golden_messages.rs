//! Messages of earlier versions wait in queues during an upgrade: every shape that was ever sent is kept in
//! `golden/messages` and has to be read. A file there is never changed; a new shape gets a new file.

#![expect(clippy::unwrap_used, reason = "the whole file is a test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use media_sync::asset::AssetId;
use media_sync::cloudinary::signature::SignatureAlgorithm;
use media_sync::queue::{
    ContinueReconcile, DecodeError, IntentMessage, NotificationMessage, QueueMessage, RawBody,
    RefusedNotifications, ReplayMessage, decode, encode,
};
use media_sync::time::Timestamp;
use serde_json::Value;
use uuid::Uuid;

const BODY: &[u8] = br#"{"notification_type":"upload","public_id":"mug"}"#;

fn golden() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/messages");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect();
    files.sort();
    files
}

fn kind(text: &str) -> String {
    let message: Value = serde_json::from_str(text).unwrap();
    message["kind"].as_str().unwrap().to_owned()
}

/// The places in a message that hold something.
fn shape(text: &str) -> BTreeSet<String> {
    fn walk(value: &Value, place: &str, places: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    walk(value, &format!("{place}/{name}"), places);
                }
            }
            Value::Array(items) => {
                for item in items {
                    walk(item, &format!("{place}/[]"), places);
                }
            }
            Value::Null => drop(places.insert(format!("{place}=null"))),
            _ => drop(places.insert(place.to_owned())),
        }
    }
    let mut places = BTreeSet::new();
    walk(&serde_json::from_str(text).unwrap(), "", &mut places);
    places
}

#[test]
fn every_shape_that_was_ever_sent_is_read() {
    fn read<M: QueueMessage>(text: &str) -> Result<(), DecodeError> {
        decode::<M>(text).map(drop)
    }
    for (path, text) in golden() {
        let outcome = match kind(&text).as_str() {
            NotificationMessage::KIND => read::<NotificationMessage>(&text),
            IntentMessage::KIND => read::<IntentMessage>(&text),
            ContinueReconcile::KIND => read::<ContinueReconcile>(&text),
            ReplayMessage::KIND => read::<ReplayMessage>(&text),
            RefusedNotifications::KIND => read::<RefusedNotifications>(&text),
            other => panic!("{}: nobody takes a `{other}`", path.display()),
        };
        outcome.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

#[test]
fn a_notification_of_an_earlier_version_keeps_its_bytes() {
    let notifications = golden()
        .into_iter()
        .filter(|(_, text)| kind(text) == NotificationMessage::KIND);
    for (path, text) in notifications {
        let message: NotificationMessage = decode(&text).unwrap();
        assert_eq!(message.body.as_bytes(), BODY, "{}", path.display());
        let signed = Timestamp::parse("2026-11-22T09:00:00Z").unwrap();
        assert_eq!(message.signature_timestamp, signed, "{}", path.display());
    }
}

#[test]
fn every_shape_that_is_sent_now_is_kept() {
    let kept: Vec<_> = golden().iter().map(|(_, text)| shape(text)).collect();
    let moment = Timestamp::parse("2026-11-22T09:00:00Z").unwrap();
    let notification = |body, algorithm| NotificationMessage {
        received_at: moment,
        signature_timestamp: moment,
        replayed: false,
        algorithm,
        body,
    };
    let sha1 = Some(SignatureAlgorithm::Sha1);
    let replayed = NotificationMessage {
        replayed: true,
        ..notification(RawBody::new(b"{}".to_vec()), None)
    };
    let refused = |key: Option<&str>, algorithm| RefusedNotifications {
        at: moment,
        reason: "signature_wrong".to_owned(),
        signature_key: key.map(str::to_owned),
        algorithm,
        count: 1,
    };
    let replay = |asset_id, after| ReplayMessage {
        since: moment,
        until: moment,
        asset_id,
        after,
    };
    let asset = AssetId::parse("0123456789abcdef0123456789abcdef").unwrap();
    let sent = [
        encode(&notification(RawBody::new(b"{}".to_vec()), None)),
        encode(&notification(RawBody::new(vec![0xff]), None)),
        encode(&notification(RawBody::new(b"{}".to_vec()), sha1)),
        encode(&notification(RawBody::new(vec![0xff]), sha1)),
        encode(&replayed),
        encode(&refused(Some("614335564976464"), sha1)),
        encode(&refused(None, None)),
        encode(&IntentMessage {
            asset_row_id: Uuid::nil(),
        }),
        encode(&ContinueReconcile {
            run_id: Uuid::nil(),
        }),
        encode(&replay(None, None)),
        encode(&replay(Some(asset), Some((moment, "digest".to_owned())))),
    ];
    for message in sent {
        assert!(
            kept.contains(&shape(&message)),
            "keep this shape in tests/golden/messages: {message}"
        );
    }
}

//! Describes a message of a queue in one line (pure).

use serde::Serialize;
use serde_json::Value;

use super::message::{
    ContinueReconcile, IntentMessage, NotificationMessage, ReplayMessage, decode,
};

/// The longest text of a message that nobody can read, in characters.
const LONGEST: usize = 80;

/// A message, described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MessageSample {
    /// The kind that its tag names; `unreadable` without one.
    pub kind: String,
    /// Its subject.
    pub about: String,
}

impl MessageSample {
    /// Describes the body of a message.
    pub fn of(body: &str) -> Self {
        let tagged: Value = serde_json::from_str(body).unwrap_or_default();
        let known = tagged["kind"].as_str().and_then(|kind| {
            let about = match kind {
                "notification" => about_notification(&decode(body).ok()?),
                "outbound" => format!("row {}", decode::<IntentMessage>(body).ok()?.asset_row_id),
                "continue_reconcile" => {
                    format!("run {}", decode::<ContinueReconcile>(body).ok()?.run_id)
                }
                "replay" => about_replay(&decode(body).ok()?),
                _ => return None,
            };
            Some((kind.to_owned(), about))
        });
        let (kind, about) = known.unwrap_or_else(|| {
            let start: String = body.chars().take(LONGEST).collect();
            ("unreadable".to_owned(), start.escape_debug().to_string())
        });
        Self { kind, about }
    }
}

fn about_notification(notification: &NotificationMessage) -> String {
    let body: Value = serde_json::from_slice(notification.body.as_bytes()).unwrap_or_default();
    let text = |key: &str| body[key].as_str().map(|it| it.escape_debug().to_string());
    let kind = text("notification_type").unwrap_or_else(|| "of no type".to_owned());
    let name = text("public_id").unwrap_or_default();
    let received = notification.received_at.to_the_second();
    format!("{kind} {name} received {received}").replace("  ", " ")
}

fn about_replay(replay: &ReplayMessage) -> String {
    let since = replay.since.to_the_second();
    match &replay.asset_id {
        None => format!("since {since}"),
        Some(asset) => format!("of {asset} since {since}"),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::queue::{RawBody, encode};
    use crate::time::Timestamp;

    #[test]
    fn messages_are_told_by_kind_and_subject() {
        let notification = |body: &str| {
            encode(&NotificationMessage {
                received_at: Timestamp::from_secs(1_767_225_600),
                signature_timestamp: Timestamp::from_secs(1_767_225_600),
                replayed: false,
                algorithm: None,
                body: RawBody::new(body.into()),
            })
        };
        let row = Uuid::nil();
        for (body, kind, about) in [
            (
                notification(r#"{"notification_type":"upload","public_id":"a/b"}"#),
                "notification",
                "upload a/b received 2026-01-01 00:00:00 UTC",
            ),
            (
                notification("nonsense"),
                "notification",
                "of no type received 2026-01-01 00:00:00 UTC",
            ),
            (
                encode(&IntentMessage { asset_row_id: row }),
                "outbound",
                "row 00000000-0000-0000-0000-000000000000",
            ),
            (
                encode(&ContinueReconcile { run_id: row }),
                "continue_reconcile",
                "run 00000000-0000-0000-0000-000000000000",
            ),
            (
                encode(&ReplayMessage {
                    since: Timestamp::from_secs(1_767_225_600),
                    until: Timestamp::from_secs(1_767_225_601),
                    asset_id: None,
                    after: None,
                }),
                "replay",
                "since 2026-01-01 00:00:00 UTC",
            ),
            ("a\u{1b}[31m".to_owned(), "unreadable", r"a\u{1b}[31m"),
            (
                r#"{"v":2,"kind":"outbound"}"#.to_owned(),
                "unreadable",
                r#"{\"v\":2,\"kind\":\"outbound\"}"#,
            ),
        ] {
            let sample = MessageSample::of(&body);
            assert_eq!((sample.kind.as_str(), sample.about.as_str()), (kind, about));
        }
    }
}

//! A message to everybody who has joined a topic.

use bytes::Bytes;
use serde_json::{Value, json};

/// The body, in the sender's own form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Body {
    Json(Bytes),
    Binary(Bytes),
}

/// An event of an application, with its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broadcast {
    pub(super) event: String,
    pub(super) body: Body,
    /// The id in `realtime.messages`, if it was kept there.
    pub(super) id: Option<String>,
}

/// A broadcast on its way to the sockets.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) topic: String,
    /// Private and public topics of one name are two topics.
    pub(super) private: bool,
    pub(super) broadcast: Broadcast,
    /// The socket that sent it, unless it asked to hear itself.
    pub(super) unheard_by: Option<u64>,
}

impl Broadcast {
    /// Reads the payload of a text frame of the event `broadcast`.
    pub(super) fn of_payload(payload: &Value) -> Self {
        Self {
            event: payload["event"].as_str().unwrap_or_default().to_owned(),
            body: Body::Json(payload["payload"].to_string().into()),
            id: None,
        }
    }

    /// The payload of a text frame; none of a binary body, which such a frame cannot hold.
    pub(super) fn payload(&self) -> Option<Value> {
        let Body::Json(body) = &self.body else {
            return None;
        };
        let body: Value = serde_json::from_slice(body).ok()?;
        let mut payload = json!({ "event": self.event, "payload": body, "type": "broadcast" });
        if let Some(id) = &self.id {
            payload["meta"] = json!({ "id": id });
        }
        Some(payload)
    }
}

//! The frames of the Phoenix socket, in both versions of its protocol.
//!
//! Version 1 sends objects, version 2 arrays, and binary frames for broadcasts. Form of the latter:
//! `lib/realtime_web/socket/v2_serializer.ex` of supabase/realtime.

use axum::extract::ws::Message;
use bytes::Bytes;
use serde_json::{Value, json};

use super::broadcast::{Body, Broadcast};

/// The protocol that a socket speaks, by the parameter `vsn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

impl Version {
    pub(super) fn named(vsn: &str) -> Option<Self> {
        match vsn {
            "1.0.0" => Some(Self::One),
            "2.0.0" => Some(Self::Two),
            _ => None,
        }
    }
}

/// A frame of text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Frame {
    pub(super) join_ref: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) topic: String,
    pub(super) event: String,
    pub(super) payload: Value,
}

/// A frame from a client.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Incoming {
    Frame(Frame),
    /// A broadcast in a binary frame.
    Push {
        topic: String,
        reference: Option<String>,
        broadcast: Broadcast,
    },
}

const USER_BROADCAST_PUSH: u8 = 3;
const USER_BROADCAST: u8 = 4;

/// Reads a client's message; the server hangs up on anything else.
pub(super) fn read(version: Version, message: &Message) -> Option<Incoming> {
    match (version, message) {
        (Version::One, Message::Text(text)) => object(text).map(Incoming::Frame),
        (Version::Two, Message::Text(text)) => array(text).map(Incoming::Frame),
        (Version::Two, Message::Binary(bytes)) => push(bytes),
        _ => None,
    }
}

fn object(text: &str) -> Option<Frame> {
    let value: Value = serde_json::from_str(text).ok()?;
    Some(Frame {
        join_ref: optional(&value["join_ref"]),
        reference: optional(&value["ref"]),
        topic: value["topic"].as_str()?.to_owned(),
        event: value["event"].as_str()?.to_owned(),
        payload: value["payload"].clone(),
    })
}

fn array(text: &str) -> Option<Frame> {
    let value: Vec<Value> = serde_json::from_str(text).ok()?;
    let [join_ref, reference, topic, event, payload, ..] = value.as_slice() else {
        return None;
    };
    Some(Frame {
        join_ref: optional(join_ref),
        reference: optional(reference),
        topic: topic.as_str()?.to_owned(),
        event: event.as_str()?.to_owned(),
        payload: payload.clone(),
    })
}

fn optional(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Sizes of join reference, reference, topic, event and metadata, the body's form, then all of them.
fn push(bytes: &[u8]) -> Option<Incoming> {
    let [
        USER_BROADCAST_PUSH,
        join_ref,
        reference,
        topic,
        event,
        metadata,
        form,
        rest @ ..,
    ] = bytes
    else {
        return None;
    };
    let mut rest = rest;
    let mut next = |size: u8| -> Option<String> {
        let (taken, after) = rest.split_at_checked(usize::from(size))?;
        rest = after;
        String::from_utf8(taken.to_vec()).ok()
    };
    let _join_ref = next(*join_ref)?;
    let (reference, topic, event) = (next(*reference)?, next(*topic)?, next(*event)?);
    let _metadata = next(*metadata)?;
    let body = Bytes::copy_from_slice(rest);
    Some(Incoming::Push {
        topic,
        reference: Some(reference).filter(|reference| !reference.is_empty()),
        broadcast: Broadcast {
            event,
            body: if *form == 0 {
                Body::Binary(body)
            } else {
                Body::Json(body)
            },
            id: None,
        },
    })
}

/// Writes a frame of text.
pub(super) fn text(version: Version, frame: &Frame) -> Message {
    let Frame {
        join_ref,
        reference,
        topic,
        event,
        payload,
    } = frame;
    let value = match version {
        Version::One => json!({
            "ref": reference, "topic": topic, "event": event, "payload": payload,
        }),
        Version::Two => json!([join_ref, reference, topic, event, payload]),
    };
    Message::Text(value.to_string().into())
}

/// Writes a broadcast to those who have joined `topic`; nothing where the version has no form for it.
pub(super) fn broadcast(version: Version, topic: &str, broadcast: &Broadcast) -> Option<Message> {
    match version {
        Version::One => {
            let frame = Frame {
                join_ref: None,
                reference: None,
                topic: topic.to_owned(),
                event: "broadcast".to_owned(),
                payload: broadcast.payload()?,
            };
            Some(text(version, &frame))
        }
        Version::Two => binary(topic, broadcast),
    }
}

/// A name of more than 255 bytes has no form.
fn binary(topic: &str, broadcast: &Broadcast) -> Option<Message> {
    let metadata = match &broadcast.id {
        Some(id) => json!({ "id": id }).to_string(),
        None => String::new(),
    };
    let size = |text: &str| u8::try_from(text.len()).ok();
    let (form, body) = match &broadcast.body {
        Body::Json(body) => (1, body),
        Body::Binary(body) => (0, body),
    };
    let mut bytes = vec![
        USER_BROADCAST,
        size(topic)?,
        size(&broadcast.event)?,
        size(&metadata)?,
        form,
    ];
    for part in [topic, &broadcast.event, &metadata] {
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes.extend_from_slice(body);
    Some(Message::Binary(bytes.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(id: Option<&str>) -> Broadcast {
        Broadcast {
            event: "INSERT".to_owned(),
            body: Body::Json(Bytes::from_static(br#"{"a":1}"#)),
            id: id.map(str::to_owned),
        }
    }

    #[test]
    fn both_versions_read_a_join() {
        let expected = Frame {
            join_ref: Some("1".to_owned()),
            reference: Some("2".to_owned()),
            topic: "realtime:t".to_owned(),
            event: "phx_join".to_owned(),
            payload: json!({ "config": {} }),
        };
        let one = r#"{"topic":"realtime:t","event":"phx_join","payload":{"config":{}},"ref":"2","join_ref":"1"}"#;
        let two = r#"["1","2","realtime:t","phx_join",{"config":{}}]"#;
        for (version, text) in [(Version::One, one), (Version::Two, two)] {
            let read = read(version, &Message::Text(text.into()));
            assert_eq!(read, Some(Incoming::Frame(expected.clone())));
        }
        assert_eq!(read(Version::Two, &Message::Text(one.into())), None);
        assert_eq!(read(Version::One, &Message::Text("[".into())), None);
    }

    #[test]
    fn a_binary_push_is_read_whole_or_not_at_all() {
        let mut bytes = vec![3, 1, 1, 10, 6, 2, 1];
        bytes.extend_from_slice(b"12realtime:tINSERT{}{\"a\":1}");
        let message = Message::Binary(bytes.clone().into());
        assert_eq!(
            read(Version::Two, &message),
            Some(Incoming::Push {
                topic: "realtime:t".to_owned(),
                reference: Some("2".to_owned()),
                broadcast: hello(None),
            })
        );
        for short in 0..27 {
            let message = Message::Binary(bytes[..short].to_vec().into());
            assert_eq!(read(Version::Two, &message), None, "{short} bytes");
        }
    }

    #[test]
    fn a_broadcast_of_the_database_says_its_id() {
        let one = broadcast(Version::One, "realtime:t", &hello(Some("x"))).map(Message::into_data);
        let one: Value = serde_json::from_slice(&one.unwrap_or_default()).unwrap_or_default();
        assert_eq!(
            one["payload"],
            json!({ "event": "INSERT", "payload": { "a": 1 }, "type": "broadcast", "meta": { "id": "x" } })
        );
        let two = broadcast(Version::Two, "realtime:t", &hello(Some("x"))).map(Message::into_data);
        let mut expected = vec![4, 10, 6, 10, 1];
        expected.extend_from_slice(b"realtime:tINSERT{\"id\":\"x\"}{\"a\":1}");
        assert_eq!(two.as_deref(), Some(expected.as_slice()));
        let long = "t".repeat(256);
        assert_eq!(broadcast(Version::Two, &long, &hello(None)), None);
    }
}

//! One client's connection: its frames in, its answers and broadcasts out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::broadcast::{Broadcast, Told};
use super::channel::{self, Channel};
use super::frames::{self, Frame, Incoming, Version};
use super::server::RealtimeServer;

/// A silent client is hung up on; clients send a heartbeat twice as often.
const SILENCE: Duration = Duration::from_secs(60);

/// A connection and the topics that it has joined.
pub(super) struct Connection {
    server: Arc<RealtimeServer>,
    socket: WebSocket,
    version: Version,
    /// The API key's, for channels without a token of their own.
    key_token: String,
    id: u64,
    /// By the topic of the protocol.
    channels: BTreeMap<String, Channel>,
    last_heard: Instant,
}

/// Says that the connection is gone.
struct Gone;

impl Connection {
    pub(super) fn new(
        server: Arc<RealtimeServer>,
        socket: WebSocket,
        version: Version,
        key_token: String,
    ) -> Self {
        Self {
            id: server.next_socket(),
            server,
            socket,
            version,
            key_token,
            channels: BTreeMap::new(),
            last_heard: Instant::now(),
        }
    }

    /// Attends to the connection until one side ends it.
    pub(super) async fn attend(mut self) {
        let mut hearing = self.server.hear();
        loop {
            let expiry = self.next_expiry();
            let outcome = tokio::select! {
                message = self.socket.recv() => match message {
                    Some(Ok(message)) => self.take(&message).await,
                    _ => return,
                },
                told = hearing.recv() => match told {
                    Ok(told) => self.pass_on(&told).await,
                    // It has missed some. A client that connects again reads its pages again.
                    Err(_) => return,
                },
                () = tokio::time::sleep_until(expiry) => self.close_expired().await,
                () = tokio::time::sleep_until(self.last_heard + SILENCE) => return,
            };
            if let Err(Gone) = outcome {
                return;
            }
        }
    }

    fn next_expiry(&self) -> Instant {
        let seconds = self.channels.values().map(Channel::seconds_left).min();
        Instant::now() + Duration::from_secs(seconds.unwrap_or(u64::from(u32::MAX)))
    }

    async fn take(&mut self, message: &Message) -> Result<(), Gone> {
        self.last_heard = Instant::now();
        if matches!(message, Message::Ping(_) | Message::Pong(_)) {
            return Ok(());
        }
        match frames::read(self.version, message).ok_or(Gone)? {
            Incoming::Frame(frame) => self.answer(frame).await,
            Incoming::Push {
                topic,
                reference,
                broadcast,
            } => self.send_out(&topic, reference, broadcast).await,
        }
    }

    async fn answer(&mut self, frame: Frame) -> Result<(), Gone> {
        match (frame.topic.as_str(), frame.event.as_str()) {
            ("phoenix", "heartbeat") => self.reply(&frame, "ok", json!({})).await,
            (_, "phx_join") => self.join(frame).await,
            (topic, _) if !self.channels.contains_key(topic) => {
                self.reply(&frame, "error", json!({ "reason": "unmatched topic" }))
                    .await
            }
            (topic, "phx_leave") => {
                self.channels.remove(topic);
                self.reply(&frame, "ok", json!({})).await?;
                self.say_closed(topic, frame.join_ref.clone()).await
            }
            (topic, "access_token") => self.renew(topic, &frame.payload).await,
            (topic, "broadcast") => {
                let broadcast = Broadcast::of_payload(&frame.payload);
                self.send_out(topic, frame.reference.clone(), broadcast)
                    .await
            }
            (_, "presence") => {
                let reason = "The local stack knows no presence";
                self.reply(&frame, "error", json!({ "reason": reason }))
                    .await
            }
            _ => Ok(()),
        }
    }

    async fn join(&mut self, frame: Frame) -> Result<(), Gone> {
        let Some(name) = channel::name_of(&frame.topic) else {
            let reason = "TopicNameRequired: You must provide a topic name";
            return self
                .reply(&frame, "error", json!({ "reason": reason }))
                .await;
        };
        // A client that joins again has forgotten the first time.
        if let Some(former) = self.channels.remove(&frame.topic) {
            self.say_closed(&frame.topic, former.join_ref).await?;
        }
        let join_ref = frame.join_ref.clone();
        let joined = Channel::join(
            &self.server,
            &self.key_token,
            name,
            join_ref,
            &frame.payload,
        )
        .await;
        match joined {
            Ok(channel) => {
                self.channels.insert(frame.topic.clone(), channel);
                self.reply(&frame, "ok", json!({ "postgres_changes": [] }))
                    .await
            }
            Err(reason) => {
                self.reply(&frame, "error", json!({ "reason": reason }))
                    .await
            }
        }
    }

    async fn renew(&mut self, topic: &str, payload: &Value) -> Result<(), Gone> {
        let (Some(token), Some(channel)) = (
            payload["access_token"].as_str(),
            self.channels.get_mut(topic),
        ) else {
            return Ok(());
        };
        match channel.renew(&self.server, token).await {
            Ok(()) => Ok(()),
            Err(words) => self.shut(topic, &words).await,
        }
    }

    /// A client's broadcast; one that may not send is not answered.
    async fn send_out(
        &mut self,
        topic: &str,
        reference: Option<String>,
        broadcast: Broadcast,
    ) -> Result<(), Gone> {
        let Some(channel) = self.channels.get_mut(topic) else {
            return Ok(());
        };
        if !channel.may_write(&self.server).await {
            return Ok(());
        }
        self.server.tell(channel.told(broadcast, self.id));
        if !channel.acknowledges {
            return Ok(());
        }
        let frame = Frame {
            join_ref: channel.join_ref.clone(),
            reference,
            topic: topic.to_owned(),
            event: "broadcast".to_owned(),
            payload: Value::Null,
        };
        self.reply(&frame, "ok", json!({})).await
    }

    async fn pass_on(&mut self, told: &Told) -> Result<(), Gone> {
        let hearing = self
            .channels
            .iter()
            .filter(|(_, channel)| channel.hears(told, self.id));
        let messages: Vec<Message> = hearing
            .filter_map(|(topic, _)| frames::broadcast(self.version, topic, &told.broadcast))
            .collect();
        for message in messages {
            self.send(message).await?;
        }
        Ok(())
    }

    async fn close_expired(&mut self) -> Result<(), Gone> {
        let expired: Vec<String> = self
            .channels
            .iter()
            .filter(|(_, channel)| channel.seconds_left() == 0)
            .map(|(topic, _)| topic.clone())
            .collect();
        for topic in expired {
            self.shut(&topic, "Token has expired 0 seconds ago").await?;
        }
        Ok(())
    }

    /// Ends a channel with words of the server.
    async fn shut(&mut self, topic: &str, words: &str) -> Result<(), Gone> {
        let Some(channel) = self.channels.remove(topic) else {
            return Ok(());
        };
        let told = json!({
            "extension": "system", "status": "error", "message": words, "channel": channel.name,
        });
        let join_ref = channel.join_ref;
        self.push(topic, join_ref.clone(), "system", told).await?;
        self.say_closed(topic, join_ref).await
    }

    async fn say_closed(&mut self, topic: &str, join_ref: Option<String>) -> Result<(), Gone> {
        let frame = Frame {
            reference: join_ref.clone(),
            join_ref,
            topic: topic.to_owned(),
            event: "phx_close".to_owned(),
            payload: json!({}),
        };
        self.send(frames::text(self.version, &frame)).await
    }

    async fn push(
        &mut self,
        topic: &str,
        join_ref: Option<String>,
        event: &str,
        payload: Value,
    ) -> Result<(), Gone> {
        let frame = Frame {
            join_ref,
            reference: None,
            topic: topic.to_owned(),
            event: event.to_owned(),
            payload,
        };
        self.send(frames::text(self.version, &frame)).await
    }

    async fn reply(&mut self, to: &Frame, status: &str, response: Value) -> Result<(), Gone> {
        let frame = Frame {
            event: "phx_reply".to_owned(),
            payload: json!({ "status": status, "response": response }),
            ..to.clone()
        };
        self.send(frames::text(self.version, &frame)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        self.socket.send(message).await.map_err(|_| Gone)
    }
}

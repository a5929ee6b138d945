//! A topic that a socket has joined, and the decisions about it.

use jiff::Timestamp;
use serde_json::Value;

use super::broadcast::{Broadcast, Told};
use super::rights::{self, Asked};
use super::server::RealtimeServer;
use super::token::{self, Claims};

/// Topics of the socket's protocol begin with it.
const PREFIX: &str = "realtime:";

/// A joined topic.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) join_ref: Option<String>,
    /// Without the protocol's prefix.
    pub(super) name: String,
    private: bool,
    /// Answers a client's broadcast.
    pub(super) acknowledges: bool,
    /// A sender hears itself.
    pub(super) hears_itself: bool,
    token: String,
    claims: Claims,
    may_write: Option<bool>,
}

/// A refusal in the server's form, `Code: words`.
pub(super) type Refusal = String;

/// The name of a topic; none for those of the protocol itself.
pub(super) fn name_of(topic: &str) -> Option<&str> {
    topic.strip_prefix(PREFIX).filter(|name| !name.is_empty())
}

impl Channel {
    /// Joins a topic, by the token of the payload or else of the API key.
    ///
    /// # Errors
    /// The reason of the refusal.
    pub(super) async fn join(
        server: &RealtimeServer,
        key_token: &str,
        name: &str,
        join_ref: Option<String>,
        payload: &Value,
    ) -> Result<Self, Refusal> {
        let config = &payload["config"];
        let is_set = |value: &Value| value.as_bool().unwrap_or(false);
        if config["postgres_changes"]
            .as_array()
            .is_some_and(|asked| !asked.is_empty())
        {
            return Err(
                "NotOffered: The local stack sends no Postgres Changes; listen to Broadcast".into(),
            );
        }
        let sent = payload["access_token"]
            .as_str()
            .or_else(|| payload["user_token"].as_str())
            .filter(|token| !token::is_key(token));
        let token = sent.unwrap_or(key_token).to_owned();
        let claims = verified(server, &token)?;
        let channel = Self {
            join_ref,
            name: name.to_owned(),
            private: is_set(&config["private"]),
            acknowledges: is_set(&config["broadcast"]["ack"]),
            hears_itself: is_set(&config["broadcast"]["self"]),
            token,
            claims,
            may_write: None,
        };
        channel.check_read(server).await?;
        Ok(channel)
    }

    /// Takes a newer token of the same client.
    ///
    /// # Errors
    /// The words with which the channel is closed.
    pub(super) async fn renew(
        &mut self,
        server: &RealtimeServer,
        token: &str,
    ) -> Result<(), String> {
        if token == self.token || token::is_key(token) {
            return Ok(());
        }
        self.claims = token::verify(&server.keys, token).map_err(|problem| problem.told().1)?;
        self.token = token.to_owned();
        self.may_write = None;
        match self.check_read(server).await {
            Ok(()) => Ok(()),
            Err(_) => Err(format!(
                "You no longer have permission to read from this Channel topic: {}",
                self.name
            )),
        }
    }

    async fn check_read(&self, server: &RealtimeServer) -> Result<(), Refusal> {
        if !self.private {
            return Ok(());
        }
        let may_read = match server.database() {
            Some(database) => rights::may_read(database, &self.asked()).await,
            None => Ok(false),
        };
        match may_read {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!(
                "Unauthorized: You do not have permissions to read from this Channel topic: {}",
                self.name
            )),
            Err(error) => {
                tracing::warn!(%error, "Realtime could not ask the database");
                Err("UnableToConnectToProject: Realtime was unable to connect to the project database".into())
            }
        }
    }

    /// True if the client may send; asked once for each token.
    pub(super) async fn may_write(&mut self, server: &RealtimeServer) -> bool {
        if !self.private {
            return true;
        }
        if let Some(known) = self.may_write {
            return known;
        }
        let may_write = match server.database() {
            Some(database) => rights::may_write(database, &self.asked()).await,
            None => Ok(false),
        };
        match may_write {
            Ok(may_write) => *self.may_write.insert(may_write),
            Err(error) => {
                tracing::warn!(%error, "Realtime could not ask the database");
                false
            }
        }
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            topic: &self.name,
            claims: &self.claims,
        }
    }

    /// A broadcast into this topic by `socket`.
    pub(super) fn told(&self, broadcast: Broadcast, socket: u64) -> Told {
        Told {
            topic: self.name.clone(),
            private: self.private,
            broadcast,
            unheard_by: (!self.hears_itself).then_some(socket),
        }
    }

    pub(super) fn hears(&self, told: &Told, socket: u64) -> bool {
        told.topic == self.name && told.private == self.private && told.unheard_by != Some(socket)
    }

    pub(super) fn seconds_left(&self) -> u64 {
        self.claims.seconds_left(Timestamp::now())
    }
}

fn verified(server: &RealtimeServer, token: &str) -> Result<Claims, Refusal> {
    token::verify(&server.keys, token).map_err(|problem| {
        let (code, words) = problem.told();
        format!("{code}: {words}")
    })
}

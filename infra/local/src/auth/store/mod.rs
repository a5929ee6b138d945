//! Auth's side of the database, as the role `supabase_auth_admin`.
//!
//! Users, sessions and refresh tokens live there, so they survive a killed server as everything else does.

mod sessions;
mod users;

use std::sync::{Arc, Mutex};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls};

pub(super) use sessions::{RefreshToken, Session};
pub(super) use users::UsersAsked;

use super::errors::Refusal;
use crate::supervisor::lock;

/// As many connections as GoTrue keeps by default.
const CONNECTIONS: usize = 10;

/// Connections that are opened when they are needed, and kept.
#[derive(Debug)]
pub(super) struct Database(Arc<Connections>);

struct Connections {
    url: String,
    idle: Mutex<Vec<Client>>,
    free: Arc<Semaphore>,
}

/// One transaction; dropped without [`Transaction::commit`] it changes nothing.
pub(super) struct Transaction {
    /// Taken out at the end.
    client: Option<Client>,
    connections: Arc<Connections>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Database {
    pub(super) fn new(url: String) -> Self {
        Self(Arc::new(Connections {
            url,
            idle: Mutex::default(),
            free: Arc::new(Semaphore::new(CONNECTIONS)),
        }))
    }

    pub(super) async fn begin(&self) -> Result<Transaction, Refusal> {
        let permit = Arc::clone(&self.0.free).acquire_owned().await;
        let permit = permit.map_err(|_| Refusal::Internal)?;
        Ok(Transaction {
            client: Some(self.0.begin().await?),
            connections: Arc::clone(&self.0),
            permit: Some(permit),
        })
    }
}

impl Connections {
    /// Passes over connections that died with a killed server.
    async fn begin(&self) -> Result<Client, tokio_postgres::Error> {
        while let Some(client) = self.take_idle() {
            if client.batch_execute("begin").await.is_ok() {
                return Ok(client);
            }
        }
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await?;
        // Ends with the client, whose next call tells of an error.
        tokio::spawn(connection);
        client.batch_execute("set timezone = 'UTC'; begin").await?;
        Ok(client)
    }

    fn take_idle(&self) -> Option<Client> {
        lock(&self.idle).pop()
    }
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connections").finish_non_exhaustive()
    }
}

impl Drop for Transaction {
    /// Takes everything back, and only then lets the next one in.
    fn drop(&mut self) {
        // Without a runtime everything ends, and the server takes back by itself.
        let (Some(client), Ok(runtime)) = (self.client.take(), Handle::try_current()) else {
            return;
        };
        let (connections, permit) = (Arc::clone(&self.connections), self.permit.take());
        runtime.spawn(async move {
            if client.batch_execute("rollback").await.is_ok() {
                lock(&connections.idle).push(client);
            }
            drop(permit);
        });
    }
}

impl Transaction {
    pub(super) async fn commit(mut self) -> Result<(), Refusal> {
        self.client().batch_execute("commit").await?;
        if let Some(client) = self.client.take() {
            lock(&self.connections.idle).push(client);
        }
        Ok(())
    }

    fn client(&self) -> &Client {
        self.client
            .as_ref()
            .expect("a transaction has its connection until its end")
    }

    async fn execute(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64, Refusal> {
        Ok(self.client().execute(sql, values).await?)
    }

    /// The first row's only column, which is JSON.
    async fn first<T: DeserializeOwned>(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<T>, Refusal> {
        match self.client().query_opt(sql, values).await? {
            Some(row) => read(row.get(0)).map(Some),
            None => Ok(None),
        }
    }
}

fn read<T: DeserializeOwned>(row: Value) -> Result<T, Refusal> {
    serde_json::from_value(row).map_err(|error| {
        tracing::warn!(%error, "a row of schema auth is not as Auth writes it");
        Refusal::Database {
            doing: "querying schema",
            by_rule: None,
        }
    })
}

impl From<tokio_postgres::Error> for Refusal {
    fn from(error: tokio_postgres::Error) -> Self {
        tracing::warn!(%error, "Auth's database call failed");
        Self::Database {
            doing: "querying schema",
            by_rule: rule_of(&error),
        }
    }
}

/// GoTrue shows the database's own words where a constraint or a trigger of the project refuses.
fn rule_of(error: &tokio_postgres::Error) -> Option<Value> {
    const SHOWN: [SqlState; 8] = [
        SqlState::RAISE_EXCEPTION,
        SqlState::INTEGRITY_CONSTRAINT_VIOLATION,
        SqlState::RESTRICT_VIOLATION,
        SqlState::NOT_NULL_VIOLATION,
        SqlState::FOREIGN_KEY_VIOLATION,
        SqlState::UNIQUE_VIOLATION,
        SqlState::CHECK_VIOLATION,
        SqlState::EXCLUSION_VIOLATION,
    ];
    let error = error.as_db_error()?;
    SHOWN.contains(error.code()).then(|| {
        let mut shown = json!({ "code": error.code().code(), "message": error.message() });
        for (name, text) in [("hint", error.hint()), ("detail", error.detail())] {
            if let Some(text) = text {
                shown[name] = json!(text);
            }
        }
        shown
    })
}

//! The database side, seen directly: a test's check must not come through the code under test.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls};

/// Connections of the database's owner that wait for the next query: to make one takes longer than most queries.
#[derive(Debug, Default)]
pub(crate) struct Connections(Mutex<Vec<Client>>);

impl Connections {
    /// The rows of a query, asked over a connection that no other query uses meanwhile. A statement is a transaction.
    pub(crate) async fn rows(
        &self,
        url: &str,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Vec<Value> {
        loop {
            let (client, is_new) = match self.take() {
                Some(client) => (client, false),
                None => (connect(url).await, true),
            };
            match try_rows(&client, sql, values).await {
                // A server that was killed since has taken the connection with it.
                Err(error) if error.is_closed() && !is_new => {}
                // The functions write meanwhile. The victim of a deadlock has had no effect.
                Err(error) if error.code() == Some(&SqlState::T_R_DEADLOCK_DETECTED) => {
                    self.keep(client);
                }
                answer => {
                    self.keep(client);
                    return answer.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
                }
            }
        }
    }

    fn take(&self) -> Option<Client> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop()
    }

    fn keep(&self, client: Client) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(client);
    }
}

/// A connection as the database's owner.
pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .expect("the database answers");
    // It ends with the client.
    tokio::spawn(connection);
    client
}

/// The rows of a query, each as a JSON object.
pub async fn rows(client: &Client, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Vec<Value> {
    let rows = try_rows(client, sql, values).await;
    rows.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}

async fn try_rows(
    client: &Client,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Value>, tokio_postgres::Error> {
    let wrapped = format!("with t as ({sql}) select to_jsonb(t) from t");
    let rows = client.query(&wrapped, values).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// A single value of a query, as JSON.
pub async fn value(url: &str, sql: &str) -> Value {
    let client = connect(url).await;
    let rows = rows(&client, &format!("select ({sql}) as value"), &[]).await;
    rows[0]["value"].clone()
}

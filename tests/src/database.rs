//! The database side, seen directly: what tests check must not come through what they test.

use serde_json::Value;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls};

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
    let wrapped = format!("with t as ({sql}) select to_jsonb(t) from t");
    let rows = client
        .query(&wrapped, values)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    rows.iter().map(|row| row.get(0)).collect()
}

/// A single value of a query, as JSON.
pub async fn value(url: &str, sql: &str) -> Value {
    let client = connect(url).await;
    let rows = rows(&client, &format!("select ({sql}) as value"), &[]).await;
    rows[0]["value"].clone()
}

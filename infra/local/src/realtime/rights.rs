//! Asks row level security whether somebody may hear a private topic, or speak in it.
//!
//! As the server does: it writes a message and looks whether the caller's role sees it, or writes it in that role. The
//! transaction is taken back, so nobody hears it.

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

use super::token::Claims;

/// A caller and the topic in question.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) topic: &'a str,
    pub(super) claims: &'a Claims,
}

const WRITE: &str = "insert into realtime.messages (id, topic, extension)
    values ($1::text::uuid, $2, 'broadcast')";

/// True if the caller may hear broadcasts of the topic.
pub(super) async fn may_read(
    database: &str,
    asked: &Asked<'_>,
) -> Result<bool, tokio_postgres::Error> {
    let client = begin(database).await?;
    let id = uuid::Uuid::new_v4().to_string();
    client.execute(WRITE, &[&id, &asked.topic]).await?;
    become_caller(&client, asked).await?;
    let seen = "select from realtime.messages where id = $1::text::uuid";
    Ok(client.query_opt(seen, &[&id]).await?.is_some())
}

/// True if the caller may send broadcasts into the topic.
pub(super) async fn may_write(
    database: &str,
    asked: &Asked<'_>,
) -> Result<bool, tokio_postgres::Error> {
    let client = begin(database).await?;
    become_caller(&client, asked).await?;
    let id = uuid::Uuid::new_v4().to_string();
    match client.execute(WRITE, &[&id, &asked.topic]).await {
        Ok(_) => Ok(true),
        Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A connection of its own, whose end takes everything back.
async fn begin(database: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(database, NoTls).await?;
    tokio::spawn(connection);
    client.batch_execute("begin").await?;
    Ok(client)
}

async fn become_caller(client: &Client, asked: &Asked<'_>) -> Result<(), tokio_postgres::Error> {
    let claims = &asked.claims.all;
    let subject = claims["sub"].as_str().unwrap_or_default();
    let sql = "select set_config('role', $1, true), set_config('realtime.topic', $2, true),
        set_config('request.jwt.claims', $3, true), set_config('request.jwt.claim.sub', $4, true),
        set_config('request.jwt.claim.role', $1, true), set_config('request.headers', '{}', true)";
    let role = &asked.claims.role;
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
        [role, &asked.topic, &claims.to_string(), &subject];
    client.execute(sql, &values).await.map(drop)
}

//! Follows `realtime.messages`: each committed message reaches those who have joined its topic.
//!
//! The server reads the table by logical replication; here a trigger says which message to read.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_postgres::{AsyncMessage, Client, NoTls};

use super::broadcast::{Body, Broadcast, Told};
use super::server::RealtimeServer;

/// As `infra/local/sql/supabase_realtime.sql` names it.
const LISTEN: &str = "listen local_realtime";
/// Larger messages are not sent, in the smallest plan.
const MAX_MESSAGE_BYTES: usize = 256_000;
/// Between two attempts to reach a database that is being started.
const PAUSE: Duration = Duration::from_millis(100);

/// Follows the table until the stack ends, past any end of the database, by a URL of the role `supabase_admin`. `listening`
/// is told once, when every later message will be heard.
pub(crate) async fn follow(
    server: Arc<RealtimeServer>,
    database: String,
    listening: oneshot::Sender<()>,
) {
    server.listen_to(database.clone());
    let mut listening = Some(listening);
    loop {
        if let Ok((client, ids)) = listen(&database).await {
            if let Some(listening) = listening.take() {
                // Its receiver is gone if the start has failed, and then this task ends soon.
                let _ = listening.send(());
            }
            let ended = pass_on(&server, &client, ids).await;
            tracing::debug!(?ended, "Realtime's connection to the database has ended");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen(
    database: &str,
) -> Result<(Client, mpsc::UnboundedReceiver<String>), tokio_postgres::Error> {
    let (client, mut connection) = tokio_postgres::connect(database, NoTls).await?;
    let (send, ids) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notification(told) = message
                && send.send(told.payload().to_owned()).is_err()
            {
                return;
            }
        }
    });
    client.batch_execute(LISTEN).await?;
    Ok((client, ids))
}

/// Ends with the connection.
async fn pass_on(
    server: &RealtimeServer,
    client: &Client,
    mut ids: mpsc::UnboundedReceiver<String>,
) -> Result<(), tokio_postgres::Error> {
    while let Some(id) = ids.recv().await {
        if let Some(told) = read(client, id).await? {
            server.tell(told);
        }
    }
    Ok(())
}

async fn read(client: &Client, id: String) -> Result<Option<Told>, tokio_postgres::Error> {
    let sql = "select topic, coalesce(event, ''), coalesce(private, false), payload::text
        from realtime.messages where id = $1::text::uuid and payload is not null";
    let Some(row) = client.query_opt(sql, &[&id]).await? else {
        return Ok(None);
    };
    let body: String = row.get(3);
    if body.len() > MAX_MESSAGE_BYTES {
        tracing::warn!(%id, bytes = body.len(), "Realtime drops a message that is too large");
        return Ok(None);
    }
    Ok(Some(Told {
        topic: row.get(0),
        private: row.get(2),
        broadcast: Broadcast {
            event: row.get(1),
            body: Body::Json(body.into()),
            id: Some(id),
        },
        unheard_by: None,
    }))
}

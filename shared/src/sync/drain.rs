//! Sends intents that were never sent, or never settled, to the outbound queue.
//!
//! The row is the outbox. If a function dies between committing an intent and sending it, or a
//! queue loses a message, the next drain sends the intent.

use std::time::Instant;

use super::store::MirrorStore;
use crate::queue::SqsQueue;
use crate::supabase::SupabaseError;

/// When an intent that was sent is due again if nothing comes of it, in seconds. Longer than a
/// message that failed stays invisible, so that none is sent while another attempt is due anyway.
const IDLE_SECONDS: u32 = 180;

/// The number of intents that one claim takes.
const CLAIM: u32 = 500;

/// Sends waiting intents, beginning nothing after `until`; answers their number. The next drain sends the rest.
///
/// # Errors
/// When the database cannot be asked. What SQS refuses is claimed again at a later drain.
pub async fn send_waiting_intents(
    store: &MirrorStore,
    outbound: &SqsQueue,
    until: Instant,
) -> Result<usize, SupabaseError> {
    let mut sent = 0;
    while Instant::now() < until {
        let messages = store.claim_waiting_intents(IDLE_SECONDS, CLAIM).await?;
        let outcome = outbound.send_batch(&messages).await;
        sent += outcome.sent;
        if let Some((_, error)) = outcome.failed.first() {
            crate::telemetry::log_error(
                "intents could not be sent; the next drain tries again",
                error,
            );
            return Ok(sent);
        }
        if messages.len() < CLAIM as usize {
            break;
        }
    }
    Ok(sent)
}

//! The state of Realtime: its keys, its database, and the broadcasts on their way.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::broadcast;

use super::broadcast::Told;
use crate::keys::Keys;

/// A socket that is so many broadcasts behind is hung up on.
const BACKLOG: usize = 4096;

/// Shared between the gateway and the stack.
#[derive(Debug)]
pub(crate) struct RealtimeServer {
    pub(super) keys: Arc<Keys>,
    /// Known in projects that have Realtime, once their messages are followed.
    database: OnceLock<String>,
    told: broadcast::Sender<Arc<Told>>,
    sockets: AtomicU64,
}

impl RealtimeServer {
    pub(crate) fn new(keys: Arc<Keys>) -> Arc<Self> {
        Arc::new(Self {
            keys,
            database: OnceLock::new(),
            told: broadcast::Sender::new(BACKLOG),
            sockets: AtomicU64::new(0),
        })
    }

    /// The database whose messages are followed, by a URL of the role `supabase_admin`.
    pub(super) fn listen_to(&self, database: String) {
        self.database.get_or_init(|| database);
    }

    /// None in a project without Realtime.
    pub(super) fn database(&self) -> Option<&str> {
        self.database.get().map(String::as_str)
    }

    /// Sends a broadcast to every socket.
    pub(super) fn tell(&self, told: Told) {
        // Nobody may be there to hear it.
        let _ = self.told.send(Arc::new(told));
    }

    pub(super) fn hear(&self) -> broadcast::Receiver<Arc<Told>> {
        self.told.subscribe()
    }

    pub(super) fn next_socket(&self) -> u64 {
        self.sockets.fetch_add(1, Ordering::Relaxed)
    }
}

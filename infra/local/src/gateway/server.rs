//! The state of the gateway: its keys, the addresses behind it, and its control.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use super::faults::{CallCounts, Control, GatewayFault};
use crate::auth::AuthServer;
use crate::keys::{ApiKeyKind, ApiKeys, Keys};
use crate::proxy::{self, ProxyClient};
use crate::realtime::RealtimeServer;

/// Shared between the server and the stack.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(super) keys: Arc<Keys>,
    pub(super) api_keys: RwLock<ApiKeys>,
    /// Known a while after the gateway's own address, which others are told at once.
    pub(super) postgrest: OnceLock<String>,
    pub(super) client: ProxyClient,
    control: Mutex<Control>,
    /// Bytes of the Data API's answers: Supabase bills them as egress.
    pub(super) sent_bytes: Arc<AtomicU64>,
    pub(super) auth: Arc<AuthServer>,
    pub(super) realtime: Arc<RealtimeServer>,
}

impl Gateway {
    pub(crate) fn new(keys: Arc<Keys>, auth: Arc<AuthServer>) -> Arc<Self> {
        Arc::new(Self {
            api_keys: RwLock::new(ApiKeys::of(&keys)),
            realtime: RealtimeServer::new(Arc::clone(&keys)),
            keys,
            auth,
            postgrest: OnceLock::new(),
            client: proxy::client(),
            control: Mutex::default(),
            sent_bytes: Arc::default(),
        })
    }

    /// PostgREST's address, once; it keeps it when it is started again.
    pub(crate) fn lead_to(&self, postgrest: String) {
        self.postgrest.get_or_init(|| postgrest);
    }

    pub(crate) fn auth(&self) -> &AuthServer {
        &self.auth
    }

    pub(crate) fn realtime(&self) -> &Arc<RealtimeServer> {
        &self.realtime
    }

    /// One more API key.
    pub(crate) fn add_key(&self, kind: ApiKeyKind) -> String {
        let mut keys = self
            .api_keys
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        keys.add(kind)
    }

    /// Refuses an API key from now on.
    pub(crate) fn revoke_key(&self, key: &str) {
        let mut keys = self
            .api_keys
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        keys.revoke(key);
    }

    /// Switches the keys of the older generation off or on.
    pub(crate) fn switch_legacy_keys(&self, on: bool) {
        let mut keys = self
            .api_keys
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        keys.switch_legacy(on);
    }

    pub(crate) fn counts(&self) -> CallCounts {
        self.with_control(|control| control.counts.clone())
    }

    pub(crate) fn sent_bytes(&self) -> u64 {
        self.sent_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn reset_counts(&self) {
        self.with_control(|control| control.counts = CallCounts::default());
    }

    pub(crate) fn set_fault(&self, fault: Option<GatewayFault>) {
        self.with_control(|control| control.fault = fault);
    }

    pub(super) fn with_control<T>(&self, change: impl FnOnce(&mut Control) -> T) -> T {
        change(&mut crate::supervisor::lock(&self.control))
    }
}

//! The state of Auth: its keys, its database, and the mails that it did not send.

use std::sync::{Arc, Mutex, OnceLock};

use serde_json::{Value, json};

use super::errors::Refusal;
use super::mails::SentMail;
use super::pkce::Flows;
use super::store::{Database, Transaction};
use crate::keys::Keys;
use crate::supervisor::lock;

/// A project's choices about its users.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AuthSettings {
    pub(crate) sign_up_disabled: bool,
    pub(crate) anonymous_sign_ins: bool,
    pub(crate) other_sign_in: bool,
    pub(crate) legacy_signing: bool,
}

/// Shared between the gateway and the stack.
#[derive(Debug)]
pub(crate) struct AuthServer {
    pub(super) keys: Arc<Keys>,
    pub(super) settings: AuthSettings,
    /// Known when the gateway has its port.
    issuer: OnceLock<String>,
    /// Known when the server accepts connections.
    database: OnceLock<Database>,
    mails: Mutex<Vec<SentMail>>,
    pub(super) flows: Flows,
}

impl AuthServer {
    pub(crate) fn new(keys: Arc<Keys>, settings: AuthSettings) -> Arc<Self> {
        Arc::new(Self {
            keys,
            settings,
            issuer: OnceLock::new(),
            database: OnceLock::new(),
            mails: Mutex::default(),
            flows: Flows::default(),
        })
    }

    /// `iss` of the tokens, and the beginning of mailed links.
    pub(crate) fn issue_as(&self, issuer: String) {
        self.issuer.get_or_init(|| issuer);
    }

    /// The database by a URL of the role `supabase_auth_admin`.
    pub(crate) fn keep_users_in(&self, database: String) {
        self.database.get_or_init(|| Database::new(database));
    }

    /// The mails that would have been sent, the oldest first.
    pub(crate) fn mails(&self) -> Vec<SentMail> {
        lock(&self.mails).clone()
    }

    pub(crate) fn forget_mails(&self) {
        lock(&self.mails).clear();
    }

    pub(super) fn send(&self, mail: SentMail) {
        lock(&self.mails).push(mail);
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        if self.settings.legacy_signing {
            self.keys.sign_legacy(claims)
        } else {
            self.keys.sign(claims)
        }
    }

    /// The keys that verify tokens; a shared secret is none that could be shown.
    pub(super) fn published_keys(&self) -> Value {
        if self.settings.legacy_signing {
            json!({ "keys": [] })
        } else {
            self.keys.public_jwks()
        }
    }

    pub(super) fn issuer(&self) -> Result<&str, Refusal> {
        self.issuer
            .get()
            .map(String::as_str)
            .ok_or(Refusal::Starting)
    }

    pub(super) async fn begin(&self) -> Result<Transaction, Refusal> {
        self.database.get().ok_or(Refusal::Starting)?.begin().await
    }
}

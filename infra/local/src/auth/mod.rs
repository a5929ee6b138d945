//! Supabase Auth, as far as applications of this project use it.
//!
//! Users, passwords, sessions, invitations and the admin API, with the paths, statuses, codes, claims and tables of
//! GoTrue (<https://github.com/supabase/auth>). The official client `auth-js` is the judge. A feature that GoTrue has
//! and this has not answers 501 and says so.

mod caller;
mod email;
mod errors;
mod mails;
mod pages;
mod passwords;
mod routes;
mod store;
mod time;
mod tokens;
mod users;

use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use serde_json::{Value, json};

pub use mails::Mail;

use crate::keys::Keys;
use crate::supervisor::lock;
use errors::Refusal;
use store::{Database, Transaction};

/// A project's choices about its users.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Settings {
    pub(crate) sign_up_disabled: bool,
    pub(crate) anonymous_sign_ins: bool,
    pub(crate) legacy_signing: bool,
}

/// Shared between the gateway and the stack.
#[derive(Debug)]
pub(crate) struct Auth {
    keys: Arc<Keys>,
    settings: Settings,
    /// Known when the gateway has its port.
    issuer: OnceLock<String>,
    /// Known when the server accepts connections.
    database: OnceLock<Database>,
    mails: Mutex<Vec<Mail>>,
}

impl Auth {
    pub(crate) fn new(keys: Arc<Keys>, settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            keys,
            settings,
            issuer: OnceLock::new(),
            database: OnceLock::new(),
            mails: Mutex::default(),
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

    /// Everything below `/auth/v1`.
    pub(crate) fn router(self: &Arc<Self>) -> Router {
        routes::router(self)
    }

    /// The mails that would have been sent, the oldest first.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        lock(&self.mails).clone()
    }

    pub(crate) fn forget_mails(&self) {
        lock(&self.mails).clear();
    }

    fn send(&self, mail: Mail) {
        lock(&self.mails).push(mail);
    }

    fn sign(&self, claims: &Value) -> String {
        if self.settings.legacy_signing {
            self.keys.sign_legacy(claims)
        } else {
            self.keys.sign(claims)
        }
    }

    /// The keys that verify tokens; a shared secret is none that could be shown.
    fn published_keys(&self) -> Value {
        if self.settings.legacy_signing {
            json!({ "keys": [] })
        } else {
            self.keys.public_jwks()
        }
    }

    fn issuer(&self) -> Result<&str, Refusal> {
        self.issuer
            .get()
            .map(String::as_str)
            .ok_or(Refusal::Starting)
    }

    async fn begin(&self) -> Result<Transaction, Refusal> {
        self.database.get().ok_or(Refusal::Starting)?.begin().await
    }
}

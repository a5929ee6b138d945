//! The parts that every route works with.

use std::sync::Arc;

use crate::account::Account;
use crate::moment::Moment;
use crate::notify::Deliverer;
use crate::settings::ServerSettings;
use crate::store::{Files, Store};
use crate::traffic::Traffic;

/// Everything that answering a request needs.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) account: Account,
    pub(crate) store: Arc<Store>,
    pub(crate) files: Files,
    pub(crate) client: reqwest::Client,
    pub(crate) traffic: Traffic,
    pub(crate) deliverer: Arc<Deliverer>,
}

impl App {
    pub(crate) fn settings(&self) -> ServerSettings {
        self.store.read(|state| state.settings.clone())
    }

    pub(crate) fn now(&self) -> Moment {
        Moment::now(self.store.read(|state| state.settings.clock_skew_ms))
    }
}

//! The gateway's control over HTTP: counters, faults, keys, and the mails that Auth did not send.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::faults::{CallCounts, GatewayFault};
use super::server::Gateway;
use crate::SentMail;
use crate::keys::ApiKeyKind;

pub(super) async fn counts(State(gateway): State<Arc<Gateway>>) -> Json<CallCounts> {
    Json(gateway.counts())
}

pub(super) async fn reset_counts(State(gateway): State<Arc<Gateway>>) -> StatusCode {
    gateway.reset_counts();
    StatusCode::NO_CONTENT
}

pub(super) async fn set_fault(
    State(gateway): State<Arc<Gateway>>,
    Json(fault): Json<GatewayFault>,
) -> StatusCode {
    gateway.set_fault(Some(fault));
    StatusCode::NO_CONTENT
}

pub(super) async fn clear_fault(State(gateway): State<Arc<Gateway>>) -> StatusCode {
    gateway.set_fault(None);
    StatusCode::NO_CONTENT
}

/// The kind of key that is wanted.
#[derive(Deserialize)]
pub(super) struct NewKey {
    kind: ApiKeyKind,
}

/// A key, to be refused from now on.
#[derive(Deserialize, Serialize)]
pub(super) struct NamedKey {
    key: String,
}

pub(super) async fn add_key(
    State(gateway): State<Arc<Gateway>>,
    Json(wanted): Json<NewKey>,
) -> Json<NamedKey> {
    let key = gateway.add_key(wanted.kind);
    Json(NamedKey { key })
}

pub(super) async fn revoke_key(
    State(gateway): State<Arc<Gateway>>,
    Json(named): Json<NamedKey>,
) -> StatusCode {
    gateway.revoke_key(&named.key);
    StatusCode::NO_CONTENT
}

/// As the platform's own API takes it.
#[derive(Deserialize)]
pub(super) struct LegacyKeys {
    enabled: bool,
}

pub(super) async fn switch_legacy_keys(
    State(gateway): State<Arc<Gateway>>,
    Json(keys): Json<LegacyKeys>,
) -> StatusCode {
    gateway.switch_legacy_keys(keys.enabled);
    StatusCode::NO_CONTENT
}

pub(super) async fn mails(State(gateway): State<Arc<Gateway>>) -> Json<Vec<SentMail>> {
    Json(gateway.auth().mails())
}

pub(super) async fn forget_mails(State(gateway): State<Arc<Gateway>>) -> StatusCode {
    gateway.auth().forget_mails();
    StatusCode::NO_CONTENT
}

//! Deleting one asset, by name, by asset id or by a token handed out with its upload.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::account::Account;
use crate::app::App;
use crate::error::ApiError;
use crate::model::{Asset, Change, Id, ResourceType};
use crate::notify::events;
use crate::params::Params;
use crate::store::{Actor, Transaction};

pub(crate) fn destroy(
    app: &App,
    actor: &Actor,
    kind: ResourceType,
    params: &Params,
) -> Result<Value, ApiError> {
    let public_id = params.required("public_id")?.to_owned();
    let name = (kind, params.delivery_type("type")?, public_id);
    app.store.commit(actor, |transaction| {
        let found = transaction.live_by_name(&name).cloned();
        Ok(destroyed(transaction, "delete", found))
    })
}

pub(crate) fn destroy_by_asset_id(
    app: &App,
    actor: &Actor,
    params: &Params,
) -> Result<Value, ApiError> {
    let id = params.asset_id("asset_id")?;
    app.store.commit(actor, |transaction| {
        let found = transaction.state().live(id).cloned();
        Ok(destroyed(transaction, "delete", found))
    })
}

fn destroyed(transaction: &mut Transaction<'_>, event: &str, found: Option<Arc<Asset>>) -> Value {
    match found {
        Some(asset) => {
            delete_all(transaction, event, vec![asset]);
            json!({"result": "ok"})
        }
        None => json!({"result": "not found"}),
    }
}

/// Deletes live assets and announces them in one event.
pub(crate) fn delete_all(transaction: &mut Transaction<'_>, event: &str, assets: Vec<Arc<Asset>>) {
    for asset in &assets {
        let gone = forgotten(asset, transaction);
        transaction.record(gone);
    }
    events::delete(transaction, event, &assets);
}

/// Without a backup nothing answers to the asset any more; its record stays, for the search of
/// deleted assets.
pub(crate) fn forgotten(asset: &Arc<Asset>, transaction: &Transaction<'_>) -> Change {
    let mut gone = Asset::clone(asset);
    gone.deleted_at = Some(transaction.now());
    gone.last_updated.updated_at = transaction.now();
    Change::Asset(Arc::new(gone))
}

const TOKEN_SECONDS: i64 = 600;

/// `asset id . expiry . seal`, so that the token outlives the process that made it.
pub(super) fn token(account: &Account, asset_id: Id, now_seconds: i64) -> String {
    let body = format!("{asset_id}.{}", now_seconds + TOKEN_SECONDS);
    URL_SAFE_NO_PAD.encode(format!("{body}.{}", seal(account, &body)))
}

fn seal(account: &Account, body: &str) -> String {
    hex::encode(Sha256::digest(format!(
        "delete token {body} {}",
        account.api_secret
    )))
}

pub(crate) fn by_token(app: &App, actor: &Actor, params: &Params) -> Result<Value, ApiError> {
    let token = params.required("token")?;
    let refused = || ApiError::bad_request("Invalid or expired token");
    let text = URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or_else(refused)?;
    let (body, given) = text.rsplit_once('.').ok_or_else(refused)?;
    let (id, expiry) = body.split_once('.').ok_or_else(refused)?;
    let (id, expiry): (Id, i64) = (
        id.parse().map_err(|()| refused())?,
        expiry.parse().map_err(|_| refused())?,
    );
    app.store.commit(actor, |transaction| {
        if given != seal(&app.account, body) || transaction.now().seconds() > expiry {
            return Err(refused());
        }
        let found = transaction.state().live(id).cloned();
        Ok(destroyed(transaction, "delete_by_token", found))
    })
}

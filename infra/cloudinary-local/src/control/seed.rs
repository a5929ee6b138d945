//! `POST seed`: many assets at once, made from a recipe of a few bytes.

use std::time::Instant;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::request::{self, operator};
use crate::app::App;
use crate::error::ApiError;
use crate::model::{Change, DeliveryType, ResourceType, SeedSpec};
use crate::notify::events;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    count: u64,
    /// Assets take turns among these.
    #[serde(default = "images")]
    resource_types: Vec<ResourceType>,
    #[serde(default, rename = "type")]
    delivery_type: DeliveryType,
    #[serde(default)]
    folder: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default = "asset_prefix")]
    prefix: String,
    #[serde(default)]
    spread_seconds: u64,
    #[serde(default)]
    emit_notifications: bool,
}

fn images() -> Vec<ResourceType> {
    vec![ResourceType::Image]
}

fn asset_prefix() -> String {
    "asset-".to_owned()
}

const AT_MOST: u64 = 2_000_000;
const SPREAD_AT_MOST: u64 = 1_000_000_000;

pub(super) fn seed(app: &App, body: Map<String, Value>) -> Result<Value, ApiError> {
    let started = Instant::now();
    let request: Request = request::parse(body)?;
    if request.count > AT_MOST || request.spread_seconds > SPREAD_AT_MOST {
        return Err(ApiError::bad_request(format!(
            "count is at most {AT_MOST}, spread_seconds {SPREAD_AT_MOST}"
        )));
    }
    if request.resource_types.is_empty() {
        return Err(ApiError::bad_request("resource_types is empty"));
    }
    let folder = request.folder.trim_matches('/').to_owned();
    let first = app.store.commit(&operator(app), |transaction| {
        let settings = transaction.settings();
        let spec = SeedSpec {
            count: request.count,
            resource_types: request.resource_types,
            delivery_type: request.delivery_type,
            folder: folder.clone(),
            tags: request.tags,
            prefix: request.prefix,
            spread_seconds: request.spread_seconds,
            at: transaction.now(),
            first_sequence: transaction.state().next_sequence,
            salt: salt(&app.account.cloud),
            dynamic_folders: settings.dynamic_folders(),
            backups: settings.backups,
        };
        transaction.ensure_folder(&folder);
        transaction.record(Change::Seed(spec.clone()));
        if request.emit_notifications {
            for asset in spec.assets() {
                events::upload(transaction, &app.account, &asset, None);
            }
        }
        Ok(spec.first_sequence)
    })?;
    let took_ms = started.elapsed().as_millis();
    Ok(json!({"count": request.count, "first_sequence": first, "took_ms": took_ms}))
}

/// Two clouds never share an asset id, and one cloud seeds the same way every time.
fn salt(cloud: &str) -> u64 {
    cloud.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

//! The content of the account: assets, folders, triggers and notifications under way.

mod asset;
mod content;
mod field;
mod generated;
mod id;
mod png;
mod scene;
mod scramble;
mod seed;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use asset::{Asset, LastUpdated, Media, Name};
pub(crate) use content::{Content, Kind, Sniffed, md5_hex, sniff};
pub(crate) use field::{DatasourceEntry, FieldType, MetadataField};
pub(crate) use generated::landscape;
pub(crate) use id::{DeliveryType, Id, ResourceType};
pub(crate) use seed::SeedSpec;

use crate::moment::Moment;

/// Where events of one type are announced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trigger {
    pub(crate) id: Id,
    pub(crate) uri: String,
    pub(crate) uri_type: String,
    pub(crate) event_type: String,
    /// Fires also when the call named a `notification_url` of its own.
    pub(crate) additive: bool,
    pub(crate) auth_scheme: String,
    /// Replaces the body of its notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) payload_template: Option<String>,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
}

/// A folder that exists by itself, whether or not it holds assets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Folder {
    pub(crate) path: String,
    pub(crate) external_id: Id,
    pub(crate) created_at: Moment,
}

/// One event on its way to one address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Notification {
    pub(crate) id: u64,
    pub(crate) event_type: String,
    pub(crate) uri: String,
    pub(crate) body: Arc<str>,
    /// False for addresses that verify by public key only.
    pub(crate) signed: bool,
    pub(crate) created_at: Moment,
    pub(crate) next_attempt_at: Moment,
    pub(crate) attempts: u32,
    /// Unix seconds signed with the first attempt, for accounts that do not sign retries anew.
    pub(crate) first_signed_at: Option<i64>,
    pub(crate) first_attempt_at: Option<Moment>,
}

/// One event that waits to be fetched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PolledMessage {
    pub(crate) id: Id,
    /// `None`: addressed by the batch of the call that caused it.
    pub(crate) channel: Option<String>,
    pub(crate) batch_id: Option<String>,
    pub(crate) body: Arc<str>,
    pub(crate) created_at: Moment,
    pub(crate) visible_at: Moment,
}

/// The end of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Delivered,
    /// Lost on purpose by the chaos switches.
    Dropped,
    /// Given up after the last retry.
    Failed,
}

/// One step of an account's history, as the journal keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Change {
    /// Inserts an asset, or replaces the one with the same id.
    Asset(Arc<Asset>),
    /// Drops an asset and its backups for good.
    Forget {
        asset_id: Id,
    },
    Seed(SeedSpec),
    MoveFolder {
        from: String,
        to: String,
        at: Moment,
    },
    Folder(Folder),
    RemoveFolder {
        path: String,
    },
    Trigger(Trigger),
    RemoveTrigger {
        id: Id,
    },
    MetadataField(MetadataField),
    RemoveMetadataField {
        external_id: String,
    },
    Settings {
        settings: Box<Value>,
    },
    Chaos {
        chaos: Value,
    },
    ExpireCursors,
    Notify(Notification),
    /// Keeps a message for fetching, or hides the one that was fetched.
    Polled(PolledMessage),
    Acknowledged {
        ids: Vec<Id>,
    },
    Attempted {
        id: u64,
        attempts: u32,
        at: Moment,
        next: Moment,
        signed_at: i64,
    },
    Settled {
        id: u64,
        outcome: Outcome,
    },
}

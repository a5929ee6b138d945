//! The account in memory: a pure function of the changes applied to it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use serde::Serialize;

use crate::model::{
    Asset, Change, Folder, Id, MetadataField, Name, Notification, Outcome, PolledMessage,
    ResourceType, SeedSpec, Trigger,
};
use crate::moment::Moment;
use crate::settings::{NotificationChaos, ServerSettings};

/// Order of listings: creation time, then order of appearance.
pub(crate) type Position = (Moment, u64);

/// Notifications by their fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Counts {
    pub(crate) created: u64,
    pub(crate) delivered: u64,
    pub(crate) dropped: u64,
    pub(crate) failed: u64,
}

/// One line of the notification log; bodies are kept only while they are pending.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LogEntry {
    pub(crate) id: u64,
    pub(crate) event_type: String,
    pub(crate) uri: String,
    pub(crate) attempts: u32,
    pub(crate) outcome: Outcome,
}

/// Settled notifications remembered; older ones live on in the counts.
const LOG_LENGTH: usize = 2000;

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) assets: HashMap<Id, Arc<Asset>>,
    /// The holders of names: a live asset, or the last one deleted with a backup.
    pub(crate) names: HashMap<Name, Id>,
    pub(crate) order: HashMap<ResourceType, BTreeMap<Position, Id>>,
    pub(crate) folders: BTreeMap<String, Folder>,
    pub(crate) triggers: BTreeMap<(Moment, Id), Trigger>,
    pub(crate) metadata_fields: BTreeMap<String, MetadataField>,
    pub(crate) settings: ServerSettings,
    pub(crate) chaos: NotificationChaos,
    /// Notifications created since the chaos switches were last set.
    pub(crate) chaos_ordinal: u64,
    pub(crate) pending: BTreeMap<u64, Notification>,
    /// When each pending notification is to be tried.
    pub(crate) schedule: BTreeSet<(Moment, u64)>,
    /// Messages that wait to be fetched and acknowledged, the oldest first.
    pub(crate) polled: BTreeMap<(Moment, Id), PolledMessage>,
    pub(crate) counts: Counts,
    pub(crate) log: VecDeque<LogEntry>,
    pub(crate) next_notification: u64,
    pub(crate) next_sequence: u64,
    pub(crate) cursor_epoch: u64,
    /// The latest moment anything happened; the next one is later.
    pub(crate) last_moment: Moment,
    pub(crate) index: SearchIndex,
}

/// The state of the search index: it follows the account at a distance.
#[derive(Debug, Default)]
pub(crate) struct SearchIndex {
    pub(crate) assets: HashMap<Id, Arc<Asset>>,
    waiting: VecDeque<(Moment, Id, Option<Arc<Asset>>)>,
}

const WAITING_AT_MOST: usize = 10_000;

impl SearchIndex {
    fn saw(&mut self, at: Moment, id: Id, asset: Option<Arc<Asset>>, lag_ms: u64) {
        self.waiting.push_back((at, id, asset));
        // Nobody may ever search: do not keep every past version of every asset until then.
        if self.waiting.len() > WAITING_AT_MOST {
            let lag = i64::try_from(lag_ms).unwrap_or(i64::MAX / 2000);
            self.catch_up(at.plus_millis(-lag));
        }
    }

    /// Takes in every change made at or before `until`.
    pub(crate) fn catch_up(&mut self, until: Moment) {
        while self.waiting.front().is_some_and(|(at, ..)| *at <= until) {
            match self.waiting.pop_front() {
                Some((_, id, Some(asset))) => self.assets.insert(id, asset),
                Some((_, id, None)) => self.assets.remove(&id),
                None => None,
            };
        }
    }
}

impl State {
    pub(crate) fn by_name(&self, name: &Name) -> Option<&Arc<Asset>> {
        self.assets.get(self.names.get(name)?)
    }

    pub(crate) fn live_by_name(&self, name: &Name) -> Option<&Arc<Asset>> {
        self.by_name(name).filter(|asset| asset.is_live())
    }

    pub(crate) fn live(&self, id: Id) -> Option<&Arc<Asset>> {
        self.assets.get(&id).filter(|asset| asset.is_live())
    }

    pub(crate) fn apply(&mut self, change: Change) {
        match change {
            Change::Asset(asset) => self.put(asset),
            Change::Forget { asset_id } => self.forget(asset_id),
            Change::Seed(spec) => self.seed(&spec),
            Change::MoveFolder { from, to, at } => self.move_folder(&from, &to, at),
            Change::Folder(folder) => {
                self.saw(folder.created_at);
                self.folders.insert(folder.path.clone(), folder);
            }
            Change::RemoveFolder { path } => {
                self.folders.retain(|known, _| !is_within(known, &path));
            }
            Change::Trigger(trigger) => {
                self.triggers
                    .insert((trigger.created_at, trigger.id), trigger);
            }
            Change::RemoveTrigger { id } => self.triggers.retain(|_, trigger| trigger.id != id),
            Change::MetadataField(field) => {
                self.metadata_fields
                    .insert(field.external_id.clone(), field);
            }
            Change::RemoveMetadataField { external_id } => {
                self.metadata_fields.remove(&external_id);
            }
            Change::Settings { settings } => {
                self.settings = serde_json::from_value(*settings).unwrap_or_default();
            }
            Change::Chaos { chaos } => {
                self.chaos = serde_json::from_value(chaos).unwrap_or_default();
                self.chaos_ordinal = 0;
            }
            Change::ExpireCursors => self.cursor_epoch += 1,
            Change::Notify(notification) => self.notify(notification),
            Change::Polled(message) => {
                self.saw(message.created_at);
                self.polled
                    .insert((message.created_at, message.id), message);
            }
            Change::Acknowledged { ids } => {
                self.polled.retain(|(_, id), _| !ids.contains(id));
            }
            Change::Attempted {
                id,
                attempts,
                at,
                next,
                signed_at,
            } => {
                if let Some(pending) = self.pending.get_mut(&id) {
                    self.schedule.remove(&(pending.next_attempt_at, id));
                    self.schedule.insert((next, id));
                    pending.attempts = attempts;
                    pending.next_attempt_at = next;
                    pending.first_signed_at.get_or_insert(signed_at);
                    pending.first_attempt_at.get_or_insert(at);
                }
            }
            Change::Settled { id, outcome } => self.settle(id, outcome),
        }
    }

    fn saw(&mut self, at: Moment) {
        self.last_moment = self.last_moment.max(at);
    }

    fn put(&mut self, asset: Arc<Asset>) {
        let id = asset.asset_id;
        self.saw(asset.last_updated.updated_at);
        self.next_sequence = self.next_sequence.max(asset.sequence + 1);
        if let Some(old) = self.assets.get(&id).cloned() {
            self.unlink(&old);
        }
        self.order
            .entry(asset.resource_type)
            .or_default()
            .insert((asset.created_at, asset.sequence), id);
        if asset.is_live() || asset.is_placeholder() {
            let name = asset.name();
            let taken_by_live = self.live_by_name(&name).is_some();
            if asset.is_live() || !taken_by_live {
                self.names.insert(name, id);
            }
        }
        let seen_at = asset.last_updated.updated_at;
        self.index.saw(
            seen_at,
            id,
            Some(Arc::clone(&asset)),
            self.settings.index_lag_ms,
        );
        self.assets.insert(id, asset);
    }

    fn unlink(&mut self, asset: &Asset) {
        if self.names.get(&asset.name()) == Some(&asset.asset_id) {
            self.names.remove(&asset.name());
        }
        if let Some(order) = self.order.get_mut(&asset.resource_type) {
            order.remove(&(asset.created_at, asset.sequence));
        }
    }

    fn forget(&mut self, id: Id) {
        if let Some(asset) = self.assets.remove(&id) {
            self.unlink(&asset);
            self.index
                .saw(self.last_moment, id, None, self.settings.index_lag_ms);
        }
    }

    fn seed(&mut self, spec: &SeedSpec) {
        self.saw(spec.at);
        for asset in spec.assets() {
            self.put(Arc::new(asset));
        }
    }

    fn move_folder(&mut self, from: &str, to: &str, at: Moment) {
        self.saw(at);
        let moved: Vec<Folder> = self
            .folders
            .values()
            .filter(|folder| is_within(&folder.path, from))
            .cloned()
            .collect();
        self.folders.retain(|path, _| !is_within(path, from));
        for mut folder in moved {
            folder.path = rebase(&folder.path, from, to);
            self.folders.insert(folder.path.clone(), folder);
        }
        let assets: Vec<Arc<Asset>> = self
            .assets
            .values()
            .filter(|asset| is_within(&asset.asset_folder, from))
            .cloned()
            .collect();
        for asset in assets {
            let mut asset = Arc::unwrap_or_clone(asset);
            asset.asset_folder = rebase(&asset.asset_folder, from, to);
            asset.last_updated.updated_at = at;
            self.put(Arc::new(asset));
        }
    }

    fn notify(&mut self, notification: Notification) {
        self.saw(notification.created_at);
        self.counts.created += 1;
        self.chaos_ordinal += 1;
        self.next_notification = self.next_notification.max(notification.id + 1);
        self.schedule
            .insert((notification.next_attempt_at, notification.id));
        self.pending.insert(notification.id, notification);
    }

    fn settle(&mut self, id: u64, outcome: Outcome) {
        let Some(notification) = self.pending.remove(&id) else {
            return;
        };
        self.schedule.remove(&(notification.next_attempt_at, id));
        match outcome {
            Outcome::Delivered => self.counts.delivered += 1,
            Outcome::Dropped => self.counts.dropped += 1,
            Outcome::Failed => self.counts.failed += 1,
        }
        if self.log.len() == LOG_LENGTH {
            self.log.pop_front();
        }
        self.log.push_back(LogEntry {
            id,
            event_type: notification.event_type,
            uri: notification.uri,
            attempts: notification.attempts,
            outcome,
        });
    }
}

/// Tells whether `path` is `folder` or lies below it.
pub(crate) fn is_within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// `path`, which lies within `from`, moved to lie within `to`.
pub(crate) fn rebase(path: &str, from: &str, to: &str) -> String {
    format!("{to}{}", path.strip_prefix(from).unwrap_or_default())
}

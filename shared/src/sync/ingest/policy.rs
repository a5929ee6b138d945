//! The policy by which a batch of notifications settles (pure). Told states are observed as they
//! are; assets that are only hinted at are looked at first.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::accepted::AcceptedNotification;
use super::effect::{KnownRows, NotificationEffect};
use crate::asset::{AssetId, DeliveryName};
use crate::cloudinary::CloudinaryError;
use crate::observation::{ChangeClocks, Observation};
use crate::row::AssetRow;
use crate::sync::notification::{AssetRef, Notification, NotificationMeaning};
use crate::sync::plan::{AuditEntry, ObservationSource};
use crate::sync::settle::{LookTargets, PlanEvidence, SettlePolicy};
use crate::sync::store::RowQuery;
use crate::time::Timestamp;

/// The assets under each folder that has moved.
pub type MovedFolders = BTreeMap<String, Vec<AssetId>>;

/// A batch of notifications, as it is settled.
#[derive(Clone, Debug)]
pub struct NotificationPolicy {
    accepted: Vec<AcceptedNotification>,
    folders: MovedFolders,
    /// The effect of each notification, given the rows as they were read last.
    effects: Vec<NotificationEffect>,
    /// Assets that could not be looked at.
    unseen: BTreeMap<AssetId, Arc<CloudinaryError>>,
}

impl NotificationPolicy {
    /// The policy for these notifications; `folders` holds every folder that they say has moved.
    pub fn new(accepted: Vec<AcceptedNotification>, folders: MovedFolders) -> Self {
        Self {
            accepted,
            folders,
            effects: Vec::new(),
            unseen: BTreeMap::new(),
        }
    }

    /// The notifications, each with its effect.
    pub fn effects(&self) -> impl Iterator<Item = (&AcceptedNotification, &NotificationEffect)> {
        self.accepted.iter().zip(&self.effects)
    }

    /// The error for which a notification has to wait: one of its assets could not be looked at.
    pub fn obstacle(&self, effect: &NotificationEffect) -> Option<&Arc<CloudinaryError>> {
        let mut wanted = effect.to_fetch.keys();
        wanted.find_map(|id| self.unseen.get(id))
    }

    /// Notes for each change when the first notification that told of it had arrived. What ends a
    /// decision is measured from the decision.
    pub fn note_arrivals(&self, audit: &mut [AuditEntry]) {
        let mut arrivals: BTreeMap<&AssetId, Timestamp> = BTreeMap::new();
        for (accepted, effect) in self.effects() {
            for id in effect.asset_ids() {
                let received = accepted.message.received_at;
                let first = arrivals.entry(id).or_insert(received);
                *first = received.min(*first);
            }
        }
        for entry in audit {
            let arrival = arrivals.get(&entry.cloudinary_asset_id).copied();
            entry.since = entry.since.or(arrival);
        }
    }

    fn read(&self) -> impl Iterator<Item = &Notification> {
        self.accepted
            .iter()
            .filter_map(|one| one.read.as_ref().ok())
    }

    /// When the notifications say that the assets were changed which are only looked at.
    fn moments_of_change(&self) -> BTreeMap<&AssetId, ChangeClocks> {
        let mut moments: BTreeMap<&AssetId, ChangeClocks> = BTreeMap::new();
        for (accepted, effect) in self.effects() {
            let Ok(notification) = &accepted.read else {
                continue;
            };
            let changed = notification.changed();
            for id in effect.to_fetch.keys() {
                let known = moments.entry(id).or_default();
                *known = known.max(changed);
            }
        }
        moments
    }
}

impl SettlePolicy for NotificationPolicy {
    fn source(&self) -> ObservationSource {
        ObservationSource::Webhook
    }

    /// The assets that the notifications name, and the present holders of uploads' names.
    fn add_rows(&self, query: &mut RowQuery) {
        let mut ids: BTreeSet<AssetId> = query.asset_ids.drain(..).collect();
        let mut names: BTreeSet<DeliveryName> = query.names.drain(..).collect();
        let mut public_ids: BTreeSet<String> = BTreeSet::new();
        ids.extend(self.folders.values().flatten().cloned());
        for notification in self.read() {
            ids.extend(notification.says.asset_ids());
            if let NotificationMeaning::Uploaded(upload) = &notification.says {
                names.extend(upload.seen_name().cloned());
            }
            for asset in notification.says.hints() {
                match asset {
                    AssetRef::Id(id) => drop(ids.insert(id.clone())),
                    AssetRef::Name(name) => drop(public_ids.insert(name.public_id.clone())),
                }
            }
        }
        query.public_ids.extend(public_ids);
        query.asset_ids.extend(ids);
        query.names.extend(names);
    }

    fn to_look_at(&mut self, rows: &[AssetRow], evidence: &mut PlanEvidence) -> LookTargets {
        evidence.forget_overtaken_looks(rows);
        let known = KnownRows::of(rows);
        let effect = |accepted| NotificationEffect::of(accepted, &known, &self.folders);
        self.effects = self.accepted.iter().map(effect).collect();
        let wanted = self.effects.iter().flat_map(|effect| &effect.to_fetch);
        let wanted =
            wanted.filter(|(id, _)| !evidence.has_look(id) && !self.unseen.contains_key(*id));
        wanted
            .map(|(id, name)| (id.clone(), name.clone()))
            .collect()
    }

    /// The notifications that need the look go back to the queue; the others go on.
    fn take_failed_look(
        &mut self,
        assets: &[AssetId],
        _rows: &[AssetRow],
        error: CloudinaryError,
    ) -> Result<(), CloudinaryError> {
        let error = Arc::new(error);
        let unseen = assets.iter().map(|id| (id.clone(), error.clone()));
        self.unseen.extend(unseen);
        Ok(())
    }

    /// A look that follows a notification cannot have seen an older state.
    fn newest_known(&self) -> Option<Timestamp> {
        self.read().filter_map(|read| read.triggered_at).max()
    }

    /// The looks, with the times of changes that notifications tell; and the notifications' own
    /// observations, unless they have to wait.
    fn observations<'a>(&'a self, evidence: &'a PlanEvidence) -> Cow<'a, [Observation]> {
        let moments = self.moments_of_change();
        let dated = |seen: &Observation| {
            let mut seen = seen.clone();
            seen.note_change(moments.get(&seen.asset_id).copied().unwrap_or_default());
            seen
        };
        let looked = evidence.observations().iter().map(dated);
        let going_on = self.effects.iter();
        let going_on = going_on.filter(|effect| self.obstacle(effect).is_none());
        let told = going_on.flat_map(|effect| effect.told.iter().cloned());
        Cow::Owned(looked.chain(told).collect())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::asset::ResourceType;
    use crate::observation::ObservedState;
    use crate::queue::{self, RawBody};

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(seconds)
    }

    fn id(digit: &str) -> AssetId {
        AssetId::parse(&digit.repeat(32)).unwrap()
    }

    fn notification(received: i64, about: &AssetId) -> (AcceptedNotification, NotificationEffect) {
        let accepted = AcceptedNotification::read(queue::NotificationMessage {
            signature_timestamp: at(received),
            replayed: false,
            algorithm: None,
            received_at: at(received),
            body: RawBody::new(b"{}".to_vec()),
        });
        let mut effect = NotificationEffect::default();
        effect.to_fetch.insert(about.clone(), None);
        (accepted, effect)
    }

    fn entry(about: &AssetId, since: Option<Timestamp>) -> AuditEntry {
        let name = DeliveryName {
            resource_type: ResourceType::Image,
            delivery_type: "upload".to_owned(),
            public_id: "mug".to_owned(),
        };
        let gone = Observation {
            asset_id: about.clone(),
            at: at(1),
            fact: ObservedState::Gone(Some(name)),
        };
        let row = AssetRow::first(Uuid::nil(), &gone).unwrap();
        AuditEntry {
            since,
            ..AuditEntry::about(&row, "updated", ObservationSource::Webhook)
        }
    }

    #[test]
    fn a_change_is_measured_from_the_first_arrival_and_a_decision_from_itself() {
        let mut policy = NotificationPolicy::new(Vec::new(), MovedFolders::new());
        (policy.accepted, policy.effects) = [
            notification(20, &id("a")),
            notification(10, &id("a")),
            notification(5, &id("b")),
        ]
        .into_iter()
        .unzip();
        let mut audit = [
            entry(&id("a"), None),
            entry(&id("a"), Some(at(2))),
            entry(&id("c"), None),
        ];
        policy.note_arrivals(&mut audit);
        for entry in &mut audit {
            entry.note_time(at(30));
        }
        let times = audit.map(|entry| entry.processing_time_ms);
        assert_eq!(times, [Some(20_000), Some(28_000), None]);
    }
}

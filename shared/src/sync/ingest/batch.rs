//! What a batch of notifications concerns, and what is known when (pure).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::accepted::{Accepted, told_ids};
use super::concern::Concern;
use crate::asset::{AssetId, DeliveryName};
use crate::cloudinary::CloudinaryError;
use crate::observation::{Changed, Observation};
use crate::row::{AssetRow, Clocks};
use crate::sync::notification::{AssetRef, Says};
use crate::sync::plan::AuditEntry;
use crate::sync::store::RowQuery;
use crate::time::Timestamp;

/// What is kept between the attempts of one batch.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Names whose holders turned out to matter.
    pub names: BTreeSet<DeliveryName>,
    /// What the rows knew when they were last read.
    known: BTreeMap<AssetId, Clocks>,
    pub fetched: BTreeMap<AssetId, Observation>,
    pub failed: BTreeMap<AssetId, Arc<CloudinaryError>>,
}

impl Batch {
    /// Takes rows in as they were read. What was fetched stays true while its row has learnt
    /// nothing; otherwise it is forgotten, and has to be fetched again.
    ///
    /// Whoever taught the row may have looked later, and have stamped the look earlier: stamps are
    /// cautious, and that of a look which follows a notification is not.
    pub fn note_rows(&mut self, rows: &[AssetRow]) {
        for row in rows {
            let before = self
                .known
                .insert(row.cloudinary_asset_id.clone(), row.clocks);
            if before != Some(row.clocks) {
                self.fetched.remove(&row.cloudinary_asset_id);
            }
        }
    }

    /// What was fetched, with what the notifications tell of when it was changed.
    pub fn observations(&self, changed: &BTreeMap<AssetId, Changed>) -> Vec<Observation> {
        let dated = |seen: &Observation| {
            let mut seen = seen.clone();
            seen.note_change(changed.get(&seen.asset_id).copied().unwrap_or_default());
            seen
        };
        self.fetched.values().map(dated).collect()
    }
}

/// When the notifications say that the assets which are only to be looked at were changed.
pub fn moments_of_change(
    accepted: &[Accepted],
    concerns: &[Concern],
) -> BTreeMap<AssetId, Changed> {
    let mut moments: BTreeMap<AssetId, Changed> = BTreeMap::new();
    for (accepted, concern) in accepted.iter().zip(concerns) {
        let Ok(notification) = &accepted.read else {
            continue;
        };
        let changed = notification.changed();
        for id in concern.to_fetch.keys() {
            let known = moments.entry(id.clone()).or_default();
            *known = known.max(changed);
        }
    }
    moments
}

/// Notes for each change when the first notification that told of it had arrived. What ends a
/// decision is measured from the decision.
pub fn note_arrivals(audit: &mut [AuditEntry], accepted: &[Accepted], concerns: &[Concern]) {
    let mut arrivals: BTreeMap<&AssetId, Timestamp> = BTreeMap::new();
    for (accepted, concern) in accepted.iter().zip(concerns) {
        for id in concern.asset_ids() {
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

/// Every row that the batch may touch: the assets it names, and who holds their names now.
pub fn rows_concerned(
    accepted: &[Accepted],
    batch: &Batch,
    folders: &BTreeMap<String, Vec<AssetId>>,
) -> RowQuery {
    let mut ids: BTreeSet<AssetId> = batch
        .fetched
        .keys()
        .chain(folders.values().flatten())
        .cloned()
        .collect();
    let mut names: BTreeSet<DeliveryName> = batch
        .fetched
        .values()
        .filter_map(|seen| seen.seen_name().cloned())
        .chain(batch.names.iter().cloned())
        .collect();
    for notification in accepted
        .iter()
        .filter_map(|accepted| accepted.read.as_ref().ok())
    {
        ids.extend(told_ids(&notification.says));
        match &notification.says {
            Says::Uploaded(upload) => names.extend(upload.seen_name().cloned()),
            Says::Changed(assets) => {
                for asset in assets {
                    match asset {
                        AssetRef::Id(id) => drop(ids.insert(id.clone())),
                        AssetRef::Name(name) => drop(names.insert(name.clone())),
                    }
                }
            }
            Says::Deleted(_) | Says::FolderMoved { .. } | Says::Nothing => {}
        }
    }
    RowQuery {
        ids: Vec::new(),
        asset_ids: ids.into_iter().collect(),
        names: names.into_iter().collect(),
    }
}

/// The newest moment of Cloudinary's clock that was known before anything is fetched: a fetch
/// that follows it cannot have seen an older state.
pub fn newest_moment(accepted: &[Accepted], rows: &[AssetRow]) -> Option<Timestamp> {
    let triggered = accepted
        .iter()
        .filter_map(|accepted| accepted.read.as_ref().ok()?.triggered_at);
    let known = rows.iter().filter_map(|row| row.clocks.newest());
    triggered.chain(known).max()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::asset::ResourceType;
    use crate::observation::Fact;
    use crate::queue::{Notification, RawBody};
    use crate::row::AssetRow;
    use crate::sync::plan::Source;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(seconds)
    }

    fn id(digit: &str) -> AssetId {
        AssetId::parse(&digit.repeat(32)).unwrap()
    }

    fn notification(received: i64, about: &AssetId) -> (Accepted, Concern) {
        let accepted = Accepted::read(Notification {
            signature_timestamp: at(received),
            replayed: false,
            algorithm: None,
            received_at: at(received),
            body: RawBody::new(b"{}".to_vec()),
        });
        let mut concern = Concern::default();
        concern.to_fetch.insert(about.clone(), None);
        (accepted, concern)
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
            fact: Fact::Gone(Some(name)),
        };
        let row = AssetRow::first(Uuid::nil(), &gone).unwrap();
        AuditEntry {
            since,
            ..AuditEntry::about(&row, "updated", Source::Webhook)
        }
    }

    #[test]
    fn a_look_counts_until_its_row_has_learnt_more() {
        let name = DeliveryName {
            resource_type: ResourceType::Image,
            delivery_type: "upload".to_owned(),
            public_id: "mug".to_owned(),
        };
        let gone = |seconds| Observation {
            asset_id: id("a"),
            at: at(seconds),
            fact: Fact::Gone(Some(name.clone())),
        };
        let mut row = AssetRow::first(Uuid::nil(), &gone(1)).unwrap();
        let mut batch = Batch::default();
        batch.note_rows(std::slice::from_ref(&row));
        batch.fetched.insert(id("a"), gone(9));
        batch.fetched.insert(id("b"), gone(9));

        // A decision made here is no news of Cloudinary's.
        row.revision += 1;
        batch.note_rows(std::slice::from_ref(&row));
        assert_eq!(batch.fetched.len(), 2);
        // News may be newer than the look, whatever its moment.
        row.observe(&gone(2));
        batch.note_rows(std::slice::from_ref(&row));
        assert_eq!(batch.fetched.keys().collect::<Vec<_>>(), [&id("b")]);
        // So may be what the row began with, after the look.
        row.cloudinary_asset_id = id("b");
        batch.note_rows(&[row]);
        assert!(batch.fetched.is_empty());
    }

    #[test]
    fn a_change_is_measured_from_the_first_arrival_and_a_decision_from_itself() {
        let (accepted, concerns): (Vec<_>, Vec<_>) = [
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
        note_arrivals(&mut audit, &accepted, &concerns);
        for entry in &mut audit {
            entry.note_time(at(30));
        }
        let times = audit.map(|entry| entry.processing_time_ms);
        assert_eq!(times, [Some(20_000), Some(28_000), None]);
    }
}

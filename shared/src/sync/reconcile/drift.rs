//! The differences of both sides, for a dry run (pure).

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::asset::{AssetId, DeliveryName};
use crate::observation::{ATTRIBUTE_COLUMNS, Observation, ObservedState};
use crate::row::AssetRow;
use crate::sync::plan::ChangeTally;

/// So many examples of each kind are kept; the counts are exact.
pub const MAX_EXAMPLES: usize = 100;

/// The visible differences of both sides, as far as a run has compared them.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct DriftReport {
    /// Cloudinary has them, and no live row here is theirs.
    pub missing_here: DriftCount<ListedAsset>,
    /// Live rows whose assets Cloudinary does not have.
    pub missing_there: DriftCount<ListedAsset>,
    pub different: DriftCount<AssetDifference>,
    /// The number of assets that are the same on both sides.
    pub equal: u64,
    /// Of those that differ: how many a run would change here.
    pub would_update: u64,
    /// The reason why a run would stop before it deletes assets that are missing there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_stop: Option<String>,
}

/// The number, and the first of them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct DriftCount<T> {
    pub count: u64,
    pub examples: Vec<T>,
    /// True if there are more than the examples.
    pub more: bool,
}

/// An asset that only one side has.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ListedAsset {
    pub asset_id: AssetId,
    pub public_id: String,
    pub resource_type: String,
    pub delivery_type: String,
}

/// An asset that looks otherwise on the two sides.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AssetDifference {
    #[serde(flatten)]
    pub asset: ListedAsset,
    /// The columns of `media_assets`; `deleted_at` where a delete or a return was decided here.
    pub fields: Vec<String>,
    pub newer: NewerSide,
}

/// Which side is newer, and so would be taken over by the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewerSide {
    Cloudinary,
    Database,
    /// Some fields here, some there.
    Both,
}

/// The compared fields. Cloudinary's listings tell all of them, but for instance no `etag`.
const COMPARED: [&str; 16] = [
    "cloudinary_created_at",
    "cloudinary_public_id",
    "cloudinary_version",
    "context",
    "delivery_type",
    "display_name",
    "duration",
    "file_size",
    "folder",
    "format",
    "height",
    "metadata",
    "resource_type",
    "secure_url",
    "tags",
    "width",
];

fn compared() -> impl Iterator<Item = &'static str> {
    COMPARED.into_iter().chain(ATTRIBUTE_COLUMNS)
}

impl DriftReport {
    /// Compares a step's observations with the rows as they are. Every asset is to be told once.
    pub(super) fn take(&mut self, rows: &[AssetRow], observations: &[Observation]) {
        let rows: HashMap<&AssetId, &AssetRow> = rows
            .iter()
            .map(|row| (&row.cloudinary_asset_id, row))
            .collect();
        let mut newest: BTreeMap<&AssetId, &Observation> = BTreeMap::new();
        for seen in observations.iter().filter(|seen| !seen.is_garbled()) {
            let known = newest.entry(&seen.asset_id).or_insert(seen);
            if seen.at > known.at {
                *known = seen;
            }
        }
        for (id, seen) in newest {
            self.compare(rows.get(id).copied(), seen);
        }
    }

    /// The counts of a run.
    pub(super) fn tally(&self) -> ChangeTally {
        ChangeTally {
            created: self.missing_here.count,
            updated: self.would_update,
            deleted: self.missing_there.count,
            unchanged: self.equal + (self.different.count - self.would_update),
        }
    }

    fn compare(&mut self, row: Option<&AssetRow>, seen: &Observation) {
        let Some(row) = row else {
            if let ObservedState::Seen(sighting) = &seen.fact {
                self.missing_here
                    .add(ListedAsset::new(seen, &sighting.name));
            }
            return;
        };
        let mut after = row.clone();
        after.observe(seen);
        match (&seen.fact, row.is_live(), after.is_live()) {
            (ObservedState::Seen(sighting), false, true) => {
                self.missing_here
                    .add(ListedAsset::new(seen, &sighting.name));
            }
            (ObservedState::Seen(sighting), false, false) if row.intent.is_some() => {
                self.add_decided(ListedAsset::new(seen, &sighting.name));
            }
            (ObservedState::Gone(_), true, true) if row.intent.is_some() => {
                self.add_decided(ListedAsset::new(seen, &row.name()));
            }
            (ObservedState::Seen(sighting), true, _) => {
                self.compare_live(row, &after, seen, &sighting.name)
            }
            (ObservedState::Gone(_), true, false) => {
                self.missing_there.add(ListedAsset::new(seen, &row.name()))
            }
            // Both sides say that it is gone, or the row knows something newer than this look.
            (ObservedState::Seen(_) | ObservedState::Gone(_), ..) => self.equal += 1,
        }
    }

    /// Deleted or restored here, and not yet there.
    fn add_decided(&mut self, asset: ListedAsset) {
        self.different.add(AssetDifference {
            asset,
            fields: vec!["deleted_at".to_owned()],
            newer: NewerSide::Database,
        });
    }

    fn compare_live(
        &mut self,
        row: &AssetRow,
        after: &AssetRow,
        seen: &Observation,
        name: &DeliveryName,
    ) {
        let there = AssetRow::first(row.id, seen).expect("a sighting names its asset");
        let [here, after, there] = [row, after, &there].map(fields);
        let mut difference = AssetDifference {
            asset: ListedAsset::new(seen, name),
            fields: Vec::new(),
            newer: NewerSide::Cloudinary,
        };
        let mut taken = 0;
        for field in compared() {
            // What Cloudinary does not tell is no difference.
            if there[field].is_null() || here[field] == there[field] {
                continue;
            }
            taken += usize::from(after[field] == there[field]);
            difference.fields.push(field.to_owned());
        }
        if difference.fields.is_empty() {
            self.equal += 1;
            return;
        }
        if taken < difference.fields.len() {
            difference.newer = if taken == 0 {
                NewerSide::Database
            } else {
                NewerSide::Both
            };
        }
        self.would_update += u64::from(taken > 0);
        self.different.add(difference);
    }
}

fn fields(row: &AssetRow) -> Map<String, Value> {
    match serde_json::to_value(row) {
        Ok(Value::Object(fields)) => fields,
        _ => unreachable!("a row is an object with string keys"),
    }
}

impl<T> Default for DriftCount<T> {
    fn default() -> Self {
        Self {
            count: 0,
            examples: Vec::new(),
            more: false,
        }
    }
}

impl<T> DriftCount<T> {
    fn add(&mut self, example: T) {
        self.count += 1;
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(example);
        } else {
            self.more = true;
        }
    }
}

impl ListedAsset {
    fn new(seen: &Observation, name: &DeliveryName) -> Self {
        Self {
            asset_id: seen.asset_id.clone(),
            public_id: name.public_id.clone(),
            resource_type: name.resource_type.to_string(),
            delivery_type: name.delivery_type.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::asset::ResourceType;
    use crate::cloudinary::CloudinaryResource;
    use crate::intent::{ExistenceWish, Intent};
    use crate::observation::AbsenceMeaning;
    use crate::time::Timestamp;

    fn seen(number: u64, at: i64, tags: &[&str]) -> Observation {
        let resource: CloudinaryResource = serde_json::from_value(json!({
            "asset_id": format!("{number:032x}"), "public_id": format!("mug-{number}"), "resource_type": "image",
            "type": "upload", "version": 7, "bytes": 3, "format": "gif", "tags": tags, "asset_folder": "mugs",
        }))
        .unwrap();
        Observation::of_resource(
            &resource,
            Timestamp::from_secs(at),
            AbsenceMeaning::Everything,
        )
        .unwrap()
    }

    fn gone(number: u64, at: i64) -> Observation {
        Observation {
            asset_id: AssetId::parse(&format!("{number:032x}")).unwrap(),
            at: Timestamp::from_secs(at),
            fact: ObservedState::Gone(None),
        }
    }

    fn row(number: u64, at: i64, tags: &[&str]) -> AssetRow {
        AssetRow::first(Uuid::from_u128(number.into()), &seen(number, at, tags)).unwrap()
    }

    fn drift(rows: &[AssetRow], observations: &[Observation]) -> DriftReport {
        let mut drift = DriftReport::default();
        drift.take(rows, observations);
        drift
    }

    #[test]
    fn each_kind_of_difference_is_told_apart() {
        let mut tombstone = row(4, 10, &[]);
        tombstone.observe(&gone(4, 11));
        let mut decided = row(5, 10, &[]);
        decided.deleted_at = Some(Timestamp::from_secs(12));
        decided.intent = Some(Intent {
            at: 12_000_000,
            existence: Some(ExistenceWish::Delete {
                version: Some(7),
                etag: None,
            }),
            ..Intent::default()
        });
        let mut returning = row(7, 10, &[]);
        returning.intent = Some(Intent {
            at: 12_000_000,
            existence: Some(ExistenceWish::Restore),
            ..Intent::default()
        });
        returning.observe(&gone(7, 11));
        let rows = [
            row(1, 10, &["a"]),
            row(2, 10, &[]),
            row(3, 10, &[]),
            tombstone,
            decided,
            returning,
        ];
        let drift = drift(
            &rows,
            &[
                seen(1, 20, &["b"]),
                seen(2, 20, &[]),
                gone(3, 20),
                seen(4, 20, &[]),
                seen(5, 20, &[]),
                seen(6, 20, &[]),
                gone(7, 20),
            ],
        );
        let names = |kind: &DriftCount<ListedAsset>| {
            kind.examples
                .iter()
                .map(|named| named.public_id.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&drift.missing_here), ["mug-4", "mug-6"]);
        assert_eq!(names(&drift.missing_there), ["mug-3"]);
        let different: Vec<_> = drift
            .different
            .examples
            .iter()
            .map(|difference| {
                (
                    difference.asset.public_id.as_str(),
                    difference.fields.clone(),
                    difference.newer,
                )
            })
            .collect();
        assert_eq!(
            different,
            [
                ("mug-1", vec!["tags".to_owned()], NewerSide::Cloudinary),
                ("mug-5", vec!["deleted_at".to_owned()], NewerSide::Database),
                ("mug-7", vec!["deleted_at".to_owned()], NewerSide::Database),
            ]
        );
        assert_eq!(drift.equal, 1);
        let tally = drift.tally();
        assert_eq!(
            (tally.created, tally.updated, tally.deleted, tally.unchanged),
            (2, 1, 1, 3)
        );
    }

    #[test]
    fn what_the_row_learnt_after_the_look_is_newer_here() {
        let one = drift(&[row(1, 30, &["new"])], &[seen(1, 20, &["old"])]);
        assert_eq!(one.different.examples[0].newer, NewerSide::Database);
        assert_eq!(one.would_update, 0);

        let mut mixed = row(1, 10, &["a"]);
        mixed.editable.folder = "posters".to_owned();
        mixed.clocks.folder = Some(30_000_000);
        let both = drift(&[mixed], &[seen(1, 20, &["b"])]);
        assert_eq!(both.different.examples[0].fields, ["folder", "tags"]);
        assert_eq!(both.different.examples[0].newer, NewerSide::Both);
        assert_eq!(both.would_update, 1);

        let late = drift(&[row(1, 30, &[])], &[gone(1, 20)]);
        assert_eq!((late.missing_there.count, late.equal), (0, 1));
    }

    #[test]
    fn counts_are_exact_where_examples_are_not_all() {
        let observations: Vec<_> = (0..150).map(|number| seen(number, 20, &[])).collect();
        let drift = drift(&[], &observations);
        assert_eq!(drift.missing_here.count, 150);
        assert_eq!(drift.missing_here.examples.len(), MAX_EXAMPLES);
        assert!(drift.missing_here.more);
        assert!(!drift.missing_there.more);
        let stored: DriftReport =
            serde_json::from_value(serde_json::to_value(&drift).unwrap()).unwrap();
        assert_eq!(stored, drift, "it survives the checkpoint");
    }

    #[test]
    fn every_compared_field_is_one_of_the_row() {
        let row = fields(&row(1, 10, &[]));
        for field in compared() {
            assert!(row.contains_key(field), "{field}");
        }
        assert_eq!(ResourceType::Image.to_string(), row["resource_type"]);
    }
}

//! Compares an asset here with what Cloudinary was last seen to have, field by field (pure).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::intent::{EditableValues, Intent, PairWishes};
use crate::observation::AssetClocks;
use crate::time::Timestamp;

/// Values that people edit, as Cloudinary was last seen to have them.
#[derive(Clone, Debug, Deserialize)]
pub struct SeenValues {
    pub values: EditableValues,
    /// When each group was told, and when it was changed there.
    pub moments: AssetClocks,
}

/// One field on both sides. The later of `changed_at` and `decided_at` counts; see
/// [`Intent::yield_to_later`].
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct FieldComparison {
    /// The column's name.
    pub field: &'static str,
    /// Both values, where they differ.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub difference: Option<FieldDifference>,
    /// When Cloudinary last told the value, on its clock.
    pub told_at: Option<Timestamp>,
    /// Since when Cloudinary has the value, as far as it tells that.
    pub changed_at: Option<Timestamp>,
    /// When the change was decided that waits here, if one does.
    pub decided_at: Option<Timestamp>,
}

/// The values of a field that is not equal on both sides.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct FieldDifference {
    pub here: Value,
    pub there: Value,
}

/// Compares all fields that people edit on either side.
pub fn compare(
    here: &EditableValues,
    seen: &SeenValues,
    waiting: Option<&Intent>,
) -> Vec<FieldComparison> {
    let (there, told) = (&seen.values, &seen.moments);
    let changed = &told.changed;
    let nothing = Intent::default();
    let wishes = waiting.unwrap_or(&nothing);
    let name = wishes.public_id.as_ref().map(|wish| wish.at);
    let folder = wishes.folder.as_ref().map(|wish| wish.at);
    let display_name = wishes.display_name.as_ref().map(|wish| wish.at);
    let tags = (!wishes.tags.is_empty()).then_some(wishes.at);
    vec![
        field(
            "cloudinary_public_id",
            (&here.public_id, &there.public_id),
            [told.name, changed.name, name],
        ),
        field(
            "folder",
            (&here.folder, &there.folder),
            [told.folder, changed.folder, folder],
        ),
        field(
            "display_name",
            (&here.display_name, &there.display_name),
            [told.display_name, changed.display_name, display_name],
        ),
        field("tags", (&here.tags, &there.tags), [told.tags, None, tags]),
        field(
            "context",
            (&here.context, &there.context),
            [told.context, changed.context, latest(&wishes.context)],
        ),
        field(
            "metadata",
            (&here.metadata, &there.metadata),
            [told.metadata, changed.metadata, latest(&wishes.metadata)],
        ),
    ]
}

fn field<T: PartialEq + Serialize>(
    field: &'static str,
    (here, there): (&T, &T),
    moments: [Option<i64>; 3],
) -> FieldComparison {
    let difference = (here != there).then(|| FieldDifference {
        here: json!(here),
        there: json!(there),
    });
    let [told_at, changed_at, decided_at] =
        moments.map(|micros| micros.map(Timestamp::from_micros));
    FieldComparison {
        field,
        difference,
        told_at,
        changed_at,
        decided_at,
    }
}

fn latest(wishes: &PairWishes) -> Option<i64> {
    wishes.0.values().map(|wish| wish.at).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(differs: Value) -> EditableValues {
        let mut values = json!({
            "cloudinary_public_id": "mug", "folder": "shop", "display_name": null, "tags": ["red"],
            "context": {"alt": "A mug"}, "metadata": {},
        });
        let Value::Object(differs) = differs else {
            unreachable!("tests say objects")
        };
        values.as_object_mut().unwrap().extend(differs);
        serde_json::from_value(values).unwrap()
    }

    fn seen(differs: Value) -> SeenValues {
        let moments = json!({
            "alive": 9, "name": 1, "folder": 2, "display_name": 3, "tags": 4, "context": 5, "metadata": 6,
            "changed": {"name": 1, "context": 4},
        });
        SeenValues {
            values: values(differs),
            moments: serde_json::from_value(moments).unwrap(),
        }
    }

    fn of<'a>(all: &'a [FieldComparison], field: &str) -> &'a FieldComparison {
        all.iter().find(|one| one.field == field).unwrap()
    }

    const fn at(micros: i64) -> Option<Timestamp> {
        Some(Timestamp::from_micros(micros))
    }

    #[test]
    fn equal_fields_tell_their_moments_and_no_values() {
        let all = compare(&values(json!({})), &seen(json!({})), None);
        assert!(all.iter().all(|one| one.difference.is_none()));
        let told: Vec<_> = all.iter().map(|one| one.told_at).collect();
        assert_eq!(told, (1..=6).map(at).collect::<Vec<_>>());
        assert_eq!(of(&all, "context").changed_at, at(4));
        assert_eq!(of(&all, "folder").changed_at, None);
        let shown = serde_json::to_value(of(&all, "folder")).unwrap();
        let moment = "1970-01-01T00:00:00.000002Z";
        let expected =
            json!({"field": "folder", "told_at": moment, "changed_at": null, "decided_at": null});
        assert_eq!(shown, expected);
    }

    #[test]
    fn different_fields_tell_both_values_and_the_waiting_decision() {
        let wish = |to: Value, at: i64| json!({"to": to, "base": null, "at": at});
        let waiting: Intent = serde_json::from_value(json!({
            "at": 30, "by": null, "tags": {"new": true}, "display_name": wish(json!("Mug"), 10),
            "context": {"alt": wish(json!("Cup"), 20), "seen": wish(json!("x"), 25)},
        }))
        .unwrap();
        let here = values(json!({
            "display_name": "Mug", "tags": ["new", "red"], "context": {"alt": "Cup", "seen": "x"},
        }));
        let all = compare(&here, &seen(json!({"folder": "sale"})), Some(&waiting));
        let decided: Vec<_> = all.iter().map(|one| one.decided_at).collect();
        assert_eq!(decided, [None, None, at(10), at(30), at(25), None]);
        let tags = serde_json::to_value(of(&all, "tags")).unwrap();
        assert_eq!(tags["here"], json!(["new", "red"]));
        assert_eq!(tags["there"], json!(["red"]));
        let folder = of(&all, "folder").difference.as_ref().unwrap();
        assert_eq!(
            (&folder.here, &folder.there),
            (&json!("shop"), &json!("sale"))
        );
        let equal = all.iter().filter(|one| one.difference.is_none());
        let equal: Vec<_> = equal.map(|one| one.field).collect();
        assert_eq!(equal, ["cloudinary_public_id", "metadata"]);
    }
}

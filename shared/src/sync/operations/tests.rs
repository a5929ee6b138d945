use serde_json::json;

use super::*;
use crate::intent::{ExistenceWish, Intent, ValueWish};
use crate::observation::{AssetSighting, Observation, ObservedState};
use crate::row::AssetRow;
use crate::time::Timestamp;

fn row(number: u128, decide: impl FnOnce(&mut Intent)) -> AssetRow {
    let seen = Observation {
        asset_id: AssetId::parse(&format!("{number:032x}")).unwrap(),
        at: Timestamp::from_micros(1),
        fact: ObservedState::Seen(Box::new(AssetSighting {
            tags: Some(["old".to_owned()].into()),
            ..AssetSighting::named(DeliveryName {
                resource_type: ResourceType::Image,
                delivery_type: "upload".to_owned(),
                public_id: format!("mug-{number}"),
            })
        })),
    };
    let mut row = AssetRow::first(Uuid::from_u128(number), &seen).unwrap();
    let mut intent = Intent::default();
    decide(&mut intent);
    row.intent = Some(intent);
    // Lays the wishes over what was seen.
    row.intent_claim = Some(Uuid::nil());
    row.observe(&seen);
    row
}

fn gone(mut row: AssetRow) -> AssetRow {
    let told = Observation {
        asset_id: row.cloudinary_asset_id.clone(),
        at: Timestamp::from_micros(2),
        fact: ObservedState::Gone(None),
    };
    row.observe(&told);
    row
}

fn delete(intent: &mut Intent) {
    intent.existence = Some(ExistenceWish::Delete {
        version: None,
        etag: None,
    });
}

fn restore(intent: &mut Intent) {
    intent.existence = Some(ExistenceWish::Restore);
}

fn wish<T>(base: T, to: T) -> ValueWish<T> {
    ValueWish {
        to,
        base,
        at: 1,
        ours: Vec::new(),
    }
}

#[test]
fn deletes_are_put_together_by_the_hundred_or_made_one_by_one() {
    let rows: Vec<AssetRow> = (0..150).map(|number| row(number, delete)).collect();
    let sizes = |operations: &OperationStages| -> Vec<usize> {
        let sizes = operations.existence.iter().map(|one| one.rows.len());
        sizes.collect()
    };
    assert_eq!(sizes(&plan_operations(&rows, true)), [100, 50]);
    assert_eq!(sizes(&plan_operations(&rows, false)), [1; 150]);
}

#[test]
fn what_is_as_it_should_be_asks_for_nothing() {
    let gone_already = gone(row(1, delete));
    let there_already = row(2, restore);
    let tagged_already = row(3, |intent| {
        intent.tags.insert("old".to_owned(), true);
        intent.tags.insert("never there".to_owned(), false);
    });
    let undecided = AssetRow {
        intent: None,
        ..row(4, |_| {})
    };
    let rows = [gone_already, there_already, tagged_already, undecided];
    assert!(plan_operations(&rows, true).is_empty());
}

#[test]
fn a_restore_comes_before_the_edits_of_its_asset() {
    let lost = gone(row(1, |intent| {
        restore(intent);
        intent.tags.insert("new".to_owned(), true);
    }));
    let operations = plan_operations(&[lost], true);
    assert!(operations.edits.is_empty());
    let id = AssetId::parse(&format!("{:032x}", 1)).unwrap();
    assert_eq!(
        operations.existence[0].kind,
        OperationKind::Restore(vec![id])
    );
}

#[test]
fn an_asset_whose_name_holds_a_comma_is_changed_by_its_id() {
    let mut comma = row(1, |intent| {
        intent.tags.insert("new".to_owned(), true);
        let (key, to) = ("alt".to_owned(), Some(json!("A mug")));
        intent.context.0.insert(key, wish(None, to));
        intent
            .context
            .0
            .insert("gone".to_owned(), wish(Some(json!("x")), None));
        let (key, to) = ("stock".to_owned(), Some(json!(4)));
        intent.metadata.0.insert(key, wish(None, to));
    });
    let observed = comma.observed.as_mut().unwrap();
    observed.public_id = "mug,blue".to_owned();
    observed.context = [("gone", "x"), ("kept", "y")]
        .map(|(key, value)| (key.to_owned(), json!(value)))
        .into();
    let operations = plan_operations(&[comma], true);
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let update = ResourceUpdate {
        tags: Some(vec!["new".to_owned(), "old".to_owned()]),
        context: Some([pair("alt", "A mug"), pair("gone", ""), pair("kept", "y")].into()),
        metadata: json!({"stock": 4}).as_object().cloned(),
        ..ResourceUpdate::default()
    };
    let asset_id = AssetId::parse(&format!("{:032x}", 1)).unwrap();
    let kinds: Vec<OperationKind> = operations.edits.into_iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [OperationKind::Update { asset_id, update }]);
}

#[test]
fn equal_changes_are_one_call_under_the_names_that_cloudinary_knows() {
    let edit = |intent: &mut Intent| {
        intent.tags.insert("new".to_owned(), true);
        intent.tags.insert("old".to_owned(), false);
        let (key, to) = ("alt".to_owned(), Some(json!("A mug")));
        intent.context.0.insert(key, wish(None, to));
        let (key, to) = ("stock".to_owned(), Some(json!(4)));
        intent.metadata.0.insert(key, wish(None, to));
    };
    let renamed = row(3, |intent| {
        edit(intent);
        intent.public_id = Some(wish("mug-3".to_owned(), "cup".to_owned()));
        intent.folder = Some(wish(String::new(), "sale".to_owned()));
    });
    assert_eq!(renamed.editable.public_id, "cup");
    let rows = [row(1, edit), row(2, edit), renamed];
    let operations = plan_operations(&rows, true);
    let targets = OperationTargets {
        resource_type: ResourceType::Image,
        delivery_type: "upload".to_owned(),
        public_ids: ["mug-1", "mug-2", "mug-3"].map(str::to_owned).to_vec(),
    };
    let kinds: Vec<OperationKind> = operations.edits.into_iter().map(|one| one.kind).collect();
    let stock = json!({"stock": 4});
    let expected = [
        OperationKind::Update {
            asset_id: AssetId::parse(&format!("{:032x}", 3)).unwrap(),
            update: ResourceUpdate {
                asset_folder: Some("sale".to_owned()),
                ..ResourceUpdate::default()
            },
        },
        OperationKind::AddTags(targets.clone(), vec!["new".to_owned()]),
        OperationKind::RemoveTags(targets.clone(), vec!["old".to_owned()]),
        OperationKind::MergeContext(
            targets.clone(),
            BTreeMap::from([("alt".to_owned(), "A mug".to_owned())]),
        ),
        OperationKind::SetMetadata(targets, stock.as_object().unwrap().clone()),
    ];
    assert_eq!(kinds, expected);
    let rename = &operations.renames[0].kind;
    assert!(
        matches!(rename, OperationKind::Rename { from, to } if from.public_id == "mug-3" && to == "cup")
    );
    assert_eq!(operations.renames.len(), 1);
}

#[test]
fn removing_a_key_is_an_empty_value_in_context_and_null_in_metadata() {
    let mut edited = row(1, |intent| {
        intent
            .context
            .0
            .insert("alt".to_owned(), wish(Some(json!("x")), None));
        intent
            .metadata
            .0
            .insert("sku".to_owned(), wish(Some(json!("x")), None));
    });
    let observed = edited.observed.as_mut().unwrap();
    observed.context.insert("alt".to_owned(), json!("x"));
    observed.metadata.insert("sku".to_owned(), json!("x"));
    let operations = plan_operations(&[edited], true);
    assert!(
        matches!(&operations.edits[0].kind, OperationKind::MergeContext(_, pairs) if pairs["alt"].is_empty())
    );
    assert!(
        matches!(&operations.edits[1].kind, OperationKind::SetMetadata(_, fields) if fields["sku"].is_null())
    );
}

#[test]
fn a_thousand_names_are_what_one_call_takes() {
    let tag = |intent: &mut Intent| {
        intent.tags.insert("new".to_owned(), true);
    };
    let rows: Vec<AssetRow> = (0..1001).map(|number| row(number, tag)).collect();
    let operations = plan_operations(&rows, true);
    let sizes: Vec<usize> = operations.edits.iter().map(|one| one.rows.len()).collect();
    assert_eq!(sizes, [1000, 1]);
    assert_eq!(operations.rows().len(), 1001);
}

#[test]
fn many_tags_leave_room_for_fewer_names_in_a_call() {
    let tags = |intent: &mut Intent| {
        for number in 0..11 {
            intent.tags.insert(format!("new-{number}"), true);
        }
    };
    let rows: Vec<AssetRow> = (0..1000).map(|number| row(number, tags)).collect();
    let operations = plan_operations(&rows, true);
    let sizes: Vec<usize> = operations.edits.iter().map(|one| one.rows.len()).collect();
    assert_eq!(sizes, [909, 91], "eleven tags for 909 names are 9,999");
    assert_eq!(operations.rows().len(), 1000);
}

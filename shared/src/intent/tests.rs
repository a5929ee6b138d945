use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::observation::ValuePairs;

const DECIDED: i64 = 10;

/// Few keys and values, so that both sides often touch the same.
fn pairs() -> impl Strategy<Value = ValuePairs> {
    proptest::collection::btree_map("[abc]", "[xyz]".prop_map(Value::from), 0..3)
}

fn wishes_between(base: &ValuePairs, to: &ValuePairs) -> PairWishes {
    let keys = base.keys().chain(to.keys());
    let changed = keys.filter(|key| base.get(*key) != to.get(*key));
    let wish = |key: &String| {
        let wish = ValueWish {
            to: to.get(key).cloned(),
            base: base.get(key).cloned(),
            at: DECIDED,
            ours: Vec::new(),
        };
        (key.clone(), wish)
    };
    PairWishes(changed.map(wish).collect())
}

/// Everything was observed at this moment.
fn all_seen(at: i64) -> AssetClocks {
    let at = Some(at);
    AssetClocks {
        alive: at,
        name: at,
        folder: at,
        display_name: at,
        tags: at,
        context: at,
        metadata: at,
        ..AssetClocks::default()
    }
}

fn with_context(context: ValuePairs) -> EditableValues {
    EditableValues {
        public_id: "mug".to_owned(),
        context,
        ..EditableValues::default()
    }
}

proptest! {
    /// The three-way merge, told key by key.
    #[test]
    fn each_key_is_merged_by_itself(
        base in pairs(), ours in pairs(), theirs in pairs(), changed in proptest::option::of(8..13_i64),
    ) {
        let mut intent = Intent { context: wishes_between(&base, &ours), ..Intent::default() };
        let observed = with_context(theirs.clone());
        intent.yield_to_later(&observed, &ChangeClocks { context: changed, ..ChangeClocks::default() });
        let merged = intent.over(&observed).context;
        for key in ["a", "b", "c"] {
            let (base, ours, theirs) = (base.get(key), ours.get(key), theirs.get(key));
            let expected = if ours == base {
                theirs
            } else if theirs == base || theirs == ours || changed <= Some(DECIDED) {
                ours
            } else {
                theirs
            };
            prop_assert_eq!(merged.get(key), expected, "{}", key);
        }
    }

    #[test]
    fn what_is_fulfilled_is_forgotten_and_nothing_else(base in pairs(), ours in pairs(), theirs in pairs()) {
        let mut intent = Intent { context: wishes_between(&base, &ours), ..Intent::default() };
        let observed = with_context(theirs);
        let shown = intent.over(&observed);
        intent.forget_fulfilled(&observed, &all_seen(DECIDED));
        prop_assert_eq!(intent.over(&observed), shown.clone(), "what is shown does not change");
        prop_assert_eq!(intent.is_empty(), shown == observed, "what is left is what differs");
    }

    #[test]
    fn tags_of_both_sides_add_up(
        there in proptest::collection::btree_set("[a-e]", 0..5),
        wished in proptest::collection::btree_map("[a-e]", any::<bool>(), 0..5),
    ) {
        let intent = Intent { tags: wished.clone(), ..Intent::default() };
        let observed = EditableValues { tags: there.iter().cloned().collect(), ..EditableValues::default() };
        let shown = intent.over(&observed).tags;
        for tag in ["a", "b", "c", "d", "e"] {
            let expected = wished.get(tag).copied().unwrap_or(there.contains(tag));
            prop_assert_eq!(shown.iter().filter(|shown| *shown == tag).count(), usize::from(expected));
        }
        let collisions = intent.collisions(&observed);
        prop_assert!(collisions.is_empty(), "adding and removing never collide");
    }
}

fn scalars(to: &str) -> Intent {
    let wish = |base: &str| ValueWish {
        to: to.to_owned(),
        base: base.to_owned(),
        at: DECIDED,
        ours: vec!["earlier".to_owned()],
    };
    Intent {
        public_id: Some(wish("mug")),
        folder: Some(wish("shop")),
        display_name: Some(ValueWish {
            to: Some(to.to_owned()),
            base: Some("Mug".to_owned()),
            at: DECIDED,
            ours: vec![Some("earlier".to_owned())],
        }),
        metadata: PairWishes(BTreeMap::from([(
            "sku".to_owned(),
            ValueWish {
                to: Some(json!(to)),
                base: None,
                at: DECIDED,
                ours: vec![Some(json!("earlier"))],
            },
        )])),
        ..Intent::default()
    }
}

fn observed(value: &str) -> EditableValues {
    EditableValues {
        public_id: value.to_owned(),
        folder: value.to_owned(),
        display_name: Some(value.to_owned()),
        metadata: BTreeMap::from([("sku".to_owned(), json!(value))]),
        ..EditableValues::default()
    }
}

fn changed_at(at: i64) -> ChangeClocks {
    ChangeClocks::all(crate::time::Timestamp::from_micros(at))
}

#[test]
fn a_later_change_of_the_same_value_wins_and_an_earlier_one_does_not() {
    for (at, left) in [(DECIDED - 1, 4), (DECIDED, 4), (DECIDED + 1, 0)] {
        let mut intent = scalars("ours");
        assert_eq!(intent.collisions(&observed("theirs")).len(), 4);
        intent.yield_to_later(&observed("theirs"), &changed_at(at));
        assert_eq!(intent.collisions(&observed("theirs")).len(), left, "{at}");
        assert_eq!(intent.is_empty(), left == 0);
    }
}

#[test]
fn each_value_yields_to_the_change_of_its_own_group() {
    type Group = fn(&mut ChangeClocks) -> &mut Option<i64>;
    let groups: [(&str, Group); 4] = [
        ("cloudinary_public_id", |changed| &mut changed.name),
        ("folder", |changed| &mut changed.folder),
        ("display_name", |changed| &mut changed.display_name),
        ("metadata", |changed| &mut changed.metadata),
    ];
    for (field, group) in groups {
        let mut intent = scalars("ours");
        let mut changed = ChangeClocks::default();
        *group(&mut changed) = Some(DECIDED + 1);
        intent.yield_to_later(&observed("theirs"), &changed);
        let left = intent.collisions(&observed("theirs"));
        assert_eq!(left.len(), 3);
        assert!(
            left.iter().all(|collision| collision.field != field),
            "{field}"
        );
    }
}

#[test]
fn what_we_wished_for_before_is_nobody_elses_change() {
    let mut intent = scalars("ours");
    intent.yield_to_later(&observed("earlier"), &changed_at(DECIDED + 1));
    assert_eq!(intent, scalars("ours"));
    assert!(intent.collisions(&observed("earlier")).is_empty());
}

#[test]
fn every_wish_is_laid_over_what_was_observed_and_ends_when_it_is_seen() {
    let mut intent = scalars("ours");
    assert_eq!(intent.over(&observed("theirs")), observed("ours"));
    intent.forget_fulfilled(&observed("theirs"), &all_seen(DECIDED));
    assert_eq!(intent, scalars("ours"));
    intent.forget_fulfilled(&observed("ours"), &all_seen(DECIDED - 1));
    assert_eq!(
        intent,
        scalars("ours"),
        "it was so before, and may not be any more"
    );
    intent.forget_fulfilled(&observed("ours"), &all_seen(DECIDED));
    assert!(intent.is_empty() && !intent.has_edits());
}

/// Values go there as text, and come back as the field's type has them.
#[test]
fn a_value_that_comes_back_in_its_fields_type_is_the_one_that_was_wished_for() {
    for (ours, theirs, is_same) in [
        (json!(1.5), json!("1.5"), true),
        (json!("5"), json!(5), true),
        (json!(["a", "b"]), json!(["a", "b"]), true),
        (json!(["a", "b"]), json!(r#"["a","b"]"#), true),
        (json!("5"), json!(6), false),
        (json!(["a"]), json!("a"), false),
        (json!("null"), json!(null), false),
    ] {
        let pairs = |value: &Value| ValuePairs::from([("size".to_owned(), value.clone())]);
        let mut intent = Intent {
            metadata: wishes_between(&pairs(&json!("base")), &pairs(&ours)),
            ..Intent::default()
        };
        let observed = EditableValues {
            metadata: pairs(&theirs),
            ..EditableValues::default()
        };
        let collides = !intent.collisions(&observed).is_empty();
        assert_eq!(collides, !is_same, "{ours} and {theirs}");
        intent.forget_fulfilled(&observed, &all_seen(DECIDED));
        assert_eq!(intent.is_empty(), is_same, "{ours} and {theirs}");
    }
}

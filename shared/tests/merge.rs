//! Applying observations is order-free and repeatable, and ends where an independently written
//! oracle says.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]
use std::collections::{BTreeMap, BTreeSet};

use media_sync::asset::{AssetId, DeliveryName, ResourceType};
use media_sync::intent::{ExistenceWish, Intent, PairWishes, ValueWish};
use media_sync::observation::{AssetContent, AssetSighting, Observation, ObservedState};
use media_sync::row::{AssetRow, SyncStatus};
use media_sync::sync::plan::{KeepClocks, ObservationSource, PlanContext, plan_observations};
use media_sync::time::Timestamp;
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

const ASSET: &str = "0123456789abcdef0123456789abcdef";

/// Few distinct moments and values, so that equal clocks and equal values are common.
fn observations() -> impl Strategy<Value = Vec<Observation>> {
    proptest::collection::vec((0..8_i64, fact()), 1..7).prop_map(|told| {
        told.into_iter()
            .map(|(at, fact)| Observation {
                asset_id: AssetId::parse(ASSET).unwrap(),
                at: Timestamp::from_micros(at),
                fact,
            })
            .collect()
    })
}

fn fact() -> impl Strategy<Value = ObservedState> {
    prop_oneof![
        1 => name().prop_map(|name| ObservedState::Gone(Some(name))),
        3 => sighting().prop_map(|sighting| ObservedState::Seen(Box::new(sighting))),
    ]
}

fn name() -> impl Strategy<Value = DeliveryName> {
    "[ab]".prop_map(|public_id| DeliveryName {
        resource_type: ResourceType::Image,
        delivery_type: "upload".to_owned(),
        public_id,
    })
}

fn sighting() -> impl Strategy<Value = AssetSighting> {
    (
        name(),
        proptest::option::of((1..4_i64, "[xy]", proptest::option::of("[pq]"))),
        proptest::option::of("[fg]"),
        proptest::option::of(proptest::collection::btree_set("[tu]", 0..2)),
        proptest::option::of("[mn]"),
    )
        .prop_map(|(name, content, folder, tags, alt)| AssetSighting {
            content: content.map(|(version, url, etag)| content_of(version, url, etag)),
            folder,
            tags,
            context: alt.map(|alt| BTreeMap::from([("alt".to_owned(), json!(alt))])),
            ..AssetSighting::named(name)
        })
}

/// Within a version the URL moves with a rename, and the etag with an upload in the same second.
fn content_of(version: i64, url: String, etag: Option<String>) -> AssetContent {
    AssetContent {
        version: Some(version),
        etag,
        file_size: Some(version * 100),
        format: Some("jpg".to_owned()),
        secure_url: Some(url),
        ..AssetContent::default()
    }
}

fn apply(observations: &[Observation]) -> AssetRow {
    let (first, rest) = observations.split_first().unwrap();
    let mut row = AssetRow::first(Uuid::nil(), first).unwrap();
    for observation in rest {
        row.observe(observation);
    }
    row
}

/// A person's idea of the row: for every group, the newest of all that was ever told.
struct Oracle {
    gone: bool,
    name: DeliveryName,
    version: Option<i64>,
    etag: Option<String>,
    secure_url: Option<String>,
    folder: Option<String>,
    tags: Option<BTreeSet<String>>,
    alt: Option<String>,
}

fn oracle(observations: &[Observation]) -> Oracle {
    let seen = || {
        observations.iter().filter_map(|o| match &o.fact {
            ObservedState::Seen(sighting) => Some((o.at, sighting.as_ref())),
            ObservedState::Gone(_) => None,
        })
    };
    let last_gone = observations
        .iter()
        .filter(|o| matches!(o.fact, ObservedState::Gone(_)))
        .map(|o| o.at)
        .max();
    let contents = || seen().filter_map(|(at, s)| s.content.as_ref().map(|c| (at, c)));
    let version = contents().filter_map(|(_, content)| content.version).max();
    let current = || contents().filter(|(_, content)| content.version == version);
    Oracle {
        gone: last_gone.is_some() && last_gone >= seen().map(|(at, _)| at).max(),
        name: observations
            .iter()
            .map(|o| match &o.fact {
                ObservedState::Seen(sighting) => (o.at, &sighting.name),
                ObservedState::Gone(name) => (o.at, name.as_ref().unwrap()),
            })
            .max()
            .map(|(_, name)| name.clone())
            .unwrap(),
        version,
        etag: current()
            .filter_map(|(at, content)| Some((at, content.etag.clone()?)))
            .max()
            .map(|(_, etag)| etag),
        secure_url: current()
            .map(|(at, content)| (at, content.secure_url.clone()))
            .max()
            .and_then(|(_, url)| url),
        folder: seen()
            .filter_map(|(at, s)| Some((at, s.folder.clone()?)))
            .max()
            .map(|(_, folder)| folder),
        tags: seen()
            .filter_map(|(at, s)| Some((at, s.tags.clone()?)))
            .max()
            .map(|(_, tags)| tags),
        alt: seen()
            .filter_map(|(at, s)| Some((at, s.context.as_ref()?["alt"].as_str()?.to_owned())))
            .max()
            .map(|(_, alt)| alt),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_arrival_does_not_matter(
        (told, shuffled) in observations().prop_flat_map(|told| (Just(told.clone()), Just(told).prop_shuffle())),
    ) {
        prop_assert_eq!(apply(&told), apply(&shuffled));
    }

    #[test]
    fn telling_it_again_changes_nothing(told in observations(), repeated in any::<prop::sample::Index>()) {
        let mut twice = told.clone();
        twice.push(repeated.get(&told).clone());
        prop_assert_eq!(apply(&told), apply(&twice));
    }

    #[test]
    fn the_row_is_what_the_oracle_says(told in observations()) {
        let row = apply(&told);
        let expected = oracle(&told);
        prop_assert_eq!(row.is_gone(), expected.gone);
        prop_assert_eq!(row.is_live(), !expected.gone);
        prop_assert_eq!(row.name(), expected.name);
        prop_assert_eq!(row.content.version, expected.version);
        prop_assert_eq!(row.content.file_size, expected.version.map(|version| version * 100));
        prop_assert_eq!(row.content.etag, expected.etag);
        prop_assert_eq!(row.content.secure_url, expected.secure_url);
        prop_assert_eq!(row.editable.folder, expected.folder.unwrap_or_default());
        prop_assert_eq!(row.editable.tags, expected.tags.unwrap_or_default());
        prop_assert_eq!(row.editable.context.get("alt").and_then(|v| v.as_str()), expected.alt.as_deref());
    }
}

/// A row with a decision that a worker is carrying out: nothing settles it meanwhile.
fn apply_decided(observations: &[Observation]) -> AssetRow {
    let (first, rest) = observations.split_first().unwrap();
    let mut row = AssetRow::first(Uuid::nil(), first).unwrap();
    let wish = ValueWish {
        to: Some(json!("ours")),
        base: None,
        at: 5,
        ours: Vec::new(),
    };
    row.intent = Some(Intent {
        tags: BTreeMap::from([("t".to_owned(), true), ("u".to_owned(), false)]),
        context: PairWishes(BTreeMap::from([("alt".to_owned(), wish)])),
        existence: Some(ExistenceWish::Restore),
        ..Intent::default()
    });
    row.intent_claim = Some(Uuid::nil());
    row.sync.status = SyncStatus::Pending;
    row.observe(first);
    for observation in rest {
        row.observe(observation);
    }
    row
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_standing_decision_lies_over_whatever_is_observed_in_whatever_order(
        (told, shuffled) in observations().prop_flat_map(|told| (Just(told.clone()), Just(told).prop_shuffle())),
    ) {
        let row = apply_decided(&told);
        let without = apply(&told);
        prop_assert_eq!(&row, &apply_decided(&shuffled));
        prop_assert!(row.intent.is_some() && row.is_live());
        prop_assert_eq!(row.observed_values(), without.observed_values(), "what was observed is not touched");
        prop_assert!(row.editable.tags.contains("t") && !row.editable.tags.contains("u"));
        prop_assert_eq!(&row.editable.context["alt"], &json!("ours"));
    }
}

/// Two notifications about one asset, of which the older one comes last. The newer one told the row
/// nothing new, and must not be forgotten for that.
#[test]
fn what_moves_nothing_but_clocks_outlasts_older_news() {
    let seen = |at, folder: &str| Observation {
        asset_id: AssetId::parse(ASSET).unwrap(),
        at: Timestamp::from_micros(at),
        fact: ObservedState::Seen(Box::new(AssetSighting {
            content: Some(content_of(1, "x".to_owned(), None)),
            folder: Some(folder.to_owned()),
            ..AssetSighting::named(DeliveryName {
                resource_type: ResourceType::Image,
                delivery_type: "upload".to_owned(),
                public_id: "a".to_owned(),
            })
        })),
    };
    let plan = |rows: &[AssetRow], observation, keep_clocks| {
        let context = PlanContext {
            source: ObservationSource::Webhook,
            run_id: None,
            keep_clocks,
            release: &[],
            uploads: &[],
        };
        plan_observations(rows, &[observation], context, Uuid::nil)
    };
    let first = plan(&[], seen(1, "f"), KeepClocks::Always).inserts;
    let second = plan(&first, seen(5, "f"), KeepClocks::Always);
    assert_eq!(second.updates.len(), 1, "a notification keeps its clocks");
    let third = plan(&second.updates, seen(3, "g"), KeepClocks::Always);
    assert!(third.is_empty(), "older news change nothing: {third:?}");
    // A listing would rewrite the whole table otherwise.
    assert!(plan(&first, seen(5, "f"), KeepClocks::Never).is_empty());
}

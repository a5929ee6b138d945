//! The costs of a page of 500 assets besides I/O: reading it, merging it into rows, comparing it
//! with them.
//!
//! `make bench`; the first figure, the same text read into plain JSON values, is the measure of the
//! others.

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use media_sync::cloudinary::admin::ListingPage;
use media_sync::intent::{Intent, PairWishes, ValueWish};
use media_sync::observation::{AbsenceMeaning, Observation};
use media_sync::row::{AssetRow, SyncStatus};
use media_sync::sync::settle::{ListingPolicy, PlanEvidence, SettleStep, Settlement};
use media_sync::time::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

const ASSETS: usize = 500;
const EARLIER: Timestamp = Timestamp::from_secs(1_800_000_000);
const NOW: Timestamp = Timestamp::from_secs(1_800_000_900);
const JUST_NOW: Timestamp = Timestamp::from_secs(1_800_000_899);

fn listing(tag: &str) -> String {
    let resources: Vec<_> = (0..ASSETS).map(|number| resource(number, tag)).collect();
    json!({ "resources": resources, "next_cursor": "8c452e112d4c88ac7c9ffb3a2a41c41bef24" })
        .to_string()
}

fn resource(number: usize, tag: &str) -> Value {
    let url = |scheme| {
        format!("{scheme}://res.cloudinary.com/demo/image/upload/v1719310887/shop/mug-{number}.jpg")
    };
    json!({
        "asset_id": format!("{number:032x}"), "public_id": format!("shop/mug-{number}"), "format": "jpg",
        "version": 1_719_310_887, "resource_type": "image", "type": "upload", "bytes": 120_253,
        "created_at": "2024-06-25T10:21:27Z", "width": 864, "height": 576, "asset_folder": "shop",
        "display_name": format!("Mug {number}"), "access_mode": "public", "url": url("http"), "secure_url": url("https"),
        "tags": ["product", tag], "context": { "custom": { "alt": "A mug", "caption": "Enamel" } },
        "metadata": { "sku": format!("M-{number}"), "stock": number },
    })
}

fn observe(text: &str, at: Timestamp) -> Vec<Observation> {
    let listing: ListingPage = serde_json::from_str(text).expect("it is a listing");
    let resources = listing.resources.iter();
    let observations = resources
        .filter_map(|resource| Observation::of_resource(resource, at, AbsenceMeaning::Everything));
    observations.collect()
}

/// The first step of a page's settlement once its rows are read, with the settlement: freeing it is
/// not a part of planning.
fn plan(rows: Vec<AssetRow>, evidence: PlanEvidence) -> (SettleStep, Settlement<ListingPolicy>) {
    let mut settlement = Settlement::new(ListingPolicy::page(None), evidence);
    let mut next = 0;
    let mut rows = Some(rows);
    loop {
        let step = settlement.next(|| {
            next += 1;
            Uuid::from_u128(next)
        });
        match step.expect("it has only begun") {
            SettleStep::Read(_) => settlement.take_rows(rows.take().unwrap_or_default()),
            step => return (step, settlement),
        }
    }
}

fn rows_of(observations: Vec<Observation>) -> Vec<AssetRow> {
    match plan(Vec::new(), PlanEvidence::new(observations, 1)).0 {
        SettleStep::Write(plan) => plan.inserts,
        other => unreachable!("nothing is known that could be in doubt: {other:?}"),
    }
}

/// Each of these assets was given a caption here, and Cloudinary has not heard of it.
fn with_an_edit(row: &AssetRow) -> AssetRow {
    let mut row = row.clone();
    let wish = ValueWish {
        to: Some(json!("Blue")),
        base: Some(json!("Enamel")),
        at: NOW.micros(),
        ours: Vec::new(),
    };
    row.observed = Some(row.observed_values().clone());
    row.editable
        .context
        .insert("caption".to_owned(), json!("Blue"));
    row.intent = Some(Intent {
        context: PairWishes(BTreeMap::from([("caption".to_owned(), wish)])),
        ..Intent::default()
    });
    row.sync.status = SyncStatus::Pending;
    row
}

fn page(criterion: &mut Criterion) {
    let (text, retagged) = (listing("blue"), listing("red"));
    let rows = rows_of(observe(&text, EARLIER));
    let fresh = rows_of(observe(&text, JUST_NOW));
    let edited: Vec<_> = rows.iter().map(with_an_edit).collect();
    let (same, other) = (observe(&text, NOW), observe(&retagged, NOW));

    let mut group = criterion.benchmark_group("page of 500");
    group.throughput(Throughput::Elements(ASSETS as u64));
    group.bench_function("read as plain JSON", |bench| {
        bench.iter(|| serde_json::from_str::<Value>(black_box(&text)).expect("it is JSON"));
    });
    group.bench_function("read as observations", |bench| {
        bench.iter(|| observe(black_box(&text), NOW));
    });
    group.bench_function("merge into rows", |bench| {
        let merge = |mut rows: Vec<AssetRow>| {
            for (row, observation) in rows.iter_mut().zip(&other) {
                row.observe(black_box(observation));
            }
            rows
        };
        bench.iter_batched(|| rows.clone(), merge, BatchSize::LargeInput);
    });
    for (name, rows, observations) in [
        ("plan: all are new", &[][..], &same),
        ("plan: none has changed", &rows, &same),
        ("plan: all have changed", &rows, &other),
        ("plan: all changed on both sides", &edited, &other),
        (
            "plan: none has changed, all were seen just now",
            &fresh,
            &same,
        ),
        (
            "plan: all have changed, all were seen just now",
            &fresh,
            &other,
        ),
    ] {
        group.bench_function(name, |bench| {
            let read = || {
                let evidence = PlanEvidence::new(observations.clone(), 1);
                (rows.to_vec(), evidence)
            };
            let plan = |(rows, evidence)| plan(black_box(rows), evidence);
            bench.iter_batched(read, plan, BatchSize::LargeInput);
        });
    }
    group.finish();
}

criterion_group!(benches, page);
criterion_main!(benches);

use serde_json::json;

use super::*;
use crate::cloudinary::Resource;
use crate::observation::Told;
use crate::sync::plan::Source;

const CONTEXT: PlanContext<'_> = PlanContext {
    source: Source::Reconcile,
    run_id: None,
    keep_clocks: KeepClocks::Never,
    release: &[],
};

fn seen(millis: i64, tags: &[&str]) -> Observation {
    let resource: Resource = serde_json::from_value(json!({
        "asset_id": "a".repeat(32), "public_id": "mug", "resource_type": "image",
        "type": "upload", "version": 7, "tags": tags,
    }))
    .unwrap();
    Observation::of_resource(&resource, at(millis), Told::Everything).unwrap()
}

fn gone(millis: i64) -> Observation {
    Observation {
        fact: Fact::Gone(None),
        ..seen(millis, &[])
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_micros(millis * 1_000)
}

fn row(first: &Observation) -> AssetRow {
    AssetRow::first(Uuid::nil(), first).unwrap()
}

fn plan(seen: &mut Seen, rows: &[AssetRow]) -> Next {
    seen.plan(rows, CONTEXT, Uuid::new_v4)
}

/// When a look is asked for, what it has to be later than.
fn looked_for(next: Next) -> Option<Timestamp> {
    match next {
        Next::Look { wanted, after } => {
            assert_eq!(wanted.len(), 1);
            after
        }
        other => panic!("a look was to be asked for: {other:?}"),
    }
}

fn written(next: Next) -> Vec<AssetRow> {
    match next {
        Next::Write(plan) => plan.updates,
        other => panic!("a plan was to be made: {other:?}"),
    }
}

#[test]
fn a_page_from_before_an_edit_does_not_undo_it() {
    // The worker looked after the edit, but its look is stamped earlier than the page.
    let rows = [row(&seen(50_000, &["new"]))];
    let mut page = Seen::new(vec![seen(50_700, &["old"])], 1);
    assert_eq!(looked_for(plan(&mut page, &rows)), Some(at(50_700)));
    page.take_looks(vec![seen(50_701, &["new"])], &rows);
    let written = written(plan(&mut page, &rows));
    assert_eq!(written[0].tags, ["new"]);
    let clocks = written[0].clocks;
    assert_eq!(clocks.newest(), Some(at(50_701)), "what is certain is kept");
    assert_eq!(page.calls(), 2);
}

#[test]
fn a_page_from_before_a_delete_does_not_undo_it() {
    let mut tombstone = row(&seen(10_000, &[]));
    tombstone.observe(&gone(50_000));
    let rows = [tombstone];
    let mut page = Seen::new(vec![seen(50_700, &[])], 1);
    looked_for(plan(&mut page, &rows));
    page.take_looks(vec![gone(50_701)], &rows);
    assert!(!written(plan(&mut page, &rows))[0].is_live());
    // The listing is what a run's end is compared with.
    assert_eq!(page.alive().len(), 1);
}

#[test]
fn a_change_is_found_however_soon_after_another() {
    // What follows a notification is stamped exactly, a page up to a second too early.
    let rows = [row(&seen(50_900, &["old"]))];
    let mut page = Seen::new(vec![seen(50_000, &["old", "new"])], 1);
    assert_eq!(looked_for(plan(&mut page, &rows)), Some(at(50_900)));
    page.take_looks(vec![seen(50_901, &["old", "new"])], &rows);
    assert_eq!(written(plan(&mut page, &rows))[0].tags, ["old", "new"]);
}

#[test]
fn nobody_looks_where_nothing_differs_or_the_order_is_certain() {
    let near = [row(&seen(50_000, &["same"]))];
    let mut page = Seen::new(vec![seen(50_700, &["same"])], 1);
    assert!(written(plan(&mut page, &near)).is_empty());
    let long_ago = [row(&seen(20_000, &["old"]))];
    let mut page = Seen::new(vec![seen(50_700, &["new"])], 1);
    assert_eq!(written(plan(&mut page, &long_ago))[0].tags, ["new"]);
}

#[test]
fn a_look_counts_until_the_row_has_learnt_more_but_not_without_end() {
    let mut rows = [row(&seen(50_000, &["old"]))];
    let suspect = (rows[0].cloudinary_asset_id.clone(), rows[0].clocks);
    let mut suspects = Seen::new(vec![gone(50_001)], 1).knowing([suspect]);
    assert!(!written(plan(&mut suspects, &rows))[0].is_live());

    // The look of whoever taught it may have been the later one, whatever the stamps say.
    for moment in 0..ROUNDS {
        rows[0].clocks.tags = i64::try_from(moment).ok();
        looked_for(plan(&mut suspects, &rows));
        suspects.take_looks(vec![gone(50_001)], &rows);
        assert!(!written(plan(&mut suspects, &rows))[0].is_live());
    }
    rows[0].clocks.tags = None;
    assert!(!written(plan(&mut suspects, &rows))[0].is_live());
}

#[test]
fn a_page_that_a_look_has_overtaken_is_in_doubt_no_more() {
    let mut rows = [row(&seen(50_000, &["old"]))];
    let mut page = Seen::new(vec![seen(50_700, &["older"])], 1);
    looked_for(plan(&mut page, &rows));
    page.take_looks(vec![seen(50_701, &["new"])], &rows);
    // The notification arrives that tells the same.
    rows[0].observe(&seen(50_600, &["new"]));
    assert_eq!(written(plan(&mut page, &rows))[0].tags, ["new"]);
}

#[test]
fn what_completes_a_row_is_not_in_doubt() {
    let mut told = seen(50_000, &["same"]);
    if let Fact::Seen(sighting) = &mut told.fact {
        sighting.folder = None;
        sighting.context = None;
    }
    let rows = [row(&told)];
    let mut page = Seen::new(vec![seen(50_700, &["same"])], 1);
    assert!(matches!(plan(&mut page, &rows), Next::Write(_)));
}

#[test]
fn who_seems_to_have_lost_a_name_is_looked_at_after_all_that_is_known() {
    let other = Observation {
        asset_id: AssetId::parse(&"b".repeat(32)).unwrap(),
        ..seen(50_900, &[])
    };
    let rows = [row(&other)];
    let mut page = Seen::new(vec![seen(50_300, &[])], 1);
    // The row's claim is younger, so it is the page's own asset that is looked at.
    assert_eq!(looked_for(plan(&mut page, &rows)), Some(at(50_900)));
    page.take_looks(vec![seen(50_901, &[])], &rows);
    looked_for(plan(&mut page, &rows));
    page.take_looks(
        vec![Observation {
            asset_id: other.asset_id,
            ..gone(50_902)
        }],
        &rows,
    );
    let Next::Write(plan) = plan(&mut page, &rows) else {
        panic!("every name has one holder");
    };
    assert_eq!((plan.inserts.len(), plan.updates.len()), (1, 1));
}

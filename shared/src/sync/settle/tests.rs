use std::collections::BTreeSet;

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::asset::AssetId;
use crate::cloudinary::{CloudinaryError, CloudinaryResource};
use crate::observation::{AbsenceMeaning, Observation, ObservedState};
use crate::row::AssetRow;
use crate::supabase::{RefusalCause, SupabaseError};
use crate::sync::store::ATTEMPTS;
use crate::time::Timestamp;

type Page = Settlement<ListingPolicy>;

/// As often as a page is looked at again.
const ROUNDS: i64 = 3;

fn page_of(read: Vec<Observation>) -> Page {
    Settlement::new(ListingPolicy::page(None), PlanEvidence::new(read, 1))
}

fn seen(millis: i64, tags: &[&str]) -> Observation {
    let resource: CloudinaryResource = serde_json::from_value(json!({
        "asset_id": "a".repeat(32), "public_id": "mug", "resource_type": "image",
        "type": "upload", "version": 7, "tags": tags,
    }))
    .unwrap();
    Observation::of_resource(&resource, at(millis), AbsenceMeaning::Everything).unwrap()
}

fn gone(millis: i64) -> Observation {
    Observation {
        fact: ObservedState::Gone(None),
        ..seen(millis, &[])
    }
}

fn tags(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_micros(millis * 1_000)
}

fn row(first: &Observation) -> AssetRow {
    AssetRow::first(Uuid::nil(), first).unwrap()
}

/// The next step but readings, which find these rows.
fn plan(page: &mut Page, rows: &[AssetRow]) -> SettleStep {
    loop {
        match page.next(Uuid::new_v4).unwrap() {
            SettleStep::Read(_) => page.take_rows(rows.to_vec()),
            step => return step,
        }
    }
}

/// Somebody has changed the rows before they were written.
fn change_meanwhile(page: &mut Page) {
    page.take_written(WriteOutcome::Changed).unwrap();
}

/// The moment after which a look has to be stamped, when one is asked for.
fn looked_for(step: SettleStep) -> Option<Timestamp> {
    match step {
        SettleStep::Look(inquiry) => {
            assert_eq!(inquiry.wanted.len(), 1);
            inquiry.after
        }
        other => panic!("a look was to be asked for: {other:?}"),
    }
}

fn written(step: SettleStep) -> Vec<AssetRow> {
    match step {
        SettleStep::Write(plan) => plan.updates,
        other => panic!("a plan was to be made: {other:?}"),
    }
}

#[test]
fn a_page_from_before_an_edit_does_not_undo_it() {
    // The worker looked after the edit, but its look is stamped earlier than the page.
    let rows = [row(&seen(50_000, &["new"]))];
    let mut page = page_of(vec![seen(50_700, &["old"])]);
    assert_eq!(looked_for(plan(&mut page, &rows)), Some(at(50_700)));
    page.take_looks(vec![seen(50_701, &["new"])]);
    let written = written(plan(&mut page, &rows));
    assert_eq!(written[0].editable.tags, tags(&["new"]));
    let clocks = written[0].clocks;
    assert_eq!(clocks.newest(), Some(at(50_701)), "what is certain is kept");
    assert_eq!(page.evidence().calls(), 2);
}

#[test]
fn a_page_from_before_a_delete_does_not_undo_it() {
    let mut tombstone = row(&seen(10_000, &[]));
    tombstone.observe(&gone(50_000));
    let rows = [tombstone];
    let mut page = page_of(vec![seen(50_700, &[])]);
    looked_for(plan(&mut page, &rows));
    page.take_looks(vec![gone(50_701)]);
    assert!(!written(plan(&mut page, &rows))[0].is_live());
    // The listing is what a run's end is compared with.
    assert_eq!(page.evidence().alive().len(), 1);
}

#[test]
fn a_change_is_found_however_soon_after_another() {
    // What follows a notification is stamped exactly, a page up to a second too early.
    let rows = [row(&seen(50_900, &["old"]))];
    let mut page = page_of(vec![seen(50_000, &["old", "new"])]);
    assert_eq!(looked_for(plan(&mut page, &rows)), Some(at(50_900)));
    page.take_looks(vec![seen(50_901, &["old", "new"])]);
    assert_eq!(
        written(plan(&mut page, &rows))[0].editable.tags,
        tags(&["old", "new"])
    );
}

#[test]
fn nobody_looks_where_nothing_differs_or_the_order_is_certain() {
    let near = [row(&seen(50_000, &["same"]))];
    let mut page = page_of(vec![seen(50_700, &["same"])]);
    assert!(written(plan(&mut page, &near)).is_empty());
    let long_ago = [row(&seen(20_000, &["old"]))];
    let mut page = page_of(vec![seen(50_700, &["new"])]);
    assert_eq!(
        written(plan(&mut page, &long_ago))[0].editable.tags,
        tags(&["new"])
    );
}

#[test]
fn a_look_counts_until_the_row_has_learnt_more_but_not_without_end() {
    let mut rows = [row(&seen(50_000, &["old"]))];
    let suspect = (rows[0].cloudinary_asset_id.clone(), rows[0].clocks);
    let evidence = PlanEvidence::new(vec![gone(50_001)], 1).knowing([suspect]);
    let mut suspects = Settlement::new(ListingPolicy::page(None), evidence);
    assert!(!written(plan(&mut suspects, &rows))[0].is_live());

    // The look of whoever taught it may have been the later one, whatever the stamps say.
    for moment in 0..ROUNDS {
        rows[0].clocks.tags = Some(moment);
        change_meanwhile(&mut suspects);
        looked_for(plan(&mut suspects, &rows));
        suspects.take_looks(vec![gone(50_001)]);
        assert!(!written(plan(&mut suspects, &rows))[0].is_live());
    }
    rows[0].clocks.tags = None;
    change_meanwhile(&mut suspects);
    assert!(!written(plan(&mut suspects, &rows))[0].is_live());
}

#[test]
fn a_page_that_a_look_has_overtaken_is_in_doubt_no_more() {
    let mut rows = [row(&seen(50_000, &["old"]))];
    let mut page = page_of(vec![seen(50_700, &["older"])]);
    looked_for(plan(&mut page, &rows));
    page.take_looks(vec![seen(50_701, &["new"])]);
    written(plan(&mut page, &rows));
    // The notification arrives that tells the same.
    rows[0].observe(&seen(50_600, &["new"]));
    change_meanwhile(&mut page);
    assert_eq!(
        written(plan(&mut page, &rows))[0].editable.tags,
        tags(&["new"])
    );
}

#[test]
fn what_completes_a_row_is_not_in_doubt() {
    let mut told = seen(50_000, &["same"]);
    if let ObservedState::Seen(sighting) = &mut told.fact {
        sighting.folder = None;
        sighting.context = None;
    }
    let rows = [row(&told)];
    let mut page = page_of(vec![seen(50_700, &["same"])]);
    assert!(matches!(plan(&mut page, &rows), SettleStep::Write(_)));
}

#[test]
fn who_seems_to_have_lost_a_name_is_looked_at_after_all_that_is_known() {
    let other = Observation {
        asset_id: AssetId::parse(&"b".repeat(32)).unwrap(),
        ..seen(50_900, &[])
    };
    let rows = [row(&other)];
    let mut page = page_of(vec![seen(50_300, &[])]);
    // The row's claim is younger, so it is the page's own asset that is looked at.
    assert_eq!(looked_for(plan(&mut page, &rows)), Some(at(50_900)));
    page.take_looks(vec![seen(50_901, &[])]);
    looked_for(plan(&mut page, &rows));
    page.take_looks(vec![Observation {
        asset_id: other.asset_id,
        ..gone(50_902)
    }]);
    let SettleStep::Write(plan) = plan(&mut page, &rows) else {
        panic!("every name has one holder");
    };
    assert_eq!((plan.inserts.len(), plan.updates.len()), (1, 1));
}

/// An asset of its own with values that some databases refuse.
fn asset(number: u8) -> Observation {
    let name = format!("mug-{number}");
    let resource: CloudinaryResource = serde_json::from_value(json!({
        "asset_id": format!("{number:032x}"), "public_id": name, "resource_type": "image",
        "type": "upload", "version": 7,
    }))
    .unwrap();
    Observation::of_resource(&resource, at(50_000), AbsenceMeaning::Everything).unwrap()
}

fn refusal() -> SupabaseError {
    SupabaseError::Refused {
        doing: "write".to_owned(),
        status: 400,
        cause: RefusalCause::Values,
        code: "22P05".to_owned(),
        message: "no".to_owned(),
        details: None,
        retry_after: None,
    }
}

/// Writes into a database that refuses these assets; answers which the whole wrote in the end.
fn settle_where_refused(page: &mut Page, refused: &[AssetId]) -> Result<Vec<AssetId>, SettleError> {
    let mut rows: Vec<AssetRow> = Vec::new();
    loop {
        let (plan, is_whole) = match page.next(Uuid::new_v4)? {
            SettleStep::Read(_) => {
                page.take_rows(rows.clone());
                continue;
            }
            SettleStep::Write(plan) => (plan, true),
            SettleStep::WritePart(plan) => (plan, false),
            other => panic!("only reading and writing is to be done: {other:?}"),
        };
        let ids = plan
            .inserts
            .iter()
            .map(|row| row.cloudinary_asset_id.clone());
        let ids: Vec<AssetId> = ids.collect();
        if ids.iter().any(|id| refused.contains(id)) {
            page.take_written(WriteOutcome::ValuesRefused(refusal()))?;
            continue;
        }
        rows.extend(plan.inserts.iter().cloned());
        if !is_whole {
            page.count_part(plan.tally);
        }
        page.take_written(WriteOutcome::Applied)?;
        if is_whole {
            return Ok(rows
                .iter()
                .map(|row| row.cloudinary_asset_id.clone())
                .collect());
        }
    }
}

#[test]
fn assets_that_no_row_can_hold_are_left_out_and_the_others_are_written() {
    let refused = [asset(2).asset_id, asset(7).asset_id];
    let mut page = page_of((0..9).map(asset).collect());
    let mut written = settle_where_refused(&mut page, &refused).unwrap();
    written.sort();
    let others = [0, 1, 3, 4, 5, 6, 8].map(|number| asset(number).asset_id);
    assert_eq!(written, others);
    let reasons = page.refused();
    assert_eq!(reasons.keys().cloned().collect::<Vec<_>>(), refused);
    assert!(reasons[&refused[0]].contains("no"), "{reasons:?}");
    // Those that were written in search of the refused ones are told to the caller.
    assert!(page.written_in_parts().created > 0);
}

#[test]
fn an_asset_with_an_unreadable_text_is_refused_and_counts_as_there() {
    let mut garbled = asset(2);
    if let ObservedState::Seen(sighting) = &mut garbled.fact {
        sighting.is_garbled = true;
    }
    let mut page = page_of(vec![asset(1), garbled.clone(), asset(3)]);
    let written = settle_where_refused(&mut page, &[]).unwrap();
    assert_eq!(written, [asset(1).asset_id, asset(3).asset_id]);
    assert!(page.refused()[&garbled.asset_id].contains("half of an emoji"));
    assert!(page.evidence().alive().contains(&garbled.asset_id));
}

#[test]
fn a_refusal_that_belongs_to_no_asset_is_the_callers() {
    let mut nothing = page_of(Vec::new());
    assert!(matches!(plan(&mut nothing, &[]), SettleStep::Write(_)));
    let refused = nothing.take_written(WriteOutcome::ValuesRefused(refusal()));
    assert!(matches!(refused, Err(SettleError::Store(_))), "{refused:?}");
}

#[test]
fn a_row_that_others_keep_changing_is_left_out_in_the_end() {
    let mut restless = row(&asset(1));
    let mut page = page_of(vec![
        Observation {
            at: at(90_000),
            fact: ObservedState::Gone(None),
            ..asset(1)
        },
        asset(2),
    ]);
    for _ in 0..3 {
        let updates = written(plan(&mut page, std::slice::from_ref(&restless)));
        assert_eq!(updates.len(), 1);
        restless.revision += 1;
        change_meanwhile(&mut page);
    }
    let SettleStep::Write(plan) = plan(&mut page, std::slice::from_ref(&restless)) else {
        panic!("the rest is written");
    };
    assert_eq!((plan.inserts.len(), plan.updates.len()), (1, 0));
    assert!(page.is_unstable(&restless));
    let unstable: Vec<_> = page.unstable_assets().cloned().collect();
    assert_eq!(unstable, [asset(1).asset_id]);
}

#[test]
fn rows_that_never_rest_end_the_settlement_and_not_the_patience_of_its_caller() {
    let mut page = page_of(vec![asset(1)]);
    for attempt in 1..=ATTEMPTS {
        assert!(matches!(plan(&mut page, &[]), SettleStep::Write(_)));
        let changed = page.take_written(WriteOutcome::Changed);
        assert_eq!(changed.is_err(), attempt == ATTEMPTS);
    }
}

#[test]
fn a_look_that_fails_ends_what_cannot_be_written_without_it() {
    let rows = [row(&seen(50_000, &["new"]))];
    let mut page = page_of(vec![seen(50_700, &["old"])]);
    let SettleStep::Look(inquiry) = plan(&mut page, &rows) else {
        panic!("a look was to be asked for");
    };
    let error = CloudinaryError::OutOfTime {
        doing: "look".to_owned(),
    };
    let assets = [rows[0].cloudinary_asset_id.clone()];
    let failed = page.take_failed_look(&inquiry, &assets, error);
    assert!(matches!(failed, Err(SettleError::Look(_))), "{failed:?}");
}

use serde_json::json;

use super::*;
use crate::cloudinary::CloudinaryResource;
use crate::observation::{AbsenceMeaning, Observation, ObservedState};
use crate::row::SyncStatus;
use crate::sync::plan::{KeepClocks, ObservationSource, PlanContext, WritePlan, plan_observations};
use crate::upload::proof::PROOF_KEY;

const ROW: Uuid = Uuid::from_u128(1);
const UPLOAD_ID: Uuid = Uuid::from_u128(2);
const UPLOADER: Uuid = Uuid::from_u128(3);
const OWNER: Uuid = Uuid::from_u128(4);

/// The mug as it is seen at this second, with a version and an etag.
fn seen(at: i64, version: i64, etag: &str) -> Observation {
    seen_as("image", "shop/mug", at, version, etag)
}

fn seen_as(kind: &str, public_id: &str, at: i64, version: i64, etag: &str) -> Observation {
    let asset = if kind == "image" { "a" } else { "b" };
    let mut resource = json!({
        "asset_id": asset.repeat(32), "public_id": public_id, "resource_type": kind, "type": "upload",
        "version": version,
    });
    if !etag.is_empty() {
        resource["etag"] = json!(etag);
    }
    let resource: CloudinaryResource = serde_json::from_value(resource).unwrap();
    let at = Timestamp::from_secs(at);
    Observation::of_resource(&resource, at, AbsenceMeaning::Everything).unwrap()
}

fn known(observations: &[Observation]) -> AssetRow {
    let (first, rest) = observations.split_first().unwrap();
    let mut row = AssetRow::first(ROW, first).unwrap();
    rest.iter().for_each(|seen| row.observe(seen));
    row.uploaded_by = Some(OWNER);
    row
}

fn deleted(version: i64, etag: &str) -> AssetRow {
    let gone = Observation {
        fact: ObservedState::Gone(None),
        ..seen(20, version, etag)
    };
    known(&[seen(10, version, etag), gone])
}

fn signed() -> OpenUpload {
    OpenUpload {
        id: UPLOAD_ID,
        kind: UploadKind::Signed,
        uploader: UPLOADER,
        public_id: "shop/mug".to_owned(),
        proof: UploadProof::Name,
        overwrite: false,
        since_version: 100,
        until_version: 200,
        begun_at: Timestamp::from_secs(100),
        waiting: None,
    }
}

/// Signed under a name that the caller gave.
fn signed_with_proof() -> OpenUpload {
    OpenUpload {
        proof: UploadProof::Context,
        ..signed()
    }
}

/// The mug with a context that names this upload.
fn seen_with_proof(at: i64, version: i64, upload: Uuid) -> Observation {
    let mut seen = seen(at, version, "y");
    let ObservedState::Seen(sighting) = &mut seen.fact else {
        unreachable!("it was seen");
    };
    let pairs = [("alt", json!("A mug")), (PROOF_KEY, json!(upload))];
    let pairs = pairs.map(|(key, value)| (key.to_owned(), value));
    sighting.context = Some(pairs.into());
    seen
}

fn waiting() -> OpenUpload {
    OpenUpload {
        kind: UploadKind::File,
        waiting: Some(WaitingAsset {
            resource_type: ResourceType::Image,
            revision: 7,
        }),
        ..signed()
    }
}

fn plan(rows: &[AssetRow], seen: &[Observation], uploads: &[OpenUpload]) -> WritePlan {
    let context = PlanContext {
        source: ObservationSource::Webhook,
        run_id: None,
        keep_clocks: KeepClocks::Always,
        release: &[],
        uploads,
    };
    plan_observations(rows, seen, context, || ROW)
}

fn stored_in(row: Uuid) -> Vec<UploadEnding> {
    vec![UploadEnding::Stored {
        id: UPLOAD_ID,
        asset_row_id: row,
    }]
}

fn refused() -> Vec<UploadEnding> {
    vec![UploadEnding::Refused {
        id: UPLOAD_ID,
        name_holder: ROW,
    }]
}

#[test]
fn a_new_asset_gets_the_row_that_waits_for_it() {
    let plan = plan(&[], &[seen(150, 150, "x")], &[waiting()]);
    let row = &plan.updates[0];
    assert!(plan.inserts.is_empty(), "{plan:?}");
    assert_eq!(
        (row.id, row.revision, row.uploaded_by),
        (UPLOAD_ID, 7, Some(UPLOADER))
    );
    let entry = &plan.audit[0];
    assert_eq!(
        (entry.operation, entry.asset_row_id, entry.actor),
        ("created", UPLOAD_ID, Some(UPLOADER))
    );
    assert_eq!(plan.tally.created, 1);
    assert_eq!(plan.uploads, stored_in(UPLOAD_ID));
    assert_eq!(plan.known_uploads, [UPLOAD_ID]);
}

#[test]
fn a_new_asset_of_a_signed_name_gets_its_owner() {
    let plan = plan(&[], &[seen(150, 150, "x")], &[signed()]);
    assert_eq!(plan.inserts[0].uploaded_by, Some(UPLOADER));
    assert_eq!(plan.audit[0].actor, Some(UPLOADER));
    assert_eq!(plan.uploads, stored_in(ROW));
}

#[test]
fn an_asset_of_another_time_or_name_is_no_uploads() {
    for asset in [
        seen(150, 99, "x"),
        seen(300, 201, "x"),
        seen_as("image", "shop/jug", 150, 150, "x"),
    ] {
        let plan = plan(&[], &[asset], &[signed()]);
        assert_eq!(plan.inserts[0].uploaded_by, None);
        assert_eq!(plan.uploads, []);
    }
}

#[test]
fn a_row_whose_name_another_asset_has_waits_no_longer() {
    let older = plan(&[], &[seen(150, 99, "x")], &[waiting()]);
    assert_eq!(older.inserts[0].id, ROW);
    assert_eq!(older.uploads, refused());

    let jug = known(&[seen_as("image", "shop/jug", 90, 90, "x")]);
    let renamed = plan(&[jug], &[seen(150, 90, "x")], &[waiting()]);
    assert_eq!(renamed.updates[0].uploaded_by, Some(OWNER));
    assert_eq!(renamed.uploads, refused());
}

/// Images and videos of one name are two assets.
#[test]
fn a_row_waits_for_an_asset_of_its_own_type() {
    let video = seen_as("video", "shop/mug", 150, 150, "x");
    let plan = plan(&[], &[video], &[waiting()]);
    assert_eq!(plan.inserts[0].uploaded_by, None);
    assert_eq!(plan.uploads, []);
}

#[test]
fn one_upload_is_one_asset() {
    let image = seen(150, 150, "x");
    let video = seen_as("video", "shop/mug", 150, 150, "y");
    let plan = plan(&[], &[image, video], &[signed()]);
    let owners: Vec<_> = plan.inserts.iter().map(|row| row.uploaded_by).collect();
    assert_eq!(owners, [Some(UPLOADER), None]);
    assert_eq!(plan.uploads.len(), 1);
}

#[test]
fn of_two_uploads_the_one_whose_row_waits_comes_first_and_then_the_younger() {
    let younger = OpenUpload {
        id: Uuid::from_u128(9),
        begun_at: Timestamp::from_secs(120),
        ..signed()
    };
    let first = |uploads: &[OpenUpload]| plan(&[], &[seen(150, 150, "x")], uploads).uploads[0];
    assert_eq!(first(&[younger.clone(), waiting()]).id(), UPLOAD_ID);
    assert_eq!(first(&[younger.clone(), signed()]).id(), younger.id);
}

#[test]
fn an_old_asset_that_comes_back_by_an_upload_keeps_its_row_and_changes_its_owner() {
    for upload in [signed(), waiting()] {
        let back = plan(&[deleted(90, "x")], &[seen(150, 150, "y")], &[upload]);
        let row = &back.updates[0];
        assert_eq!((row.id, row.uploaded_by), (ROW, Some(UPLOADER)));
        assert_eq!(back.uploads, stored_in(ROW));
    }
}

#[test]
fn old_content_that_comes_back_under_a_signed_name_keeps_its_owner() {
    let plan = plan(&[deleted(90, "x")], &[seen(150, 150, "x")], &[signed()]);
    assert_eq!(plan.updates[0].uploaded_by, Some(OWNER));
    assert_eq!(plan.uploads, []);
}

/// Versions are seconds: two contents of one second have the same one.
#[test]
fn a_signed_upload_ends_when_it_has_replaced_the_content() {
    let replacing = OpenUpload {
        proof: UploadProof::None,
        overwrite: true,
        ..signed()
    };
    for (name, after, ends) in [
        ("a later second", seen(160, 151, "y"), true),
        ("the same second, other content", seen(160, 150, "y"), true),
        ("the same second, same content", seen(160, 150, "x"), false),
        (
            "the same second, content unknown",
            seen(160, 150, ""),
            false,
        ),
    ] {
        let row = known(&[seen(150, 150, "x")]);
        let plan = plan(&[row], &[after], std::slice::from_ref(&replacing));
        let expected = if ends { stored_in(ROW) } else { Vec::new() };
        assert_eq!(plan.uploads, expected, "{name}");
        let owners = plan.updates.iter().map(|row| row.uploaded_by);
        assert!(
            owners.into_iter().all(|owner| owner == Some(OWNER)),
            "{name}"
        );
    }
}

#[test]
fn a_row_that_is_left_out_ends_no_upload() {
    let jug = known(&[seen_as("image", "shop/jug", 90, 90, "x")]);
    let plan = plan(&[jug], &[seen(150, 90, "x")], &[waiting()]);
    let plan = plan.without(&[ROW].into());
    assert!(plan.is_empty(), "{plan:?}");
}

/// A name that was given can be guessed, so it proves nothing.
#[test]
fn an_asset_without_the_proof_is_not_a_signed_uploads() {
    let foreign = Uuid::from_u128(9);
    for asset in [seen(150, 150, "y"), seen_with_proof(150, 150, foreign)] {
        let plan = plan(&[], &[asset], &[signed_with_proof()]);
        assert_eq!(plan.inserts[0].uploaded_by, None);
        assert_eq!(plan.uploads, []);
    }
    let back = plan(
        &[deleted(90, "x")],
        &[seen(150, 150, "y")],
        &[signed_with_proof()],
    );
    assert_eq!(back.updates[0].uploaded_by, Some(OWNER));
}

#[test]
fn an_asset_with_the_proof_has_its_owner_whether_it_is_new_or_back() {
    let proven = seen_with_proof(150, 150, UPLOAD_ID);
    let new = plan(&[], std::slice::from_ref(&proven), &[signed_with_proof()]);
    assert_eq!(new.inserts[0].uploaded_by, Some(UPLOADER));
    assert_eq!(new.uploads, stored_in(ROW));
    let back = plan(&[deleted(90, "x")], &[proven], &[signed_with_proof()]);
    assert_eq!(back.updates[0].uploaded_by, Some(UPLOADER));
}

/// Its first news may not tell the context.
#[test]
fn a_proof_that_comes_later_brings_the_owner_unless_there_is_one() {
    let proven = [seen_with_proof(160, 150, UPLOAD_ID)];
    let mut row = known(&[seen(150, 150, "y")]);
    let owned = plan(&[row.clone()], &proven, &[signed_with_proof()]);
    assert_eq!(owned.updates[0].uploaded_by, Some(OWNER));
    row.uploaded_by = None;
    let found = plan(&[row], &proven, &[signed_with_proof()]);
    assert_eq!(found.updates[0].uploaded_by, Some(UPLOADER));
    assert_eq!(found.uploads, stored_in(ROW));
}

#[test]
fn a_signature_that_may_replace_content_gives_nobody_an_asset() {
    let replacing = OpenUpload {
        proof: UploadProof::None,
        overwrite: true,
        ..signed()
    };
    let plan = plan(&[], &[seen(150, 150, "y")], &[replacing]);
    assert_eq!(plan.inserts[0].uploaded_by, None);
}

/// The wish is made once, and ends when Cloudinary no longer tells the pair.
#[test]
fn no_row_shows_a_proof_and_it_is_wished_away() {
    let new = plan(&[], &[seen_with_proof(150, 150, UPLOAD_ID)], &[]);
    let row = &new.inserts[0];
    assert_eq!(
        row.editable.context,
        [("alt".to_owned(), json!("A mug"))].into()
    );
    assert_eq!(row.sync.status, SyncStatus::Pending);
    let wish = &row.intent.as_ref().unwrap().context.0[PROOF_KEY];
    assert_eq!(wish.to, None);

    let again = plan(
        std::slice::from_ref(row),
        &[seen_with_proof(170, 150, UPLOAD_ID)],
        &[],
    );
    assert_eq!(again.updates[0].intent, row.intent);

    let mut without = seen_with_proof(180, 150, UPLOAD_ID);
    if let ObservedState::Seen(sighting) = &mut without.fact {
        sighting.context = Some([("alt".to_owned(), json!("A mug"))].into());
    }
    let done = plan(std::slice::from_ref(row), &[without], &[]);
    let row = &done.updates[0];
    assert_eq!((&row.intent, &row.observed), (&None, &None));
    assert_eq!(row.sync.status, SyncStatus::Synced);
}

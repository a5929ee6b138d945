//! Signed for a browser: bound to its user, and to the signed parameters.

use end_to_end::{eventually, picture};
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{PATH, Uploads};

#[tokio::test]
async fn a_signed_upload_belongs_to_who_asked_for_it_and_is_bound_to_what_was_signed() {
    let stage = Uploads::start().await;
    the_rules_are_told_to_users(&stage).await;
    let wanted = json!({"source": "uw", "tags": "fresh,blue", "folder": "shop", "timestamp": 1});
    let signed = stage.signed(wanted).await;
    changed_parameters_and_formats_are_refused(&stage, &signed).await;
    let mug = the_signed_upload_arrives(&stage, &signed).await;
    the_signature_used_again_replaces_nothing(&stage, &signed).await;
    only_its_owner_replaces(&stage, &mug).await;
    an_unused_signature_ends(&stage).await;
    let jar = stage.signed(json!({"public_id": "shop/jar"})).await;
    a_signed_name_is_kept(&stage).await;
    a_deleted_assets_name_has_a_new_owner(&stage).await;
    a_file_in_parts_is_one_upload(&stage, &jar).await;
    parameters_that_may_not_be_signed_are_named(&stage).await;
    stage.world.assert_mirrored().await;
    stage.world.stack.stop().await;
}

async fn the_rules_are_told_to_users(stage: &Uploads) {
    let rules = stage.world.get(PATH).await.body;
    assert_eq!(rules["limits"]["formats"], json!(["csv", "gif", "png"]));
    assert_eq!(rules["signing"]["valid_seconds"], 600);
    let stranger = stage.world.call(Method::GET, PATH, None, None).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
}

/// Whatever the browser changes, Cloudinary notices.
async fn changed_parameters_and_formats_are_refused(stage: &Uploads, signed: &Map<String, Value>) {
    for (name, value) in [
        ("tags", "stale"),
        ("public_id", "else"),
        ("overwrite", "1"),
        ("eval", "x"),
    ] {
        let mut tampered = signed.clone();
        tampered.insert(name.to_owned(), json!(value));
        let refused = stage.send(&tampered, picture(1), "mug.gif").await;
        let told = format!("{name}: {}", refused.body);
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{told}");
    }
    let text = stage.send(signed, b"plain text".to_vec(), "mug.txt").await;
    let told = format!("another format was signed: {}", text.body);
    assert_eq!(text.status, StatusCode::BAD_REQUEST, "{told}");
}

/// Gives the asset as Cloudinary answers it.
async fn the_signed_upload_arrives(stage: &Uploads, signed: &Map<String, Value>) -> Value {
    let public_id = signed["public_id"].as_str().expect("a public id");
    assert!(public_id.starts_with("shop/Blue_mug-"), "{public_id}");
    let asset = stage.send(signed, picture(1), "mug.gif").await.ok();
    assert_eq!(asset["public_id"], public_id);
    stage.assert_owned(public_id).await;
    let row = stage.rows(public_id).await.remove(0);
    assert_eq!(
        (&row["folder"], &row["tags"]),
        (&json!("shop"), &json!(["blue", "fresh"]))
    );
    assert_eq!(stage.outcome(&signed["upload"]["id"]).await, "stored");
    assert_eq!(stage.audited("upload_signed").await, 1);
    assert_eq!(stage.audited("created").await, 1);
    asset
}

async fn the_signature_used_again_replaces_nothing(stage: &Uploads, signed: &Map<String, Value>) {
    let again = stage.send(signed, picture(2), "mug.gif").await.ok();
    assert_eq!(again["existing"], true);
}

/// A name that is there is refused, unless its owner wants to replace it.
async fn only_its_owner_replaces(stage: &Uploads, mug: &Value) {
    let public_id = mug["public_id"].as_str().expect("a public id");
    let named = |overwrite: bool| json!({"public_id": public_id, "overwrite": overwrite});
    let taken = stage.sign(named(false)).await;
    taken.assert_refused(StatusCode::CONFLICT, "public_id_taken");
    let foreign = json!({"paramsToSign": named(true)});
    let foreign = stage.post(&stage.other, foreign).await;
    foreign.assert_refused(StatusCode::FORBIDDEN, "not_yours");
    let replacing = stage.signed(named(true)).await;
    assert_eq!(replacing["overwrite"], "1");
    let newer = stage.send(&replacing, picture(3), "mug.gif").await.ok();
    assert_eq!(newer["overwritten"], true);
    assert_eq!(newer["asset_id"], mug["asset_id"]);
    eventually("the row has the newer content", async || {
        stage.rows(public_id).await[0]["cloudinary_etag"] == newer["etag"]
    })
    .await;
    // Also if both uploads were in one second, and so have one version.
    assert_eq!(stage.outcome(&replacing["upload"]["id"]).await, "stored");
}

async fn an_unused_signature_ends(stage: &Uploads) {
    let unused = stage.signed(json!({"public_id": "shop/unused"})).await;
    let late = "update public.media_uploads set open_until = now() - interval '11 minutes' where public_id = 'shop/unused' returning id";
    stage.world.rows(late, &[]).await;
    stage.world.drain().await;
    assert_eq!(stage.outcome(&unused["upload"]["id"]).await, "lost");
}

/// As long as its signature is good, nobody else gets the name of the jar.
async fn a_signed_name_is_kept(stage: &Uploads) {
    let late = json!({"paramsToSign": {"public_id": "shop/jar"}});
    let late = stage.post(&stage.other, late).await;
    late.assert_refused(StatusCode::CONFLICT, "public_id_reserved");

    // Not even by a rename: who uploads would take it away again.
    let world = &stage.world;
    let cup = world.mirrored("shop/cup", 12).await;
    world.give(&cup, &stage.other_id).await;
    let rename = json!({"cloudinary_public_id": "shop/jar"});
    let which = "cloudinary_public_id=eq.shop/cup";
    let renamed = world.write(which, &stage.other, rename).await;
    renamed.assert_status(StatusCode::CONFLICT);
}

/// An upload that began elsewhere has no owner. An asset that takes a deleted one's name has its uploader.
async fn a_deleted_assets_name_has_a_new_owner(stage: &Uploads) {
    let world = &stage.world;
    let console = world.cloud.upload("shop/pot", 9).await;
    world
        .row_becomes("the pot is there", &console, |row| {
            row["uploaded_by"].is_null()
        })
        .await;
    world.cloud.destroy(&console).await;
    world
        .row_becomes("the pot is gone", &console, |row| {
            !row["deleted_at"].is_null()
        })
        .await;
    let back = stage.signed(json!({"public_id": "shop/pot"})).await;
    let pot = stage.send(&back, picture(10), "pot.gif").await.body;
    let old = json!(console.asset_id);
    assert_eq!(pot["asset_id"], old, "the stand-in revives the old id");
    stage.assert_proven("shop/pot").await;
}

async fn a_file_in_parts_is_one_upload(stage: &Uploads, signed: &Map<String, Value>) {
    let parts = picture(11);
    let jar = stage.send_in_parts(signed, &parts, "jar.gif").await.ok();
    assert_eq!(
        (&jar["public_id"], &jar["bytes"]),
        (&json!("shop/jar"), &json!(parts.len()))
    );
    stage.assert_proven("shop/jar").await;
}

async fn parameters_that_may_not_be_signed_are_named(stage: &Uploads) {
    for (params, parameter) in [
        (
            json!({"notification_url": "https://evil.test"}),
            "notification_url",
        ),
        (json!({"eval": "upload_options['tags'] = 'x'"}), "eval"),
        (json!({"type": "private"}), "type"),
        (json!({"source": "api"}), "source"),
        (json!({"public_id": "a//b"}), "public_id"),
    ] {
        let refused = stage.sign(params).await;
        let refused = refused.body_with(StatusCode::BAD_REQUEST);
        assert_eq!(refused["parameter"], parameter);
    }
}

//! Signed for a browser: bound to its user, and to the signed parameters.

use end_to_end::{HttpAnswer, eventually, picture};
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{PATH, Uploads};

fn object(answer: HttpAnswer) -> Map<String, Value> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let Value::Object(signed) = answer.body else {
        panic!("an object is answered");
    };
    signed
}

#[tokio::test]
async fn a_signed_upload_belongs_to_who_asked_for_it_and_is_bound_to_what_was_signed() {
    let stage = Uploads::start().await;
    let world = &stage.world;
    let rules = world.get(PATH).await;
    assert_eq!(
        rules.body["limits"]["formats"],
        json!(["csv", "gif", "png"])
    );
    assert_eq!(rules.body["signing"]["valid_seconds"], 600);
    let stranger = world.call(Method::GET, PATH, None, None).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);

    let wanted = json!({"source": "uw", "tags": "fresh,blue", "folder": "shop", "timestamp": 1});
    let signed = object(stage.sign(wanted).await);
    let public_id = signed["public_id"].as_str().unwrap().to_owned();
    assert!(public_id.starts_with("shop/Blue_mug-"), "{public_id}");

    // Whatever the browser changes, Cloudinary notices.
    for (name, value) in [
        ("tags", "stale"),
        ("public_id", "else"),
        ("overwrite", "1"),
        ("eval", "x"),
    ] {
        let mut tampered = signed.clone();
        tampered.insert(name.to_owned(), json!(value));
        let (status, body) = stage.send(&tampered, picture(1), "mug.gif").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{name}: {body}");
    }
    let (status, body) = stage.send(&signed, b"plain text".to_vec(), "mug.txt").await;
    assert_eq!(
        status,
        StatusCode::BAD_REQUEST,
        "another format was signed: {body}"
    );

    let (status, asset) = stage.send(&signed, picture(1), "mug.gif").await;
    assert_eq!(status, StatusCode::OK, "{asset}");
    assert_eq!(asset["public_id"], public_id.as_str());
    stage.assert_owned(&public_id).await;
    let row = stage.rows(&public_id).await.remove(0);
    assert_eq!(
        (&row["folder"], &row["tags"]),
        (&json!("shop"), &json!(["fresh", "blue"]))
    );
    assert_eq!(stage.outcome(&signed["upload"]["id"]).await, "stored");
    assert_eq!(stage.audited("upload_signed").await, 1);
    assert_eq!(stage.audited("created").await, 1);

    // The signature used again replaces nothing.
    let (status, again) = stage.send(&signed, picture(2), "mug.gif").await;
    assert_eq!((status, &again["existing"]), (StatusCode::OK, &json!(true)));

    // A name that is there is refused, unless its owner wants to replace it.
    let named = |overwrite: bool| json!({"public_id": public_id, "overwrite": overwrite});
    let taken = stage.sign(named(false)).await;
    assert_eq!(
        (taken.status, &taken.body["code"]),
        (StatusCode::CONFLICT, &json!("public_id_taken"))
    );
    let foreign = stage
        .post(&stage.other, json!({"paramsToSign": named(true)}))
        .await;
    assert_eq!(
        (foreign.status, &foreign.body["code"]),
        (StatusCode::FORBIDDEN, &json!("not_yours"))
    );
    let replacing = object(stage.sign(named(true)).await);
    assert_eq!(replacing["overwrite"], "1");
    let (status, newer) = stage.send(&replacing, picture(3), "mug.gif").await;
    assert_eq!(
        (status, &newer["overwritten"]),
        (StatusCode::OK, &json!(true))
    );
    assert_eq!(newer["asset_id"], asset["asset_id"]);
    eventually("the row has the newer content", async || {
        stage.rows(&public_id).await[0]["cloudinary_etag"] == newer["etag"]
    })
    .await;
    assert_eq!(stage.outcome(&replacing["upload"]["id"]).await, "stored");

    // A signature that nobody uses ends, too.
    let unused = object(stage.sign(json!({"public_id": "shop/unused"})).await);
    let late = "update public.media_uploads set open_until = now() - interval '11 minutes' where public_id = 'shop/unused' returning id";
    world.rows(late, &[]).await;
    world.drain().await;
    assert_eq!(stage.outcome(&unused["upload"]["id"]).await, "lost");

    // Somebody else's name is kept for them as long as their signature is good.
    let reserved = object(stage.sign(json!({"public_id": "shop/jar"})).await);
    let late = stage
        .post(
            &stage.other,
            json!({"paramsToSign": {"public_id": "shop/jar"}}),
        )
        .await;
    assert_eq!(
        (late.status, &late.body["code"]),
        (StatusCode::CONFLICT, &json!("public_id_reserved"))
    );

    // Nor does anybody get it by a rename: who uploads would take it away again.
    let rename = json!({"cloudinary_public_id": "shop/jar"});
    let which = format!("cloudinary_public_id=eq.{public_id}");
    let renamed = world.write(&which, &world.admin, rename).await;
    assert_eq!(renamed.status, StatusCode::CONFLICT, "{}", renamed.body);

    // What nobody began here has no owner, and an old name's asset has its new one.
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
    let back = object(stage.sign(json!({"public_id": "shop/pot"})).await);
    let (_, pot) = stage.send(&back, picture(10), "pot.gif").await;
    assert_eq!(
        pot["asset_id"],
        json!(console.asset_id),
        "the stand-in revives the old id"
    );
    stage.assert_owned("shop/pot").await;
    let parts = picture(11);
    let (status, jar) = stage.send_in_parts(&reserved, &parts, "jar.gif").await;
    assert_eq!(status, StatusCode::OK, "{jar}");
    assert_eq!(
        (&jar["public_id"], &jar["bytes"]),
        (&json!("shop/jar"), &json!(parts.len()))
    );
    stage.assert_owned("shop/jar").await;

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
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.body);
        assert_eq!(refused.body["parameter"], parameter);
    }
    world.assert_mirrored().await;
    stage.world.stack.stop().await;
}

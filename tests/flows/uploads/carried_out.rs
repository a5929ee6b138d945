//! From a form or an address: mirrored at once, and in the end one row or none.

use end_to_end::{eventually, picture};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::Uploads;

#[tokio::test]
async fn what_a_function_uploads_is_mirrored_at_once_and_ends_as_one_row_or_none() {
    let stage = Uploads::start().await;
    let world = &stage.world;

    // From a form, answered with its row.
    let fields = [
        ("folder", "shop"),
        ("tags", "a,b"),
        ("context", r#"{"alt": "A = mug"}"#),
    ];
    let (status, answer) = stage.upload(picture(1), "Blue mug.gif", &fields).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let item = &answer["item"];
    assert_eq!(
        (&item["sync_status"], &item["uploaded_by"]),
        (&json!("synced"), &json!(world.user_id))
    );
    assert_eq!(
        (&item["context"]["alt"], &item["tags"]),
        (&json!("A = mug"), &json!(["a", "b"]))
    );
    assert_eq!(
        (&item["id"], &item["file_size"]),
        (&answer["upload_id"], &json!(picture(1).len()))
    );
    let mug = answer["public_id"].as_str().unwrap().to_owned();
    world.assert_mirrored().await;
    stage.assert_owned(&mug).await;
    assert_eq!(stage.audited("upload_requested").await, 1);

    // From an address: the stand-in's own delivery.
    let source = item["secure_url"].as_str().unwrap();
    let remote = stage
        .post(
            &world.user,
            json!({"url": source, "public_id": "shop/copy", "resource_type": "image"}),
        )
        .await;
    assert_eq!(remote.status, StatusCode::CREATED, "{}", remote.body);
    assert_eq!(
        remote.body["item"]["cloudinary_etag"],
        item["cloudinary_etag"]
    );
    let nowhere = source.replace(&mug, "shop/never-was");
    let port = |host: &str| source.replace("127.0.0.1", host);
    for (url, status, code) in [
        (nowhere, StatusCode::UNPROCESSABLE_ENTITY, "file_refused"),
        (
            port("localhost"),
            StatusCode::UNPROCESSABLE_ENTITY,
            "address_refused",
        ),
        (
            port("127.0.0.2"),
            StatusCode::UNPROCESSABLE_ENTITY,
            "address_refused",
        ),
        (
            "http://169.254.169.254/latest/a.png".to_owned(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "address_refused",
        ),
        (
            "data:image/gif;base64,AAAA".to_owned(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "address_refused",
        ),
        (
            source.replace(".gif", ".exe"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "format_not_allowed",
        ),
    ] {
        let refused = stage
            .post(&world.user, json!({"url": url, "resource_type": "image"}))
            .await;
        assert_eq!(
            (refused.status, &refused.body["code"]),
            (status, &json!(code)),
            "{url} {}",
            refused.body
        );
    }

    // Files that are not what they should be.
    for (file, name, status, code) in [
        (
            b"MZ\x90\0".to_vec(),
            "mug.gif",
            StatusCode::UNPROCESSABLE_ENTITY,
            "content_mismatch",
        ),
        (
            b"%PDF-1.7 ...".to_vec(),
            "a.pdf",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "format_not_allowed",
        ),
        (
            vec![b'1'; 2_000_001],
            "a.csv",
            StatusCode::PAYLOAD_TOO_LARGE,
            "file_too_large",
        ),
        (
            picture(2),
            "mug.gif",
            StatusCode::CONFLICT,
            "public_id_taken",
        ),
    ] {
        let (answered, refused) = stage
            .upload(file, name, &[("public_id", "shop/copy")])
            .await;
        assert_eq!(
            (answered, &refused["code"]),
            (status, &json!(code)),
            "{name} {refused}"
        );
    }
    let (status, raw) = stage
        .upload(b"a,b\n1,2\n".to_vec(), "prices.csv", &[])
        .await;
    assert_eq!(status, StatusCode::CREATED, "{raw}");
    assert_eq!(raw["item"]["resource_type"], "raw");
    assert!(
        raw["public_id"].as_str().unwrap().ends_with(".csv"),
        "{raw}"
    );
    world.assert_mirrored().await;

    // From here on Cloudinary tells nothing by itself.
    world.cloud.chaos(json!({"seed": 1, "drop": 1.0})).await;

    // The answer is lost after the effect: the row waits, and the drain finds its asset.
    world
        .cloud
        .fault(json!({"operation": "upload", "times": 1, "drop_connection": "after"}))
        .await;
    let (status, answer) = stage
        .upload(picture(5), "mug.gif", &[("public_id", "shop/lost-answer")])
        .await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    let waiting = stage.rows("shop/lost-answer").await.remove(0);
    assert_eq!(
        (&waiting["sync_status"], &waiting["cloudinary_asset_id"]),
        (&json!("pending"), &Value::Null)
    );
    let which = format!("id=eq.{}", waiting["id"].as_str().unwrap());
    for edit in [json!({"tags": ["x"]}), json!({"deleted_at": "now"})] {
        let refused = world.write(&which, &world.user, edit).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
    }
    let twice = stage
        .upload(picture(6), "mug.gif", &[("public_id", "shop/lost-answer")])
        .await;
    assert_eq!(
        (twice.0, &twice.1["code"]),
        (StatusCode::CONFLICT, &json!("public_id_reserved"))
    );
    world.drain().await;
    assert_eq!(
        stage.rows("shop/lost-answer").await.len(),
        1,
        "its time is not over"
    );
    stage.drain_uploads().await;
    stage.assert_owned("shop/lost-answer").await;
    assert_eq!(stage.rows("shop/lost-answer").await[0]["id"], waiting["id"]);
    assert_eq!(stage.outcome(&answer["upload_id"]).await, "stored");

    // It is lost before the effect: nothing is there, and no row stays.
    world
        .cloud
        .fault(json!({"operation": "upload", "times": 1, "drop_connection": "before"}))
        .await;
    let (status, answer) = stage
        .upload(picture(7), "mug.gif", &[("public_id", "shop/lost-file")])
        .await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    stage.drain_uploads().await;
    assert_eq!(stage.rows("shop/lost-file").await, Vec::<Value>::new());
    assert_eq!(stage.outcome(&answer["upload_id"]).await, "lost");
    assert_eq!(
        stage.audited("upload_failed").await,
        2,
        "this one, and the address that was not there"
    );

    // The name is an asset's of which nothing is known here: it stays what it is, and is known now.
    let unknown = world.cloud.upload("shop/unknown", 8).await;
    let (status, refused) = stage
        .upload(picture(9), "mug.gif", &[("public_id", "shop/unknown")])
        .await;
    assert_eq!(
        (status, &refused["code"]),
        (StatusCode::CONFLICT, &json!("public_id_taken"))
    );
    let row = world.row(&unknown).await.expect("it was met");
    assert_eq!(
        (&row["uploaded_by"], &row["sync_status"]),
        (&Value::Null, &json!("synced"))
    );

    // An asset that comes back by its name keeps its row.
    let old = world.cloud.upload("shop/phoenix", 10).await;
    assert_eq!(
        world
            .sync(json!({"public_ids": ["shop/phoenix"]}))
            .await
            .status,
        StatusCode::OK
    );
    let before = world.row(&old).await.expect("it was looked at");
    world.cloud.destroy(&old).await;
    assert_eq!(
        world
            .sync(json!({"public_ids": ["shop/phoenix"]}))
            .await
            .status,
        StatusCode::OK
    );
    let (status, back) = stage
        .upload(picture(11), "mug.gif", &[("public_id", "shop/phoenix")])
        .await;
    assert_eq!(status, StatusCode::CREATED, "{back}");
    assert_eq!(back["item"]["id"], before["id"]);
    stage.assert_owned("shop/phoenix").await;

    // Cloudinary has another asset under the name of one that waits: that one has lost it.
    world
        .cloud
        .fault(json!({"operation": "upload", "times": 1, "drop_connection": "before"}))
        .await;
    let (status, answer) = stage
        .upload(picture(12), "mug.gif", &[("public_id", "shop/contested")])
        .await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    world.cloud.rename("shop/phoenix", "shop/contested").await;
    // A look counts as early as the second in which it began, and so may not outweigh at once what was
    // uploaded within that second.
    eventually("the name is the other asset's", async || {
        let named = json!({"public_ids": ["shop/contested", "shop/phoenix"]});
        assert_eq!(world.sync(named).await.status, StatusCode::OK);
        let rows = stage.rows("shop/contested").await;
        rows.len() == 1 && rows[0]["id"] == before["id"]
    })
    .await;
    assert_eq!(stage.outcome(&answer["upload_id"]).await, "refused");

    world.assert_mirrored().await;
    let sql = "select count(*) from public.media_assets where cloudinary_asset_id is null";
    assert_eq!(world.value(sql).await, json!(0));
    stage.world.stack.stop().await;
}

#[tokio::test]
async fn a_notification_that_overtakes_the_answer_finds_the_row_that_waits() {
    let stage = Uploads::start().await;
    let world = &stage.world;
    world
        .cloud
        .fault(json!({"operation": "upload", "times": 1, "drop_connection": "after"}))
        .await;
    let (status, answer) = stage
        .upload(picture(1), "mug.gif", &[("public_id", "shop/mug")])
        .await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    stage.assert_owned("shop/mug").await;
    assert_eq!(stage.rows("shop/mug").await[0]["id"], answer["upload_id"]);

    // A run that walks past a waiting row lets it wait.
    world
        .cloud
        .fault(json!({"operation": "upload", "times": 1, "drop_connection": "before"}))
        .await;
    let (status, _) = stage
        .upload(picture(2), "jar.gif", &[("public_id", "shop/jar")])
        .await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let run = world.sync(json!({"mode": "full"})).await;
    assert_eq!(run.body["status"], "succeeded", "{}", run.body);
    assert_eq!(stage.rows("shop/jar").await.len(), 1);
    // A console's upload of that name is taken for it: the name was kept for the user.
    world.cloud.upload("shop/jar", 3).await;
    stage.assert_owned("shop/jar").await;

    // However a call fails, and whether or not Cloudinary's notification comes: one row and one
    // asset, or neither.
    let failures = [
        (Value::Null, StatusCode::CREATED, 1),
        (json!({"drop_connection": "after"}), StatusCode::ACCEPTED, 1),
        (
            json!({"drop_connection": "before"}),
            StatusCode::ACCEPTED,
            0,
        ),
        (json!({"status": 503}), StatusCode::ACCEPTED, 0),
        (json!({"status": 400}), StatusCode::UNPROCESSABLE_ENTITY, 0),
        (json!({"status": 401}), StatusCode::INTERNAL_SERVER_ERROR, 0),
    ];
    for drop in [0.0, 1.0] {
        world.cloud.chaos(json!({"seed": 1, "drop": drop})).await;
        for (number, (fault, expected, _)) in failures.iter().enumerate() {
            if !fault.is_null() {
                let mut fault = fault.clone();
                fault["operation"] = json!("upload");
                fault["times"] = json!(1);
                world.cloud.fault(fault).await;
            }
            let public_id = format!("failing/{drop}-{number}");
            let colour = 100 + u8::try_from(number).expect("few");
            let (status, answer) = stage
                .upload(picture(colour), "a.gif", &[("public_id", &public_id)])
                .await;
            // A refusal that is sent before the file was read may end the connection before it is heard.
            let unheard = !fault.is_null() && status == StatusCode::ACCEPTED;
            assert!(status == *expected || unheard, "{fault} {status} {answer}");
        }
    }
    world.cloud.quiet().await;
    stage.drain_uploads().await;
    for drop in [0.0, 1.0] {
        for (number, (fault, _, rows)) in failures.iter().enumerate() {
            let found = stage.rows(&format!("failing/{drop}-{number}")).await;
            assert_eq!(found.len(), *rows, "{fault} {found:?}");
            let is_owned = |row: &Value| row["uploaded_by"] == world.user_id;
            assert!(found.iter().all(is_owned), "{fault} {found:?}");
        }
    }
    world.assert_mirrored().await;
    stage.world.stack.stop().await;
}

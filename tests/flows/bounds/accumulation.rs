//! Bounds on values that accumulate in an asset and for a user.

use end_to_end::{DataApiCaller, database};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::Measure;

#[tokio::test]
async fn edits_that_wait_for_cloudinary_do_not_add_up_without_end() {
    let measure = Measure::take().await;
    let mut edits = 0;
    loop {
        let context: Value = (0..15)
            .map(|key| (format!("{edits}-{key}"), json!("x".repeat(1_000))))
            .collect();
        let former: Value = (0..15)
            .map(|key| (format!("{}-{key}", edits - 1), Value::Null))
            .collect();
        let mut change = context;
        change
            .as_object_mut()
            .unwrap()
            .extend(former.as_object().unwrap().clone());
        match &*measure.edit(json!({"context": change})).await {
            "done" => edits += 1,
            refused => break assert_eq!(refused, "conflict"),
        }
        assert!(edits < 40, "a bound is met");
    }
    let bytes = "select octet_length(intent::text) as bytes from public.media_assets";
    let bytes = database::rows(&measure.client, bytes, &[]).await[0]["bytes"].as_u64();
    assert!(bytes < Some(350_000), "{bytes:?}");
    measure.stack.stop().await;
}

#[tokio::test]
async fn the_tale_of_an_asset_leaves_room_in_an_answer() {
    let measure = Measure::take().await;
    let trail =
        "insert into public.media_sync_log (operation, source, cloudinary_asset_id, details)
        select 'edit_requested', 'api', md5('mug'), jsonb_build_object('from', repeat('x', 160000))
        from generate_series(1, 50)";
    measure.client.batch_execute(trail).await.unwrap();
    let id = "select md5('mug') as id";
    let id = database::rows(&measure.client, id, &[]).await[0]["id"].clone();
    let told = measure
        .user
        .rpc("media_get", &json!({"p_asset_id": id}))
        .await;
    let entries = told.body["audit"].as_array().unwrap().len();
    assert_eq!(entries, 9, "as many as fit");
    measure.stack.stop().await;
}

#[tokio::test]
async fn a_user_writes_much_one_request_at_a_time() {
    let measure = Measure::take().await;
    let lock = format!(
        "begin; select pg_advisory_xact_lock(hashtext('media_sync.request'), hashtext('{}'))",
        measure.claims.sub
    );
    measure.client.batch_execute(&lock).await.unwrap();
    let items = |count: usize| vec![json!({"public_id": "nothing"}); count];
    let large = json!({"p_items": items(21)});
    let waits = measure.user.rpc("media_request_delete", &large).await;
    waits.assert_refused(StatusCode::CONFLICT, "PT409");
    let small = json!({"p_items": items(20)});
    let small = measure.user.rpc("media_request_delete", &small).await;
    assert_eq!(small.status, StatusCode::OK, "{}", small.body);
    let admin = local_stack::TokenClaims::admin("admin@example.com");
    let other = DataApiCaller::user(&measure.stack, &admin);
    let others = other.rpc("media_request_delete", &large).await;
    assert_eq!(others.status, StatusCode::OK, "{}", others.body);
    measure.client.batch_execute("rollback").await.unwrap();
    measure.stack.stop().await;
}

#[tokio::test]
async fn answers_are_kept_for_as_many_requests_as_an_hour_takes() {
    let measure = Measure::take().await;
    let kept = format!(
        "insert into media_sync.idempotency_keys (user_id, key, operation, fingerprint, answer)
         select '{}', n::text, 'delete', 'x', '{{}}' from generate_series(1, 1000) n",
        measure.claims.sub
    );
    measure.client.batch_execute(&kept).await.unwrap();
    let request = json!({"p_items": [{"public_id": "nothing"}], "p_idempotency_key": "one more"});
    let refused = measure.user.rpc("media_request_delete", &request).await;
    refused.assert_refused(StatusCode::TOO_MANY_REQUESTS, "PT429");
    measure.stack.stop().await;
}

//! Rows as large as Cloudinary lets them be: they are read and claimed in parts.

use std::collections::BTreeSet;

use end_to_end::{DataApiCaller, database};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::Measure;

/// Sixty rows of a megabyte each, every one with a wish.
const FILL: &str =
    "insert into public.media_assets (cloudinary_asset_id, cloudinary_public_id, resource_type, tags, intent, sync_status)
    select md5(n::text), 'fat/' || n, 'image', tags, '{\"at\": 1, \"by\": null}', 'pending'
    from generate_series(1, 60) n,
        (select array_agg(repeat('\u{1F600}', 250) || t) as tags from generate_series(1, 1000) t) fat";

/// As much as one answer holds, and the row that goes over it.
const MOST: usize = 10 * 1024 * 1024;

#[tokio::test]
async fn large_rows_are_read_and_claimed_in_parts() {
    let measure = Measure::take().await;
    measure.client.batch_execute(FILL).await.unwrap();
    let service = DataApiCaller::service(&measure.stack);
    let ids = "select id, cloudinary_asset_id as asset_id from public.media_assets where intent is not null";
    let rows = database::rows(&measure.client, ids, &[]).await;
    let named = |column: &str| {
        rows.iter()
            .map(|row| row[column].clone())
            .collect::<Vec<_>>()
    };

    let assets = named("asset_id");
    let all = service
        .rpc("media_sync_rows", &json!({"p_asset_ids": assets}))
        .await;
    all.assert_refused(StatusCode::PAYLOAD_TOO_LARGE, "PT413");
    let few = service
        .rpc("media_sync_rows", &json!({"p_asset_ids": assets[..4]}))
        .await;
    assert_eq!(few.body["rows"].as_array().unwrap().len(), 4);

    let mut left: BTreeSet<String> = serde_json::from_value(json!(named("id"))).unwrap();
    while !left.is_empty() {
        let claim = json!({
            "p_ids": left, "p_claim": "00000000-0000-4000-8000-000000000001", "p_seconds": 60,
        });
        let claimed = service.rpc("media_sync_claim_intents", &claim).await;
        assert!(claimed.body["rows"].to_string().len() < MOST);
        assert_eq!(claimed.body["busy"], json!([]));
        let got = claimed.body["rows"].as_array().unwrap();
        assert!(!got.is_empty(), "every claim gets on");
        for row in got {
            assert_eq!(row["intent_claim"], claim["p_claim"]);
            assert!(left.remove(row["id"].as_str().unwrap()));
        }
        let told: BTreeSet<String> = serde_json::from_value(claimed.body["left"].clone()).unwrap();
        assert_eq!(told, left);
    }
    measure.stack.stop().await;
}

#[tokio::test]
async fn a_user_has_a_bounded_number_of_collections() {
    let measure = Measure::take().await;
    let shelves = |count: usize| {
        (0..count)
            .map(|number| json!({"name": number.to_string()}))
            .collect::<Value>()
    };
    let path = "/media_collections";
    let add = async |count| {
        let body = shelves(count);
        measure
            .user
            .call(Method::POST, path, &[], Some(&body))
            .await
    };
    add(999).await.assert_status(StatusCode::CREATED);
    add(2)
        .await
        .assert_refused(StatusCode::UNPROCESSABLE_ENTITY, "PT422");
    add(1).await.assert_status(StatusCode::CREATED);
    measure.stack.stop().await;
}

#[tokio::test]
async fn a_collection_has_a_bounded_number_of_items() {
    let measure = Measure::take().await;
    let fill = format!(
        "insert into public.media_assets (cloudinary_asset_id, cloudinary_public_id, resource_type)
            select md5(n::text), 'bulk/' || n, 'image' from generate_series(1, 10000) n;
         insert into public.media_collections (id, name, owner)
            values ('00000000-0000-4000-8000-0000000000c1', 'Full', '{}');
         insert into public.media_collection_items (collection_id, asset_id)
            select '00000000-0000-4000-8000-0000000000c1', id from public.media_assets where resource_type = 'image'
            limit 10000",
        measure.claims.sub
    );
    measure.client.batch_execute(&fill).await.unwrap();
    let missing = "select id from public.media_assets
        where id not in (select asset_id from public.media_collection_items)";
    let missing: Value = database::rows(&measure.client, missing, &[]).await[0]["id"].clone();
    let add = json!({
        "p_collection": "00000000-0000-4000-8000-0000000000c1", "p_assets": [missing],
    });
    let refused = measure.user.rpc("media_collection_add", &add).await;
    refused.assert_refused(StatusCode::UNPROCESSABLE_ENTITY, "PT422");
    measure.stack.stop().await;
}

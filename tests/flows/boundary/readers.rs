//! A reader writes nothing, not even to rows that were the user's own before.

use reqwest::Method;
use serde_json::json;

use super::{Boundary, OWN, asset_id, patch};

const COLLECTION: &str = "00000000-0000-4000-8000-0000000000c1";

#[tokio::test]
async fn a_reader_changes_neither_assets_nor_collections_nor_records() {
    let boundary = Boundary::draw(None).await;
    let collection = format!(
        "insert into public.media_collections (id, name, owner) values ('{COLLECTION}', 'Mine', '{}')",
        boundary.user.sub
    );
    boundary.client.batch_execute(&collection).await.unwrap();
    let reader = boundary.user_as("reader");
    let before = everything(&boundary).await;

    let edited = patch(&boundary, &reader, OWN, json!({"tags": ["x"]})).await;
    assert_eq!(edited.body, json!([]), "no row of a reader's is changed");
    let item = json!([{"asset_id": asset_id(&boundary, OWN).await}]);
    let asset = json!({"p_items": item});
    let edit = json!({"p_items": [{"asset_id": item[0]["asset_id"], "tags": ["x"]}]});
    let row = "select id::text from public.media_assets where cloudinary_asset_id = md5('own')";
    let row: String = boundary.client.query_one(row, &[]).await.unwrap().get(0);
    let collected = json!({"p_collection": COLLECTION, "p_assets": [row]});
    let usage = json!({
        "p_assets": [row], "p_usage_type": "cover", "p_table_name": "articles", "p_record_id": "1",
    });
    for (function, arguments) in [
        ("media_request_edit", &edit),
        ("media_request_delete", &asset),
        ("media_request_restore", &asset),
        ("media_collection_add", &collected),
        ("media_usage_record", &usage),
    ] {
        let answer = reader.rpc(function, arguments).await;
        assert_eq!(answer.body["code"], "42501", "{function}: {}", answer.body);
    }
    for (method, path, body) in [
        (Method::POST, "/media_collections", json!({"name": "New"})),
        (
            Method::POST,
            "/media_collection_items",
            json!({"collection_id": COLLECTION, "asset_id": row}),
        ),
        (
            Method::POST,
            "/media_usage",
            json!({"asset_id": row, "usage_type": "cover", "table_name": "articles", "record_id": "1"}),
        ),
    ] {
        let answer = reader.call(method, path, &[], Some(&body)).await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.body);
    }
    for (method, path) in [
        (Method::PATCH, "/media_collections?name=eq.Mine"),
        (Method::DELETE, "/media_collections?name=eq.Mine"),
    ] {
        let body = json!({"name": "Yours"});
        reader.call(method, path, &[], Some(&body)).await;
    }
    assert_eq!(everything(&boundary).await, before);
    boundary.stack.stop().await;
}

/// The number of records, and what a reader could have changed of them.
async fn everything(boundary: &Boundary) -> Vec<String> {
    let sql =
        "select concat_ws('/', cloudinary_public_id, tags, deleted_at) from public.media_assets
        union all select name from public.media_collections
        union all select 'item' from public.media_collection_items
        union all select 'use' from public.media_usage order by 1";
    let rows = boundary.client.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

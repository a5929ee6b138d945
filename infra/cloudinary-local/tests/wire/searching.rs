//! The Search API, and how far its index lags.

use serde_json::{Value, json};

use super::support::{Local, local};

async fn search(server: &Local, body: Value) -> Value {
    server.admin("POST", "resources/search", body).await.ok()
}

#[tokio::test]
async fn the_index_follows_at_its_lag() {
    let server = local(json!({"index_lag_ms": 60_000})).await;
    server.pixel("a", json!({"tags": "one"})).await;
    let tagged = json!({"expression": "tags=one"});
    assert_eq!(search(&server, tagged.clone()).await["total_count"], 0);
    server
        .control("PUT", "clock", json!({"advance_ms": 61_000}))
        .await
        .ok();
    assert_eq!(search(&server, tagged.clone()).await["total_count"], 1);
    server
        .upload_api("image/destroy", json!({"public_id": "a"}))
        .await
        .ok();
    assert_eq!(
        search(&server, tagged.clone()).await["total_count"],
        1,
        "still in the index"
    );
    server
        .control("PUT", "clock", json!({"advance_ms": 61_000}))
        .await
        .ok();
    assert_eq!(search(&server, tagged).await["total_count"], 0);
    assert_eq!(
        search(&server, json!({"expression": "status:deleted"})).await["total_count"],
        1
    );
}

#[tokio::test]
async fn pages_hang_together_under_every_order() {
    let server = local(json!({})).await;
    let seed = json!({"count": 120, "resource_types": ["image", "raw"], "spread_seconds": 30});
    server.control("POST", "seed", seed).await.ok();
    for sort in [
        json!([{"bytes": "desc"}]),
        json!([{"resource_type": "asc"}, {"created_at": "desc"}]),
        json!([]),
    ] {
        let mut seen = std::collections::HashSet::new();
        let mut cursor = Value::Null;
        loop {
            let page = search(
                &server,
                json!({"sort_by": sort, "max_results": 50, "next_cursor": cursor}),
            )
            .await;
            assert_eq!(page["total_count"], 120);
            for asset in page["resources"].as_array().unwrap() {
                assert!(
                    seen.insert(asset["asset_id"].to_string()),
                    "an asset was found twice"
                );
            }
            cursor = page["next_cursor"].clone();
            if cursor.is_null() {
                break;
            }
        }
        assert_eq!(seen.len(), 120, "{sort}");
    }
    let none = search(&server, json!({"max_results": 0, "aggregate": ["format"]})).await;
    assert_eq!(
        (
            none["resources"].as_array().unwrap().len(),
            &none["aggregations"]["format"]["png"]
        ),
        (0, &json!(60))
    );
    assert_eq!(
        server
            .admin("POST", "resources/search", json!({"max_results": 501}))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn a_get_searches_too_and_context_is_flat() {
    let server = local(json!({"folder_mode": "fixed"})).await;
    server.pixel("f/a", json!({"context": "alt=hi"})).await;
    let found = server
        .get("resources/search?expression=folder%3Df&with_field[]=context&sort_by=public_id:asc")
        .await;
    assert_eq!(found["resources"][0]["context"], json!({"alt": "hi"}));
    assert_eq!(found["resources"][0]["folder"], "f");
    assert!(found["resources"][0].get("asset_folder").is_none());
}

#[tokio::test]
async fn folders_are_found_by_name_and_path_and_other_questions_refused() {
    let server = local(json!({})).await;
    for path in ["shop/mugs", "shop/cups", "archive"] {
        let path = format!("folders/{path}");
        server.admin("POST", &path, json!({})).await.ok();
    }
    let search = async |expression: &str| {
        let body = json!({"expression": expression});
        server.admin("POST", "folders/search", body).await
    };
    for (expression, wanted) in [
        ("", &["archive", "shop", "shop/cups", "shop/mugs"][..]),
        ("name=mugs", &["shop/mugs"]),
        ("path:shop/* AND NOT name:cups", &["shop/mugs"]),
    ] {
        let found = search(expression).await.ok();
        let folders = found["folders"].as_array().unwrap();
        let paths: Vec<&Value> = folders.iter().map(|folder| &folder["path"]).collect();
        assert_eq!(paths, wanted, "{expression}");
    }
    assert_eq!(search("colour:red").await.status, 400);
}

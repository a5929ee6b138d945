//! Listings and their cursors.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::support::{Local, local};

async fn seeded(settings: Value, count: u64) -> Local {
    let server = local(settings).await;
    server
        .control(
            "POST",
            "seed",
            json!({"count": count, "spread_seconds": 600}),
        )
        .await
        .ok();
    server
}

fn ids(page: &Value) -> Vec<String> {
    let resources = page["resources"].as_array().unwrap();
    resources
        .iter()
        .map(|asset| asset["asset_id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn cursor_neither_skips_nor_repeats_while_assets_come_and_go() {
    let server = seeded(json!({}), 60).await;
    let page = |cursor: Option<String>| {
        let cursor = cursor.map_or(String::new(), |cursor| format!("&next_cursor={cursor}"));
        let path = format!("resources/image/upload?max_results=7&direction=asc{cursor}");
        let server = &server;
        async move { server.get(&path).await }
    };
    let all = ids(&server
        .get("resources/image/upload?max_results=500&direction=asc")
        .await);
    let mut seen = Vec::new();
    let mut cursor = None;
    let mut removed = HashSet::new();
    let mut turn = 0;
    loop {
        let answer = page(cursor.clone()).await;
        seen.extend(ids(&answer));
        cursor = answer["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
        // The very asset that the cursor stands on, one already passed and one to come disappear.
        let last = seen.last().unwrap().clone();
        let ahead = all.get(seen.len() + 3).cloned();
        let gone: Vec<String> = [Some(last), seen.first().cloned(), ahead]
            .into_iter()
            .flatten()
            .collect();
        removed.extend(gone.iter().cloned());
        server
            .admin("DELETE", "resources", json!({"asset_ids": gone}))
            .await
            .ok();
        if turn < 3 {
            server.pixel(&format!("new-{turn}"), json!({})).await;
        }
        turn += 1;
    }
    let distinct: HashSet<&String> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len(), "an asset was listed twice");
    for id in all.iter().filter(|id| !removed.contains(*id)) {
        assert!(distinct.contains(id), "{id} was skipped");
    }
    assert_eq!(seen.len(), distinct.len());
    assert!(
        seen.len() >= all.len() - removed.len() + 3,
        "assets added at the end are listed"
    );
}

#[tokio::test]
async fn cursor_is_good_for_its_own_query_until_it_expires() {
    let server = seeded(json!({}), 30).await;
    let first = server.get("resources/image?max_results=10&tags=true").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let with = |query: &str| format!("resources/image?{query}&next_cursor={cursor}");
    server.get(&with("max_results=5&tags=true")).await;
    for other in ["max_results=10", "max_results=10&tags=true&direction=asc"] {
        let answer = server.admin("GET", &with(other), Value::Null).await;
        assert_eq!(
            (answer.status, answer.message()),
            (400, "Invalid value for parameter next_cursor")
        );
    }
    server
        .control("POST", "cursors/expire", Value::Null)
        .await
        .ok();
    assert_eq!(
        server
            .admin("GET", &with("max_results=10&tags=true"), Value::Null)
            .await
            .status,
        400
    );

    server.set(json!({"cursor_ttl_ms": 1000})).await;
    let fresh = server.get("resources/image?max_results=10").await;
    let path = format!(
        "resources/image?max_results=10&next_cursor={}",
        fresh["next_cursor"].as_str().unwrap()
    );
    server.get(&path).await;
    server
        .control("PUT", "clock", json!({"advance_ms": 1500}))
        .await
        .ok();
    assert_eq!(server.admin("GET", &path, Value::Null).await.status, 400);
}

#[tokio::test]
async fn flags_decide_which_keys_are_there() {
    let server = local(json!({"any_metadata_field": true})).await;
    server.pixel("bare", json!({})).await;
    server
        .pixel(
            "full",
            json!({"tags": "t", "context": "a=1", "metadata": "m=2"}),
        )
        .await;
    let listed = |flags: &str| format!("resources/image/upload?direction=asc&{flags}");
    let plain = server.get(&listed("")).await;
    for key in ["tags", "context", "metadata", "last_updated", "etag"] {
        assert!(
            plain["resources"][1].get(key).is_none(),
            "{key} was not asked for"
        );
    }
    let flagged = server
        .get(&listed("tags=true&context=true&metadata=true"))
        .await;
    assert_eq!(flagged["resources"][0]["tags"], json!([]));
    assert!(flagged["resources"][0].get("context").is_none());
    assert_eq!(
        flagged["resources"][1]["context"],
        json!({"custom": {"a": "1"}})
    );
    assert_eq!(flagged["resources"][1]["metadata"], json!({"m": "2"}));

    server
        .set(json!({"empty_keys_omitted": false, "last_updated_in_listings": true, "etag_in_listings": true}))
        .await;
    let switched = server
        .get(&listed("tags=true&context=true&metadata=true"))
        .await;
    assert_eq!(switched["resources"][0]["context"], json!({"custom": {}}));
    assert_eq!(switched["resources"][0]["metadata"], json!({}));
    assert!(switched["resources"][0]["last_updated"]["updated_at"].is_string());
    assert!(switched["resources"][0]["etag"].is_string());
}

#[tokio::test]
async fn start_at_and_prefix_narrow_a_listing() {
    let server = seeded(json!({}), 60).await;
    let all = server
        .get("resources/image?max_results=500&direction=asc")
        .await;
    let middle = all["resources"][30]["created_at"].as_str().unwrap();
    let since = server
        .get(&format!(
            "resources/image?max_results=500&start_at={middle}"
        ))
        .await;
    assert_eq!(ids(&since).len(), 30);
    let prefixed = server
        .get("resources/image/upload?max_results=500&prefix=asset-000001")
        .await;
    assert_eq!(ids(&prefixed).len(), 10);
    assert_eq!(
        server
            .admin("GET", "resources/image?prefix=a", Value::Null)
            .await
            .status,
        400
    );
    assert_eq!(
        server
            .admin("GET", "resources/image?max_results=0", Value::Null)
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn same_public_id_under_three_types_is_three_assets() {
    let server = local(json!({})).await;
    let image = server.pixel("same", json!({})).await;
    let hidden = server.pixel("same", json!({"type": "private"})).await;
    let raw = server
        .upload_api(
            "raw/upload",
            json!({"public_id": "same", "file": "data:text/plain,hi"}),
        )
        .await
        .ok();
    let found: HashSet<_> = [&image, &hidden, &raw]
        .iter()
        .map(|asset| asset["asset_id"].to_string())
        .collect();
    assert_eq!(found.len(), 3);
    assert_eq!(ids(&server.get("resources/image").await).len(), 2);
    assert_eq!(ids(&server.get("resources/image/private").await).len(), 1);
}

#[tokio::test]
async fn look_tells_tags_by_the_alphabet_and_none_by_their_absence() {
    let server = local(json!({})).await;
    server.pixel("a", json!({"tags": "b,a"})).await;
    server.pixel("b", json!({})).await;
    let one = |name: &str| format!("resources/image/upload/{name}");
    assert_eq!(server.get(&one("a")).await["tags"], json!(["a", "b"]));
    let without = server.get(&one("b")).await;
    assert!(without.get("tags").is_none(), "{without}");
}

//! Acknowledged writes survive `kill -9` of the real binary.

use serde_json::{Value, json};

use super::support::{Process, Receiver};

#[tokio::test]
async fn everything_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), &["--folder-mode", "fixed"]);
    let client = process.client();
    client
        .control(
            "POST",
            "seed",
            json!({"count": 1000, "spread_seconds": 100, "tags": ["s"]}),
        )
        .await
        .ok();
    let raw = json!({"public_id": "note.txt", "file": "data:text/plain,kept"});
    let raw = client.upload_api("raw/upload", raw).await.ok();
    client.pixel("gone", json!({})).await;
    client
        .upload_api("image/destroy", json!({"public_id": "gone"}))
        .await
        .ok();
    client.pixel("edited", json!({"tags": "a"})).await;
    client
        .upload_api(
            "image/tags",
            json!({"command": "add", "tag": "b", "public_ids": ["edited"]}),
        )
        .await
        .ok();
    client
        .admin(
            "POST",
            "triggers",
            json!({"uri": "http://127.0.0.1:9/", "event_type": "delete", "payload_template": "{}"}),
        )
        .await
        .ok();
    client.set(json!({"index_lag_ms": 7})).await;
    let page = client
        .get("resources/image?max_results=100&tags=true")
        .await;
    let before = client.control("GET", "state", Value::Null).await.ok();
    drop(process);

    // Other settings on the command line do not make the account forget its own.
    let process = Process::start(folder.path(), &["--folder-mode", "dynamic"]);
    let client = process.client();
    let after = client.control("GET", "state", Value::Null).await.ok();
    assert_eq!(before["assets"].as_array().unwrap().len(), 1003);
    assert!(
        without_addresses(before) == without_addresses(after),
        "the account has changed"
    );
    let url = raw["url"]
        .as_str()
        .unwrap()
        .splitn(4, '/')
        .nth(3)
        .unwrap()
        .to_owned();
    let bytes = client
        .http
        .get(format!("{}/{url}", process.url))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(bytes, "kept");
    // A cursor handed out before the kill goes on where it stood.
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = client
        .get(&format!(
            "resources/image?max_results=100&tags=true&next_cursor={cursor}"
        ))
        .await;
    assert_ne!(
        page["resources"][99]["asset_id"],
        next["resources"][0]["asset_id"]
    );
    assert!(
        page["resources"][99]["created_at"].as_str() >= next["resources"][0]["created_at"].as_str()
    );
}

/// The server's own address, a new one after each start, is part of every asset's.
fn without_addresses(mut state: Value) -> Value {
    for asset in state["assets"].as_array_mut().unwrap() {
        asset
            .as_object_mut()
            .unwrap()
            .retain(|key, _| !key.ends_with("url"));
    }
    state
}

#[tokio::test]
async fn undelivered_notifications_are_delivered_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let hooks = Receiver::start().await;
    let process = Process::start(folder.path(), &["--setting", "notifications_paused=true"]);
    let client = process.client();
    client
        .admin(
            "POST",
            "triggers",
            json!({"uri": hooks.url, "event_type": "all"}),
        )
        .await
        .ok();
    let asset = client.pixel("a", json!({})).await;
    drop(process);

    let process = Process::start(folder.path(), &[]);
    let client = process.client();
    assert!(hooks.hooks().is_empty());
    client.set(json!({"notifications_paused": false})).await;
    let hook = hooks.wait_for(1).await.remove(0);
    assert_eq!(hook.event["asset_id"], asset["asset_id"]);
    client.quiet().await;
    drop(process);

    // Delivered once is delivered: the next process does not repeat it.
    let process = Process::start(folder.path(), &[]);
    process.client().quiet().await;
    assert_eq!(hooks.hooks().len(), 1);
}

#[tokio::test]
async fn chunks_that_arrived_before_a_kill_need_not_be_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), &[]);
    let chunk = async |url: &str, range: &str, text: &str| {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let mut form = super::support::signed(json!({"public_id": "big.txt"}), now);
        form.push(("file".to_owned(), format!("data:text/plain,{text}")));
        let request = process_client(url).post(format!("{url}/v1_1/demo/raw/upload"));
        let request = request
            .header("x-unique-upload-id", "u1")
            .header("content-range", range)
            .form(&form);
        request.send().await.unwrap().json::<Value>().await.unwrap()
    };
    let first = chunk(&process.url, "bytes 0-3/8", "abcd").await;
    assert_eq!(first["done"], false);
    drop(process);
    let process = Process::start(folder.path(), &[]);
    let last = chunk(&process.url, "bytes 4-7/8", "efgh").await;
    assert_eq!(
        (&last["bytes"], &last["public_id"]),
        (&json!(8), &json!("big.txt")),
        "{last}"
    );
    let text = process_client(&process.url)
        .get(last["url"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(text.text().await.unwrap(), "abcdefgh");
}

fn process_client(url: &str) -> reqwest::Client {
    super::support::Client::new(url).http
}

#[tokio::test]
async fn killed_amid_uploads_nothing_acknowledged_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        let process = Process::start(folder.path(), &[]);
        let client = process.client();
        let uploads = (0..8).map(|n| {
            let client = client.clone();
            tokio::spawn(async move {
                let mut done = Vec::new();
                for i in 0.. {
                    let params = json!({"public_id": format!("k{round}-{n}-{i}"), "file": super::support::PIXEL});
                    match client.try_upload_api("image/upload", params).await {
                        Ok(answer) if answer.status == 200 => done.push(answer.body["asset_id"].clone()),
                        _ => return done,
                    }
                }
                done
            })
        });
        let uploads: Vec<_> = uploads.collect();
        // Killed as soon as some dozens are in, with others under way.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while client.control("GET", "requests", Value::Null).await.ok()["total"].as_u64() < Some(40)
        {
            assert!(std::time::Instant::now() < deadline, "no uploads arrive");
        }
        drop(process);
        for upload in uploads {
            acknowledged.extend(upload.await.unwrap());
        }
    }
    assert!(
        acknowledged.len() > 60,
        "only {} uploads were acknowledged",
        acknowledged.len()
    );
    let process = Process::start(folder.path(), &[]);
    let state = process
        .client()
        .control("GET", "state/assets?limit=50000", Value::Null)
        .await
        .ok();
    let known: std::collections::HashSet<String> = state["assets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|asset| asset["asset_id"].to_string())
        .collect();
    for id in acknowledged {
        assert!(
            known.contains(&id.to_string()),
            "{id} was acknowledged and is gone"
        );
    }
}

//! Notifications that clients fetch.

use serde_json::{Value, json};

use super::support::{Answer, KEY, Local, SECRET, local};

async fn v2(server: &Local, method: &str, path: &str, body: Value) -> Answer {
    let url = format!("{}/v2/notifications/demo/{path}", server.url);
    let request = server.http.request(method.parse().unwrap(), url);
    let answer = request
        .basic_auth(KEY, Some(SECRET))
        .json(&body)
        .send()
        .await
        .unwrap();
    Answer {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        body: answer.json().await.unwrap(),
    }
}

async fn fetch(server: &Local, query: &str) -> Vec<Value> {
    let path = format!("messages?{query}&wait_seconds=0");
    let answer = v2(server, "GET", &path, Value::Null).await.ok();
    answer["messages"].as_array().cloned().unwrap_or_default()
}

async fn polled(uri: &str) -> Local {
    let server = local(json!({})).await;
    let trigger = json!({"uri": uri, "event_type": "upload", "uri_type": "poll"});
    server.admin("POST", "triggers", trigger).await.ok();
    server
}

#[tokio::test]
async fn message_reappears_until_it_is_acknowledged() {
    let server = polled("poll://shop").await;
    server.pixel("a", json!({})).await;
    let first = fetch(&server, "channel=shop").await;
    assert_eq!(first[0]["payload"]["public_id"], "a");
    assert_eq!(fetch(&server, "channel=shop").await, [] as [Value; 0]);
    assert_eq!(fetch(&server, "channel=other").await, [] as [Value; 0]);
    let later = json!({"advance_ms": 31_000});
    server.control("PUT", "clock", later.clone()).await.ok();
    let second = fetch(&server, "channel=shop").await;
    assert_eq!(second[0]["receipt_handle"], first[0]["receipt_handle"]);
    let handles = json!({"receipt_handles": [second[0]["receipt_handle"]]});
    let acknowledged = v2(&server, "POST", "messages/ack", handles).await.ok();
    assert_eq!(acknowledged, json!({"results": [{"status": "acked"}]}));
    server.control("PUT", "clock", later).await.ok();
    assert_eq!(fetch(&server, "channel=shop").await, [] as [Value; 0]);
}

#[tokio::test]
async fn batch_is_fetched_by_the_name_that_the_call_gave_it() {
    let server = polled("poll://*").await;
    server.pixel("named", json!({"batch_id": "import"})).await;
    server.pixel("unnamed", json!({})).await;
    let messages = fetch(&server, "batch_id=import").await;
    let names: Vec<&Value> = messages
        .iter()
        .map(|one| &one["payload"]["public_id"])
        .collect();
    assert_eq!(names, ["named"]);
}

#[tokio::test]
async fn questions_beyond_the_limits_are_refused() {
    let server = polled("poll://shop").await;
    for query in [
        "",
        "channel=shop&batch_id=import",
        "channel=shop&max_messages=0",
        "channel=shop&max_messages=101",
        "channel=shop&visibility_timeout=601",
    ] {
        let path = format!("messages?{query}");
        let answer = v2(&server, "GET", &path, Value::Null).await;
        assert_eq!(answer.status, 400, "{query}");
        assert_eq!(answer.body["error"]["category"], "user_error", "{query}");
    }
    let empty = json!({"receipt_handles": []});
    assert_eq!(v2(&server, "POST", "messages/ack", empty).await.status, 400);
}

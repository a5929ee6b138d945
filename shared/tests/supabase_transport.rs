//! The PostgREST transport against a server that echoes its requests.

#![expect(clippy::unwrap_used, reason = "the whole file is a test")]

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use media_sync::config::http_client;
use media_sync::supabase::{ApiKey, DataApi, SupabaseError};
use serde_json::{Value, json};
use url::Url;

async fn echo(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    match parts.uri.path() {
        "/rest/v1/rpc/nothing" => return StatusCode::NO_CONTENT.into_response(),
        "/rest/v1/rpc/busy" => {
            let problem = json!({ "code": "40001", "message": "could not serialize", "details": null, "hint": null });
            return (StatusCode::INTERNAL_SERVER_ERROR, problem.to_string()).into_response();
        }
        "/rest/v1/rpc/down" => return (StatusCode::BAD_GATEWAY, "<html>").into_response(),
        _ => {}
    }
    let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap());
    let told = json!({
        "method": parts.method.as_str(),
        "path": parts.uri.path(),
        "query": parts.uri.query(),
        "apikey": header("apikey"),
        "authorization": header("authorization"),
        "prefer": parts.headers.get_all("prefer").iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>(),
        "body": String::from_utf8(body.to_vec()).unwrap(),
    });
    ([("content-range", "0-0/1234")], told.to_string()).into_response()
}

async fn supabase(key: &str) -> DataApi {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(echo)).await });
    DataApi::new(url, ApiKey::parse(key).unwrap(), http_client().unwrap())
}

#[tokio::test]
async fn functions_are_called_with_the_key_in_its_header() {
    let supabase = supabase("sb_secret_x").await;
    let told: Value = supabase
        .rpc("apply_page", &json!({ "p": [1] }))
        .await
        .unwrap();
    assert_eq!(told["method"], "POST");
    assert_eq!(told["path"], "/rest/v1/rpc/apply_page");
    assert_eq!(told["apikey"], "sb_secret_x");
    assert_eq!(told["authorization"], Value::Null);
    assert_eq!(told["body"], r#"{"p":[1]}"#);
    supabase.rpc::<()>("nothing", &json!({})).await.unwrap();
}

#[tokio::test]
async fn users_token_is_forwarded_and_the_original_client_keeps_none() {
    let supabase = supabase("sb_publishable_x").await;
    let user = supabase.as_user("u.s.r").unwrap();
    let told: Value = user
        .send(user.from("media_assets").select("*"))
        .await
        .unwrap()
        .json()
        .unwrap();
    assert_eq!(told["apikey"], "sb_publishable_x");
    assert_eq!(told["authorization"], "Bearer u.s.r");
    let told: Value = supabase.rpc("x", &json!({})).await.unwrap();
    assert_eq!(told["authorization"], Value::Null);
    assert!(supabase.as_user("two words").is_err());
}

#[tokio::test]
async fn queries_keep_filters_and_preferences_and_count() {
    let supabase = supabase("sb_secret_x").await;
    let query = supabase
        .from("media_assets")
        .select("id")
        .eq("folder", "a&b")
        .exact_count();
    let extra = [(
        http::HeaderName::from_static("prefer"),
        "missing=default".parse().unwrap(),
    )];
    let reply = supabase
        .send_with(query, extra.into_iter().collect())
        .await
        .unwrap();
    assert_eq!(reply.total(), Some(1234));
    let told: Value = reply.json().unwrap();
    assert_eq!(told["query"], "select=id&folder=eq.a%26b");
    assert_eq!(told["prefer"], json!(["count=exact", "missing=default"]));
}

#[tokio::test]
async fn failures_say_what_they_are() {
    let supabase = supabase("sb_secret_hush").await;
    let busy = supabase.rpc::<Value>("busy", &json!({})).await.unwrap_err();
    assert!(busy.is_conflict() && busy.is_transient());
    let down = supabase.rpc::<Value>("down", &json!({})).await.unwrap_err();
    assert!(down.is_transient() && down.status() == Some(502));
    let unreadable = supabase.rpc::<u8>("x", &json!({})).await.unwrap_err();
    assert!(matches!(unreadable, SupabaseError::Unreadable { .. }) && !unreadable.is_transient());
    let nobody = Url::parse("http://127.0.0.1:1").unwrap();
    let nobody = DataApi::new(
        nobody,
        ApiKey::parse("sb_secret_hush").unwrap(),
        http_client().unwrap(),
    );
    let unreachable = nobody.rpc::<Value>("x", &json!({})).await.unwrap_err();
    assert!(unreachable.is_transient());
    for error in [busy, down, unreadable, unreachable] {
        assert!(!format!("{error:?} {error}").contains("hush"));
    }
}

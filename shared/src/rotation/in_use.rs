//! Clients and verifiers while their keys are rotated, with the services faked at the wire.

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering};
use url::Url;
use uuid::Uuid;

use super::tests::changing;
use super::*;
use crate::cloudinary::upload::{UploadOptions, UploadSource};
use crate::cloudinary::{ApiCredentials, CloudinaryClient, RefusalKind};
use crate::config::http_client;
use crate::cursor::{CursorKey, CursorKeys};
use crate::supabase::jwt::{TokenError, TokenVerifier};
use crate::supabase::{ApiKey, DataApi};
use crate::time::Timestamp;

/// Serves, and counts the calls.
async fn serve<F>(
    answer: impl Fn(HeaderMap, String) -> F + Clone + Send + Sync + 'static,
) -> (String, Arc<AtomicU32>)
where
    F: Future<Output = (StatusCode, String)> + Send + 'static,
{
    let calls = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&calls);
    let app = Router::new().fallback(move |headers: HeaderMap, body: String| {
        count.fetch_add(1, Ordering::SeqCst);
        answer(headers, body)
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (format!("http://{address}"), calls)
}

/// Lets in only callers with this key and secret; signed calls are let in by their key alone.
async fn cloudinary(status: StatusCode) -> (CloudinaryClient, Arc<AtomicU32>) {
    let answer = move |headers: HeaderMap, body: String| async move {
        // `2:new` in Base64.
        let is_new = headers
            .get("authorization")
            .is_some_and(|value| value == "Basic MjpuZXc=");
        if is_new || body.contains("api_key=2") {
            return (StatusCode::OK, json!({"status": "ok"}).to_string());
        }
        let refusal = json!({"error": {"message": "Unknown API key 1"}});
        (status, refusal.to_string())
    };
    let (address, calls) = serve(answer).await;
    let credentials = |key: &str| {
        let url = format!("cloudinary://{key}@demo?upload_prefix={address}");
        ApiCredentials::parse(&url).unwrap()
    };
    let live = changing(credentials("1:old"), credentials("2:new"));
    (
        CloudinaryClient::rotating(http_client().unwrap(), live),
        calls,
    )
}

#[tokio::test]
async fn a_refused_call_to_cloudinary_is_made_once_more_with_the_new_key() {
    for status in [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN] {
        let (client, calls) = cloudinary(status).await;
        client.ping().await.unwrap();
        assert_eq!(calls.load(Ordering::SeqCst), 2);
        client.ping().await.unwrap();
        assert_eq!(calls.load(Ordering::SeqCst), 3, "the new key stays");
        assert_eq!(client.credentials().await.api_key(), "2");
    }
}

#[tokio::test]
async fn a_refused_upload_is_signed_again_with_the_new_key() {
    let (client, calls) = cloudinary(StatusCode::UNAUTHORIZED).await;
    let source = UploadSource::Url("https://example.com/a.png".to_owned());
    // The answer is too short for an upload's; it was reached with the new key.
    let options = UploadOptions::default();
    let _ = client.upload(source, &options).await;
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_key_that_stays_wrong_is_refused_after_one_look() {
    let answer = |_: HeaderMap, _: String| async {
        let refusal = json!({"error": {"message": "Unknown API key"}});
        (StatusCode::UNAUTHORIZED, refusal.to_string())
    };
    let (address, calls) = serve(answer).await;
    let url = format!("cloudinary://1:s@demo?upload_prefix={address}");
    let credentials = ApiCredentials::parse(&url).unwrap();
    let client = CloudinaryClient::new(http_client().unwrap(), credentials);
    let error = client.ping().await.unwrap_err();
    assert_eq!(error.refusal(), Some(RefusalKind::Unauthorized));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_key_that_the_gateway_refuses_is_replaced_for_workers_and_for_callers() {
    let answer = |headers: HeaderMap, _: String| async move {
        if headers["apikey"].to_str().unwrap().ends_with("_new") {
            return (StatusCode::OK, "7".to_owned());
        }
        (
            StatusCode::UNAUTHORIZED,
            json!({"message": "Invalid API key"}).to_string(),
        )
    };
    for kind in ["secret", "publishable"] {
        let (address, calls) = serve(answer).await;
        let key = |age: &str| ApiKey::parse(&format!("sb_{kind}_{age}")).unwrap();
        let keys = changing(key("old"), key("new"));
        let url = Url::parse(&address).unwrap();
        let database = DataApi::rotating(url, keys, http_client().unwrap());
        let database = match kind {
            "publishable" => database.as_user("a.b.c").unwrap(),
            _ => database,
        };
        for _ in 0..2 {
            assert_eq!(database.rpc::<u32>("f", &json!({})).await.unwrap(), 7);
        }
        assert_eq!(calls.load(Ordering::SeqCst), 3, "one refusal, two answers");
    }
}

#[tokio::test]
async fn a_token_of_the_new_shared_secret_is_taken_and_a_forged_one_is_not() {
    let url = Url::parse("http://127.0.0.1:9").unwrap();
    let secrets = changing(Some("old".to_owned()), Some("new".to_owned()));
    let verifier = TokenVerifier::rotating(&url, &secrets, http_client().unwrap());
    let token = |secret: &str| {
        let claims = json!({
            "sub": Uuid::nil(), "aud": "authenticated", "role": "authenticated", "exp": 4_000_000_000_u64,
            "iss": "http://127.0.0.1:9/auth/v1",
        });
        let key = EncodingKey::from_secret(secret.as_bytes());
        encode(&Header::default(), &claims, &key).unwrap()
    };
    let verify = async |secret| verifier.verify(&token(secret), Timestamp::now()).await;
    assert!(verify("old").await.is_ok());
    assert!(verify("new").await.is_ok());
    for secret in ["forged", "old"] {
        let refused = verify(secret).await.unwrap_err();
        assert!(
            matches!(refused, TokenError::Signature),
            "{secret}: {refused}"
        );
    }
}

#[tokio::test]
async fn cursors_go_on_over_a_rotation_of_their_key() {
    let (old, new) = (CursorKey::derive(b"old"), CursorKey::derive(b"new"));
    let live = changing(old.clone(), new.clone());
    let keys = CursorKeys::new(live);
    let sealed = |key| CursorKeys::new(LiveValue::fixed(key));
    let (by_old, by_new) = (sealed(old), sealed(new));
    let (by_old, by_new) = (by_old.seal(&7, b"q").await, by_new.seal(&8, b"q").await);
    assert_eq!(
        keys.open::<i32>(&by_new, b"q").await,
        Ok(8),
        "another copy's"
    );
    assert_eq!(keys.open::<i32>(&by_old, b"q").await, Ok(7), "from before");
    let strange = CursorKeys::new(LiveValue::fixed(CursorKey::derive(b"strange")));
    let strange = strange.seal(&9, b"q").await;
    assert!(keys.open::<i32>(&strange, b"q").await.is_err());
}

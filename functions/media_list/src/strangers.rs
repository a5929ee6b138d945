//! Tokens that nobody has given out cause nothing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lambda_http::{Body, Request};
use media_sync::cloudinary::ApiCredentials;
use media_sync::cloudinary::delivery::AddressWriter;
use media_sync::cursor::{CursorKey, CursorKeys};
use media_sync::rotation::LiveValue;
use media_sync::supabase::jwt::TokenVerifier;
use media_sync::supabase::{ApiKey, DataApi};
use serde_json::{Value, json};
use url::Url;

use crate::handler::MediaList;

/// A project that counts its calls: those for keys, and all others.
async fn project() -> (Url, Arc<[AtomicUsize; 2]>) {
    let asked = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let count = asked.clone();
    let app = axum::Router::new().fallback(move |uri: axum::http::Uri| {
        let is_keys = uri.path() == "/auth/v1/.well-known/jwks.json";
        count[usize::from(!is_keys)].fetch_add(1, Ordering::SeqCst);
        async { r#"{"keys":[]}"# }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url.parse().unwrap(), asked)
}

/// One token of each kind that strangers send, never the same twice.
fn garbage(number: usize) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = part(json!({"sub": number, "aud": "authenticated", "exp": u32::MAX}));
    let jwt = |header: Value| format!("{}.{claims}.{}", part(header), part(json!(number)));
    match number % 8 {
        0 => format!("garbage-{number}"),
        1 => jwt(json!({"alg": "none", "kid": number.to_string()})),
        2 => jwt(json!({"alg": "HS256"})),
        3 => jwt(json!({"alg": "ES256", "kid": number.to_string()})),
        4 => jwt(json!({"alg": "RS256", "kid": number.to_string()})),
        5 => format!("sb_secret_{number}"),
        6 => "x".repeat(9_000 + number % 100),
        _ => format!("{number}..{claims}"),
    }
}

#[tokio::test]
async fn ten_thousand_garbage_tokens_cause_no_call_downstream() {
    let (url, asked) = project().await;
    let http = media_sync::config::http_client().unwrap();
    let key = ApiKey::parse("sb_publishable_x").unwrap();
    let list = MediaList::new(
        TokenVerifier::new(
            &url,
            Some("the legacy secret of this project"),
            http.clone(),
        ),
        DataApi::new(url, key, http),
        CursorKeys::new(LiveValue::fixed(CursorKey::derive(b"secret"))),
        LiveValue::fixed(AddressWriter::new(
            ApiCredentials::parse("cloudinary://1:b@demo").unwrap(),
        )),
    );
    let mut codes = BTreeSet::new();
    for number in 0..10_000 {
        let mut request = Request::new(Body::Empty);
        let token = format!("Bearer {}", garbage(number)).parse().unwrap();
        request.headers_mut().insert("authorization", token);
        let response = list.handle(request).await;
        assert_eq!(response.status(), 401);
        let problem: Value = serde_json::from_slice(response.body()).unwrap();
        codes.insert(problem["code"].as_str().unwrap().to_owned());
    }
    let expected = [
        "token_algorithm",
        "token_is_api_key",
        "token_key_unknown",
        "token_malformed",
        "token_signature",
        "token_too_large",
    ];
    assert_eq!(codes, expected.map(str::to_owned).into());
    // Once for the first unknown key, and again when half a minute has passed, on a slow machine.
    let [keys, others] = [0, 1].map(|index| asked[index].load(Ordering::SeqCst));
    assert!(
        (1..=5).contains(&keys),
        "the keys were asked for {keys} times"
    );
    assert_eq!(others, 0, "PostgREST is not asked");
}

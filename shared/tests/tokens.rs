//! Token verification against a key set that is served, changed and taken away.

#![expect(clippy::unwrap_used, reason = "the whole file is a test")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use media_sync::config::http_client;
use media_sync::supabase::jwt::{ApiCaller, TokenError, TokenVerifier};
use media_sync::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use url::Url;

/// A P-256 key that signs nothing but these tests.
const EC_KEY: &str = include_str!("keys/es256.pem");
const OTHER_EC_KEY: &str = include_str!("keys/es256_other.pem");
/// A 2048-bit RSA key that signs nothing but these tests.
const RSA_KEY: &str = include_str!("keys/rs256.pem");
const SUB: &str = "3d7c1c9e-5c0e-4d43-9f5e-0c1f1a6d2b11";
const NOW: i64 = 1_767_225_600;

/// The project's auth server, as far as its keys go.
struct Project {
    url: Url,
    keys: Arc<Mutex<Option<Value>>>,
    asked: Arc<AtomicUsize>,
}

impl Project {
    async fn new(keys: &[Value]) -> Self {
        let keys = Arc::new(Mutex::new(Some(json!({ "keys": keys }))));
        let asked = Arc::new(AtomicUsize::new(0));
        let (served, count) = (keys.clone(), asked.clone());
        let answer = move || {
            let (served, count) = (served.clone(), count.clone());
            async move {
                count.fetch_add(1, Ordering::SeqCst);
                let keys = served.lock().unwrap().clone();
                keys.map(|keys| keys.to_string())
                    .ok_or(StatusCode::SERVICE_UNAVAILABLE)
            }
        };
        let app = Router::new().route("/auth/v1/.well-known/jwks.json", get(answer));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, keys, asked }
    }

    fn verifier(&self) -> TokenVerifier {
        TokenVerifier::new(&self.url, Some("legacy-secret"), http_client().unwrap())
    }

    fn claims(&self) -> Value {
        json!({
            "sub": SUB, "role": "authenticated", "aud": "authenticated", "exp": NOW + 3600,
            "iss": format!("{}auth/v1", self.url), "app_metadata": { "role": "admin" },
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// The content of a PEM file. The library's own reader of PEM would change the features of
/// everything below it, and have it compiled twice.
fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with("-----"));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}

fn ec() -> EncodingKey {
    EncodingKey::from_ec_der(&der(EC_KEY))
}

fn public(key: &EncodingKey, algorithm: Algorithm, kid: &str) -> Value {
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(key, algorithm).unwrap()).unwrap();
    jwk["kid"] = kid.into();
    jwk
}

fn token(algorithm: Algorithm, kid: Option<&str>, key: &EncodingKey, claims: &Value) -> String {
    let mut header = Header::new(algorithm);
    header.kid = kid.map(str::to_owned);
    encode(&header, claims, key).unwrap()
}

async fn verify(verifier: &TokenVerifier, token: &str) -> Result<ApiCaller, &'static str> {
    let outcome = verifier.verify(token, Timestamp::from_secs(NOW)).await;
    outcome.map_err(|error: TokenError| error.code())
}

async fn project() -> (Project, TokenVerifier) {
    let project = Project::new(&[public(&ec(), Algorithm::ES256, "k1")]).await;
    let verifier = project.verifier();
    (project, verifier)
}

#[tokio::test]
async fn published_and_legacy_keys_verify_their_tokens() {
    let rsa = EncodingKey::from_rsa_der(&der(RSA_KEY));
    let keys = [
        public(&ec(), Algorithm::ES256, "k1"),
        public(&rsa, Algorithm::RS256, "k2"),
        json!({ "kty": "martian", "kid": "k3" }),
    ];
    let project = Project::new(&keys).await;
    let verifier = project.verifier();
    let secret = EncodingKey::from_secret(b"legacy-secret");
    for (algorithm, kid, key) in [
        (Algorithm::ES256, Some("k1"), &ec()),
        (Algorithm::RS256, Some("k2"), &rsa),
        (Algorithm::HS256, None, &secret),
    ] {
        let caller = verify(&verifier, &token(algorithm, kid, key, &project.claims()))
            .await
            .unwrap();
        assert_eq!(caller.sub.to_string(), SUB);
        assert!(caller.user_role.is_admin());
    }
    assert_eq!(project.asked(), 1);
}

#[tokio::test]
async fn each_wrong_claim_has_its_reason() {
    let (project, verifier) = project().await;
    let with = |name: &str, value: Value| {
        let mut claims = project.claims();
        claims[name] = value;
        token(Algorithm::ES256, Some("k1"), &ec(), &claims)
    };
    let without = |name: &str| {
        let mut claims = project.claims();
        claims.as_object_mut().unwrap().remove(name);
        token(Algorithm::ES256, Some("k1"), &ec(), &claims)
    };
    for (token, code) in [
        (with("exp", json!(NOW - 31)), "token_expired"),
        (with("nbf", json!(NOW + 31)), "token_not_yet_valid"),
        (with("aud", json!("anon")), "token_audience"),
        (without("aud"), "token_audience"),
        (
            with("iss", json!("https://elsewhere/auth/v1")),
            "token_issuer",
        ),
        (without("iss"), "token_issuer"),
        (with("sub", json!("nobody")), "token_subject"),
        (without("sub"), "token_subject"),
        (without("exp"), "token_malformed"),
        (with("exp", json!("soon")), "token_malformed"),
    ] {
        assert_eq!(verify(&verifier, &token).await.unwrap_err(), code);
    }
    assert!(
        verify(&verifier, &with("exp", json!(NOW - 29)))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_project_with_two_addresses_issues_tokens_in_the_name_of_either() {
    let (project, verifier) = project().await;
    let other = "https://abc.supabase.co/auth/v1".to_owned();
    let both = verifier.clone().or_issued_by(std::slice::from_ref(&other));
    let issued_by = |issuer: &str| {
        let mut claims = project.claims();
        claims["iss"] = issuer.into();
        token(Algorithm::ES256, Some("k1"), &ec(), &claims)
    };
    let own = format!("{}auth/v1", project.url);
    for issuer in [&own, &format!("{own}/"), &other, &format!("{other}/")] {
        assert!(verify(&both, &issued_by(issuer)).await.is_ok(), "{issuer}");
    }
    for issuer in [
        "",
        "/",
        "https://abc.supabase.co",
        "https://abc.supabase.co/auth/v1x",
    ] {
        let refused = verify(&both, &issued_by(issuer)).await;
        assert_eq!(refused.unwrap_err(), "token_issuer", "{issuer}");
    }
    let refused = verify(&verifier, &issued_by(&other)).await;
    assert_eq!(
        refused.unwrap_err(),
        "token_issuer",
        "where it is not listed"
    );
}

#[tokio::test]
async fn odd_claims_are_refused_and_so_are_services() {
    let (project, verifier) = project().await;
    let odd = [json!(7), json!(["x"]), json!(null), json!("x".repeat(5000))];
    for value in odd {
        for name in ["role", "app_metadata", "sub", "aud", "is_anonymous"] {
            let mut claims = project.claims();
            claims[name] = value.clone();
            let signed = token(Algorithm::ES256, Some("k1"), &ec(), &claims);
            let refused = verify(&verifier, &signed).await;
            assert!(refused.is_err(), "{name} {value}");
        }
    }
    let mut claims = project.claims();
    claims["role"] = "service_role".into();
    let signed = token(Algorithm::ES256, Some("k1"), &ec(), &claims);
    assert_eq!(verify(&verifier, &signed).await.unwrap_err(), "token_role");
}

#[tokio::test]
async fn only_app_metadata_makes_an_administrator() {
    let (project, verifier) = project().await;
    let mut claims = project.claims();
    claims["app_metadata"] = json!({ "provider": "email" });
    claims["user_metadata"] = json!({ "role": "admin" });
    let token = token(Algorithm::ES256, Some("k1"), &ec(), &claims);
    let caller = verify(&verifier, &token).await.unwrap();
    assert!(!caller.user_role.is_admin());
}

#[tokio::test]
async fn forged_and_confused_tokens_are_refused() {
    let (project, verifier) = project().await;
    let claims = project.claims();
    let other = EncodingKey::from_ec_der(&der(OTHER_EC_KEY));
    let forged = token(Algorithm::ES256, Some("k1"), &other, &claims);
    assert_eq!(
        verify(&verifier, &forged).await.unwrap_err(),
        "token_signature"
    );
    // The public key as an HMAC secret: the classic confusion.
    let public_text = public(&ec(), Algorithm::ES256, "k1").to_string();
    let confused = token(
        Algorithm::HS256,
        Some("k1"),
        &EncodingKey::from_secret(public_text.as_bytes()),
        &claims,
    );
    assert_eq!(
        verify(&verifier, &confused).await.unwrap_err(),
        "token_signature"
    );
    let rsa = EncodingKey::from_rsa_der(&der(RSA_KEY));
    let crossed = token(Algorithm::RS256, Some("k1"), &rsa, &claims);
    assert_eq!(
        verify(&verifier, &crossed).await.unwrap_err(),
        "token_algorithm"
    );
    let hs512 = token(
        Algorithm::HS512,
        None,
        &EncodingKey::from_secret(b"legacy-secret"),
        &claims,
    );
    assert_eq!(
        verify(&verifier, &hs512).await.unwrap_err(),
        "token_algorithm"
    );
    let bare = TokenVerifier::new(&project.url, None, http_client().unwrap());
    let legacy = token(
        Algorithm::HS256,
        None,
        &EncodingKey::from_secret(b""),
        &claims,
    );
    assert_eq!(verify(&bare, &legacy).await.unwrap_err(), "token_algorithm");
    for header in ["{\"alg\":\"none\"}", "{\"alg\":\"NONE\"}", "{\"alg\":\"\"}"] {
        let parts: Vec<&str> = forged.split('.').collect();
        let header = URL_SAFE_NO_PAD.encode(header);
        for signature in ["", parts[2]] {
            let none = format!("{header}.{}.{signature}", parts[1]);
            assert_eq!(
                verify(&verifier, &none).await.unwrap_err(),
                "token_algorithm"
            );
        }
    }
}

#[tokio::test]
async fn keys_that_a_token_brings_along_are_not_looked_at() {
    let (project, verifier) = project().await;
    let attacker = EncodingKey::from_ec_der(&der(OTHER_EC_KEY));
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some("k1".to_owned());
    header.jwk = Jwk::from_encoding_key(&attacker, Algorithm::ES256).ok();
    header.jku = Some("http://127.0.0.1:9/jwks.json".to_owned());
    let token = encode(&header, &project.claims(), &attacker).unwrap();
    assert_eq!(
        verify(&verifier, &token).await.unwrap_err(),
        "token_signature"
    );
    header.kid = None;
    let token = encode(&header, &project.claims(), &attacker).unwrap();
    assert_eq!(
        verify(&verifier, &token).await.unwrap_err(),
        "token_key_unknown"
    );
}

#[tokio::test]
async fn what_a_header_demands_to_be_understood_is_not_passed_over() {
    let (project, verifier) = project().await;
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some("k1".to_owned());
    header.crit = Some(vec!["exp".to_owned()]);
    let token = encode(&header, &project.claims(), &ec()).unwrap();
    assert_eq!(
        verify(&verifier, &token).await.unwrap_err(),
        "token_malformed"
    );
}

#[tokio::test]
async fn published_keys_are_used_for_what_they_are_published_for() {
    let other_use = |name: &str, value: &str| {
        let mut key = public(&ec(), Algorithm::ES256, "k1");
        key[name] = value.into();
        key
    };
    let shared = json!({
        "kty": "oct", "kid": "k1", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode("legacy-secret"),
    });
    for key in [other_use("use", "enc"), other_use("alg", "ES384"), shared] {
        let project = Project::new(std::slice::from_ref(&key)).await;
        let token = token(Algorithm::ES256, Some("k1"), &ec(), &project.claims());
        let refused = verify(&project.verifier(), &token).await.unwrap_err();
        assert_eq!(refused, "token_key_unknown", "{key}");
    }
}

#[tokio::test]
async fn legacy_tokens_of_other_issuers_are_refused_and_an_empty_secret_is_none() {
    let (project, verifier) = project().await;
    let secret = EncodingKey::from_secret(b"legacy-secret");
    let mut claims = project.claims();
    claims["iss"] = "https://elsewhere/auth/v1".into();
    let foreign = token(Algorithm::HS256, None, &secret, &claims);
    assert_eq!(
        verify(&verifier, &foreign).await.unwrap_err(),
        "token_issuer"
    );
    claims.as_object_mut().unwrap().remove("iss");
    let own = token(Algorithm::HS256, None, &secret, &claims);
    assert!(verify(&verifier, &own).await.is_ok());
    let empty = TokenVerifier::new(&project.url, Some(""), http_client().unwrap());
    let signed_by_anybody = token(
        Algorithm::HS256,
        None,
        &EncodingKey::from_secret(b""),
        &claims,
    );
    assert_eq!(
        verify(&empty, &signed_by_anybody).await.unwrap_err(),
        "token_algorithm"
    );
}

#[tokio::test]
async fn api_keys_are_no_tokens() {
    let (project, verifier) = project().await;
    for key in ["sb_publishable_abc", "sb_secret_abc"] {
        assert_eq!(
            verify(&verifier, key).await.unwrap_err(),
            "token_is_api_key"
        );
    }
    // A legacy key, as Supabase makes them: no audience and no user.
    let claims = json!({ "iss": "supabase", "role": "service_role", "exp": NOW + 3600 });
    let secret = EncodingKey::from_secret(b"legacy-secret");
    let legacy = token(Algorithm::HS256, None, &secret, &claims);
    assert_eq!(
        verify(&verifier, &legacy).await.unwrap_err(),
        "token_audience"
    );
    assert_eq!(project.asked(), 0);
}

#[tokio::test]
async fn a_new_key_is_found_and_a_revoked_one_is_forgotten_with_the_next_fetch() {
    let (project, verifier) = project().await;
    let old = token(Algorithm::ES256, Some("k1"), &ec(), &project.claims());
    assert!(verify(&verifier, &old).await.is_ok());
    let other = EncodingKey::from_ec_der(&der(OTHER_EC_KEY));
    let rotated = json!({ "keys": [public(&other, Algorithm::ES256, "k2")] });
    *project.keys.lock().unwrap() = Some(rotated);
    let new = token(Algorithm::ES256, Some("k2"), &other, &project.claims());
    assert_eq!(
        verify(&verifier, &new).await.unwrap_err(),
        "token_key_unknown",
        "asked a moment ago"
    );
    let restarted = project.verifier();
    assert!(verify(&restarted, &new).await.is_ok());
    assert_eq!(
        verify(&restarted, &old).await.unwrap_err(),
        "token_key_unknown"
    );
}

#[tokio::test]
async fn garbage_is_refused_without_asking_for_keys() {
    let (project, verifier) = project().await;
    let four_parts = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsxIn0.e30.x.x";
    for token in ["", ".", "a.b.c", "é.é.é", four_parts, &"x".repeat(5000)] {
        assert_eq!(
            verify(&verifier, token).await.unwrap_err(),
            "token_malformed"
        );
    }
    assert_eq!(
        verify(&verifier, &"x".repeat(9000)).await.unwrap_err(),
        "token_too_large"
    );
    assert_eq!(project.asked(), 0);
}

#[tokio::test]
async fn unknown_keys_are_asked_for_once_in_a_while_and_not_for_every_token() {
    let (project, verifier) = project().await;
    for number in 0..50 {
        let kid = format!("unknown-{number}");
        let token = token(Algorithm::ES256, Some(&kid), &ec(), &project.claims());
        assert_eq!(
            verify(&verifier, &token).await.unwrap_err(),
            "token_key_unknown"
        );
    }
    assert_eq!(project.asked(), 1);
    assert!(
        verify(
            &verifier,
            &token(Algorithm::ES256, Some("k1"), &ec(), &project.claims())
        )
        .await
        .is_ok()
    );
}

#[tokio::test]
async fn unreachable_keys_are_our_fault_and_not_asked_for_by_every_token() {
    let (project, verifier) = project().await;
    *project.keys.lock().unwrap() = None;
    let good = token(Algorithm::ES256, Some("k1"), &ec(), &project.claims());
    for _ in 0..20 {
        let error = verifier
            .verify(&good, Timestamp::from_secs(NOW))
            .await
            .unwrap_err();
        assert!(error.is_transient() && error.code() == "token_keys_unavailable");
    }
    assert!(project.asked() < 20);
}

#[test]
fn no_token_panics() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let url = Url::parse("http://127.0.0.1:9").unwrap();
    let verifier = TokenVerifier::new(&url, Some("legacy-secret"), http_client().unwrap());
    let verify = |token: &str| runtime.block_on(verify(&verifier, token));
    // Legacy tokens only: they are decided without a key set.
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    proptest!(|(text in "\\PC{0,200}", header in "\\PC{0,60}", claims in "\\PC{0,60}")| {
        prop_assert!(verify(&text).is_err());
        let token = format!("{}.{}.{}", part(&header), part(&claims), part(&text));
        prop_assert!(verify(&token).is_err());
    });
    proptest!(|(claims in any_json(3), place in any::<prop::sample::Index>(), bit in 0u8..7)| {
        let good = encode(
            &Header::new(Algorithm::HS256),
            &claims,
            &EncodingKey::from_secret(b"legacy-secret"),
        );
        let good = good.unwrap();
        // Well signed, whatever it claims.
        let _ = verify(&good);
        let mut broken = good.into_bytes();
        let index = place.index(broken.len());
        broken[index] ^= 1 << bit;
        prop_assert!(verify(&String::from_utf8_lossy(&broken)).is_err());
    });
}

/// Objects with the names that claims have, and any values.
fn any_json(depth: u32) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("authenticated")),
        Just(json!(SUB)),
    ];
    let name = prop::sample::select(vec![
        "exp",
        "nbf",
        "aud",
        "iss",
        "sub",
        "role",
        "app_metadata",
    ]);
    leaf.prop_recursive(depth, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..7).prop_map(|map| {
                let map = map
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value));
                Value::Object(map.collect())
            }),
        ]
    })
}

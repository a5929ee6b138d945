//! The rules while the database answers, fails, or is given others, faked at the wire.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{StatusCode, Uri};
use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::config::{SecretSettings, UPLOAD_RULES, from_map, http_client};
use crate::deadline::Deadline;
use crate::http::Problem;
use crate::rotation::LiveValue;
use crate::supabase::{ApiKey, DataApi};
use crate::upload::UploadRules;

/// Gives these answers in turn, then fails; the calls are noted.
async fn database(answers: Vec<Value>) -> (DataApi, Arc<Mutex<Vec<String>>>) {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&calls);
    let answers = Arc::new(Mutex::new(VecDeque::from(answers)));
    let app = Router::new().fallback(move |uri: Uri| {
        let name = uri.path().rsplit('/').next().unwrap_or_default();
        noted.lock().unwrap().push(name.to_owned());
        let answer = answers.lock().unwrap().pop_front();
        let status = match answer {
            Some(_) => StatusCode::OK,
            None => StatusCode::INTERNAL_SERVER_ERROR,
        };
        async move { (status, answer.unwrap_or(json!({})).to_string()) }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let key = ApiKey::parse("sb_secret_x").unwrap();
    let url = Url::parse(&url).unwrap();
    (DataApi::new(url, key, http_client().unwrap()), calls)
}

fn secret(rules: Option<&str>) -> LiveValue<SecretSettings> {
    let rules = rules.map(|text| (UPLOAD_RULES.to_owned(), text.to_owned()));
    LiveValue::fixed(from_map(&rules.into_iter().collect()).unwrap())
}

fn stored(value: Value) -> Value {
    json!({UPLOAD_RULES: {"value": value, "changed_at": "2026-01-01T00:00:00Z"}})
}

#[tokio::test]
async fn without_any_known_rules_nothing_is_allowed_and_known_ones_stay() {
    let (supabase, _) = database(Vec::new()).await;
    let error = LiveRules::new(supabase, secret(None))
        .current(Deadline::NEVER)
        .await
        .unwrap_err();
    let problem = Problem::from(error);
    assert_eq!(
        (problem.status(), problem.code()),
        (StatusCode::SERVICE_UNAVAILABLE, "settings_unavailable")
    );

    let (supabase, calls) = database(vec![stored(json!({"max_bytes": 5}))]).await;
    let rules = LiveRules::new(supabase, secret(None));
    for _ in 0..2 {
        let known = rules.current(Deadline::NEVER).await.unwrap();
        assert_eq!(known.max_bytes, 5);
    }
    assert_eq!(
        *calls.lock().unwrap(),
        ["media_sync_settings"],
        "one read serves both"
    );
}

#[tokio::test]
async fn rules_that_cannot_be_used_are_refused_and_looked_for_again() {
    let answers = vec![stored(json!({"max_byte": 5})), stored(Value::Null)];
    let (supabase, _) = database(answers).await;
    let rules = LiveRules::new(supabase, secret(Some(r#"{"max_bytes": 7}"#)));
    let error = rules.current(Deadline::NEVER).await.unwrap_err();
    assert!(error.to_string().contains("max_byte"), "{error}");
    let taken_back = rules.current(Deadline::NEVER).await.unwrap();
    assert_eq!(*taken_back, UploadRules::default());
}

#[tokio::test]
async fn an_import_that_comes_second_takes_the_rules_of_the_first() {
    let theirs = stored(json!({"max_bytes": 5}));
    let (supabase, calls) = database(vec![json!({}), json!(false), theirs]).await;
    let rules = LiveRules::new(supabase, secret(Some(r#"{"max_bytes": 7}"#)));
    assert_eq!(rules.current(Deadline::NEVER).await.unwrap().max_bytes, 5);
    let read = "media_sync_settings";
    assert_eq!(
        *calls.lock().unwrap(),
        [read, "media_sync_set_setting", read]
    );

    let (supabase, calls) = database(Vec::new()).await;
    import_settings(&supabase, &secret(None)).await.unwrap();
    assert!(
        calls.lock().unwrap().is_empty(),
        "a secret without settings costs no call"
    );
}

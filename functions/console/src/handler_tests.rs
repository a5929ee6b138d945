use std::collections::BTreeMap;

use lambda_http::http::HeaderMap;
use media_sync::config;

use super::*;

const PAGE: EmbeddedFile = EmbeddedFile {
    name: "index.html",
    hash: "abc",
    plain: b"plain",
    brotli: Some(b"small"),
    gzip: None,
};

const SCRIPT: EmbeddedFile = EmbeddedFile {
    name: "assets/index-1.js",
    ..PAGE
};

fn console(files: &'static [EmbeddedFile]) -> Console {
    let keys = [
        ("CLOUDINARY_URL", "cloudinary://123:hush-hush@demo"),
        ("SUPABASE_URL", "https://project.supabase.co"),
        ("SUPABASE_SECRET_KEY", "sb_secret_hush-hush"),
        ("SUPABASE_PUBLISHABLE_KEY", "sb_publishable_x"),
        (
            "SUPABASE_JWT_SECRET",
            "hush-hush-hush-hush-hush-hush-hush-hush",
        ),
        ("CLOUDINARY_NOTIFICATION_SECRETS", r#"{"9": "hush-hush"}"#),
    ];
    let keys: BTreeMap<_, _> = keys
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    let config = config::from_map(&keys).unwrap();
    Console {
        config: LiveValue::fixed(config),
        files,
    }
}

async fn get(
    files: &'static [EmbeddedFile],
    path: &str,
    headers: &[(&'static str, &str)],
) -> Response<Body> {
    let mut request = Request::new(Body::Empty);
    *request.uri_mut() = path.parse().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    console(files).handle(request).await
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn the_page_is_asked_for_again_and_its_files_are_kept() {
    let files = &[PAGE, SCRIPT];
    let accept = [("accept-encoding", "gzip, br")];
    let page = get(files, "/console/sync", &accept).await;
    assert_eq!(page.status(), 200);
    assert_eq!(page.body().as_ref(), b"small");
    assert_eq!(header(page.headers(), "content-encoding"), "br");
    assert_eq!(
        header(page.headers(), "content-type"),
        "text/html; charset=utf-8"
    );
    assert_eq!(header(page.headers(), "cache-control"), "no-cache");
    let script = get(files, "/console/assets/index-1.js", &[]).await;
    assert_eq!(script.body().as_ref(), b"plain");
    assert_eq!(header(script.headers(), "content-encoding"), "");
    assert!(header(script.headers(), "cache-control").ends_with("immutable"));
    let known = get(files, "/console", &[("if-none-match", "W/\"abc\"")]).await;
    assert_eq!(known.status(), 304);
    assert!(known.body().is_empty());
}

#[tokio::test]
async fn every_answer_says_what_the_page_may_do() {
    for path in ["/console", "/console/missing.js", "/console/config.json"] {
        let response = get(&[PAGE], path, &[]).await;
        let headers = response.headers();
        let policy = header(headers, "content-security-policy");
        assert_eq!(
            policy,
            "default-src 'none'; script-src 'self'; style-src 'self'; \
             img-src 'self' https://res.cloudinary.com blob: data:; \
             media-src https://res.cloudinary.com blob:; \
             connect-src 'self' https://project.supabase.co wss://project.supabase.co https://api.cloudinary.com; \
             form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
            "{path}"
        );
        assert_eq!(header(headers, "x-content-type-options"), "nosniff");
        assert_eq!(header(headers, "referrer-policy"), "no-referrer");
        assert_eq!(header(headers, "cross-origin-opener-policy"), "same-origin");
    }
}

#[tokio::test]
async fn settings_hold_publishable_values_alone() {
    let response = get(&[PAGE], "/console/config.json", &[]).await;
    let text = String::from_utf8(response.body().to_vec()).unwrap();
    assert!(!text.contains("hush"), "{text}");
    let settings: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        settings,
        json!({
            "supabase_url": "https://project.supabase.co",
            "publishable_key": "sb_publishable_x",
            "cloud_name": "demo",
        })
    );
}

#[tokio::test]
async fn a_missing_file_is_not_the_page() {
    let response = get(&[PAGE], "/console/assets/old-1.js", &[]).await;
    assert_eq!(response.status(), 404);
    assert_eq!(
        header(response.headers(), "content-type"),
        "application/problem+json"
    );
}

#[tokio::test]
async fn a_build_without_the_page_names_the_command() {
    let response = get(&[], "/console", &[]).await;
    assert_eq!(response.status(), 404);
    let text = String::from_utf8(response.body().to_vec()).unwrap();
    assert!(text.contains("make console"), "{text}");
}

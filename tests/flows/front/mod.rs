//! The API's front: keys and tokens of both generations, CORS, and a document that every answer keeps to.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod client;
mod told;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use end_to_end::World;
use local_stack::{LocalStack, StackOptions, TokenClaims};
use media_sync::config::{self, Config};
use media_sync::supabase::{DataApi, SupabaseError};
use media_sync::time::Timestamp;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const PAGE: &str = "https://app.example.com";

/// The database's functions behind good requests.
const BEHIND: [&str; 17] = [
    "media_list",
    "media_facets",
    "media_get",
    "media_request_delete",
    "media_request_edit",
    "media_request_restore",
    "media_sync_begin_upload",
    "media_sync_overview",
    "media_audit",
    "media_audit_series",
    "media_events",
    "media_request_replay",
    "media_request_redrive",
    "media_issues",
    "media_mark_issue",
    "media_retry_issue",
    "media_sync_health",
];

/// Half of all parameters and fields are here: it is tried beside the rest, since it takes as long.
const LARGEST: &str = "/api/cloudinary/media";

/// Without every bound of every parameter and field, which takes its time. These are looked at after the caller, so an
/// administrator tries them for all.
const QUICK: [&str; 2] = ["--phases", "examples,fuzzing"];

#[tokio::test]
async fn keys_and_tokens_of_both_generations_open_the_same_doors() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let user = TokenClaims::user("user@example.com");
    let (today, legacy) = (stack.token(&user), stack.legacy_token(&user));
    for (secret, publishable) in [
        (stack.secret_key(), stack.publishable_key()),
        (stack.legacy_service_role_key(), stack.legacy_anon_key()),
    ] {
        let url = stack.supabase_url();
        let config = [
            ("CLOUDINARY_URL", "cloudinary://1:secret@demo"),
            ("SUPABASE_URL", &url),
            ("SUPABASE_SECRET_KEY", secret),
            ("SUPABASE_PUBLISHABLE_KEY", publishable),
            ("SUPABASE_JWT_SECRET", stack.legacy_jwt_secret()),
        ];
        let config = config.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config = Config::from_map(&BTreeMap::from(config)).unwrap().supabase;
        let http = config::http_client().unwrap();
        let ask = async |database: &DataApi| -> Result<Value, SupabaseError> {
            database.rpc("media_sync_status", &json!({})).await
        };
        for token in [&today, &legacy] {
            let caller = config
                .token_verifier(&http)
                .verify(token, Timestamp::now())
                .await
                .unwrap();
            assert_eq!(caller.sub, user.sub);
            let database = config.public(&http).as_caller(&caller);
            assert!(ask(&database).await.is_ok());
        }
        assert!(ask(&config.service(&http)).await.is_ok());
        let nobody = ask(&config.public(&http)).await.unwrap_err();
        assert_eq!(nobody.code(), Some("42501"), "{nobody}");
    }
    stack.stop().await;
}

#[tokio::test]
async fn every_answer_keeps_to_the_document_whatever_is_asked() {
    let origins = format!("{PAGE},https://admin.example.com");
    let options = StackOptions {
        parameters: [("CorsOrigins".to_owned(), origins)].into(),
        ..StackOptions::default()
    };
    let world = World::start_with(options).await;
    world
        .cloud
        .seed(12, &["image", "video", "raw"], "front_")
        .await;
    let answer = world.sync(json!({})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);

    let document = world
        .call(Method::GET, "/api/openapi.json", None, None)
        .await;
    assert_eq!(document.status, StatusCode::OK);
    assert_eq!(document.body["openapi"], "3.1.0");
    assert_cors(&world).await;
    client::use_the_api(&world).await;
    told::assert_functions_agree(&world, &document.body).await;

    let strict = world.stack.logs().join("openapi.json");
    let examples = real_examples(&world, &closed(&document.body)).await;
    std::fs::write(&strict, examples).unwrap();
    world.stack.reset_gateway_counts();
    let nobody = try_operations(&world, &strict, None, QUICK).await;
    nobody.unwrap_or_else(|report| panic!("as nobody:\n{report}"));
    // The drain asks how the mirror stands, every minute.
    for function in BEHIND
        .into_iter()
        .filter(|name| *name != "media_sync_health")
    {
        assert_eq!(calls(&world, function), 0, "{function}");
    }
    let admin = Some(world.admin.as_str());
    let (user, largest, others) = tokio::join!(
        try_operations(&world, &strict, Some(&world.user), QUICK),
        try_operations(&world, &strict, admin, ["--include-path", LARGEST]),
        try_operations(&world, &strict, admin, ["--exclude-path", LARGEST]),
    );
    for (who, report) in [
        ("user", user),
        ("administrator", largest),
        ("administrator", others),
    ] {
        report.unwrap_or_else(|report| panic!("as {who}:\n{report}"));
    }
    for function in BEHIND {
        let good_requests = calls(&world, function);
        // An operation without parameters is tried no more often.
        assert!(good_requests >= 3, "{function}: {good_requests}");
    }
    world.settle().await;
    world.stack.stop().await;
}

/// Counts the calls of a function of the database since the counts were reset.
fn calls(world: &World, function: &str) -> u64 {
    let counts = world.stack.gateway_counts();
    counts.of(&format!("POST /rest/v1/rpc/{function}"))
}

/// Pages of the template's parameter may call, others not; errors can be read as well.
async fn assert_cors(world: &World) {
    let preflight = |origin| {
        [
            ("origin", origin),
            ("access-control-request-method", "DELETE"),
        ]
    };
    let path = "/api/cloudinary/media";
    let (status, headers) = send(world, Method::OPTIONS, path, &preflight(PAGE)).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(headers["access-control-allow-origin"], PAGE);
    assert!(!headers.contains_key("access-control-allow-credentials"));
    let listed = |name: &str| headers[name].to_str().unwrap().to_ascii_lowercase();
    assert!(listed("access-control-allow-methods").contains("delete"));
    assert!(listed("access-control-allow-headers").contains("authorization"));

    let (status, headers) = send(world, Method::GET, path, &[("origin", PAGE)]).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(headers["access-control-allow-origin"], PAGE);
    assert!(headers.contains_key("x-request-id"));
    assert_eq!(headers["www-authenticate"], "Bearer");

    for origin in ["https://evil.example.com", "null"] {
        for (method, headers) in [
            (Method::OPTIONS, preflight(origin).to_vec()),
            (Method::GET, vec![("origin", origin)]),
        ] {
            let (_, headers) = send(world, method, path, &headers).await;
            assert!(
                !headers.contains_key("access-control-allow-origin"),
                "{origin}"
            );
        }
    }
}

async fn send(
    world: &World,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> (StatusCode, HeaderMap) {
    let http = config::http_client().unwrap();
    let mut request = http.request(method, format!("{}{path}", world.stack.front_door_url()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    (response.status(), response.headers().clone())
}

/// The document lets fields be added to answers; here one that it does not name is a failure.
fn closed(document: &Value) -> Value {
    let mut closed = document.clone();
    for schema in closed["components"]["schemas"]
        .as_object_mut()
        .unwrap()
        .values_mut()
    {
        close(schema);
    }
    closed
}

fn close(schema: &mut Value) {
    if schema["properties"].is_object() && schema["additionalProperties"].is_null() {
        schema["additionalProperties"] = false.into();
    }
    for (_, part) in schema.as_object_mut().into_iter().flatten() {
        match part {
            Value::Object(_) => close(part),
            Value::Array(parts) => parts.iter_mut().for_each(close),
            _ => {}
        }
    }
}

/// The document with an asset that there is in its examples, so that good answers are among those
/// that are looked at.
async fn real_examples(world: &World, document: &Value) -> String {
    let path = "/api/cloudinary/media?limit=1";
    let page = world
        .call(Method::GET, path, Some(&world.admin), None)
        .await;
    let asset = &page.body["items"][0];
    let mut text = document.to_string();
    for (example, field) in [
        ("bf9e9f07a40443b897c2686ae5959d7b", "cloudinary_asset_id"),
        ("products/mugs/mug-0000013", "cloudinary_public_id"),
    ] {
        assert!(text.contains(example), "{example} is an example");
        text = text.replace(example, asset[field].as_str().unwrap());
    }
    text
}

/// Has Schemathesis try operations as somebody, all or what the option says; its report if something
/// is wrong.
async fn try_operations(
    world: &World,
    document: &Path,
    token: Option<&str>,
    option: [&str; 2],
) -> Result<(), String> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(schemathesis());
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("SCHEMATHESIS_HOOKS", tests.join("schemathesis_hooks.py"))
        .current_dir(world.stack.logs())
        .arg("--config-file")
        .arg(tests.join("schemathesis.toml"))
        .arg("run")
        .arg(document)
        .args(["--url", &world.stack.front_door_url(), "--no-color"])
        .args(option);
    if let Some(token) = token {
        command.args(["-H", &format!("Authorization: Bearer {token}")]);
    }
    // The front door and the gateway run in this process meanwhile.
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() && report.contains("No issues found") {
        return Ok(());
    }
    Err(report + &String::from_utf8_lossy(&output.stderr))
}

fn schemathesis() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let program = root.join(".tools/venv-api/bin/schemathesis");
    assert!(
        program.exists(),
        "{} is missing: run `make setup`",
        program.display()
    );
    program
}

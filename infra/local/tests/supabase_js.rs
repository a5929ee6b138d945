//! Supabase's official SDK for JavaScript works as at a hosted project.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use local_stack::{LocalStack, StackOptions, StackPart, TokenClaims};
use serde_json::json;
use support::{execute, get, node, schema_is_reloaded, send};

const WHO: &str = "create function public.who() returns json language sql stable as $$
        select json_build_object('role', current_user, 'uid', auth.uid(), 'app', auth.jwt() #>> '{app_metadata,role}') $$;
    grant execute on function public.who() to anon, authenticated, service_role;
    notify pgrst, 'reload schema'";

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_every_key_have_its_role() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    execute(&stack, WHO).await;
    schema_is_reloaded(&stack, "who").await;
    let environment = [
        (
            "ACCESS_TOKEN",
            stack.token(&TokenClaims::user("user@example.com")),
        ),
        (
            "LEGACY_SERVICE_ROLE_KEY",
            stack.legacy_service_role_key().to_owned(),
        ),
        ("LEGACY_ANON_KEY", stack.legacy_anon_key().to_owned()),
    ];
    node::run(
        &stack,
        "keys",
        include_str!("supabase_js/keys.mjs"),
        &environment,
    )
    .await;
    stack.stop().await;
}

const NOTES: &str = "create table public.notes (owner uuid not null default auth.uid(), text text not null);
    alter table public.notes enable row level security;
    create policy own on public.notes using ((select auth.uid()) = owner) with check ((select auth.uid()) = owner);
    grant select, insert on public.notes to authenticated, service_role;";

#[tokio::test(flavor = "multi_thread")]
async fn users_sign_up_and_are_administrated() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    execute(&stack, &format!("{NOTES}{WHO}")).await;
    schema_is_reloaded(&stack, "who").await;
    let program = include_str!("supabase_js/users.mjs");
    node::run(&stack, "users", program, &[]).await;
    let program = include_str!("supabase_js/codes.mjs");
    node::run(&stack, "codes", program, &[]).await;
    auth_refuses_in_the_form_that_is_asked_for(&stack).await;
    paths_are_offered_absent_or_nowhere(&stack).await;
    sessions_outlive_the_database_server(&stack).await;
    stack.stop().await;
}

async fn auth_refuses_in_the_form_that_is_asked_for(stack: &LocalStack) {
    let url = format!("{}/auth/v1/token?grant_type=password", stack.supabase_url());
    let body = br#"{"email":"a@example.com","password":"wrong"}"#;
    let key = ("apikey", stack.publishable_key());
    let older = send("POST", &url, &[key], body).await;
    assert_eq!(older.status, 400);
    assert_eq!(older.headers["x-sb-error-code"], "invalid_credentials");
    assert_eq!(
        older.json(),
        json!({ "code": 400, "error_code": "invalid_credentials", "msg": "Invalid login credentials" })
    );
    let version = ("x-supabase-api-version", "2024-01-01");
    let newer = send("POST", &url, &[key, version], body).await;
    assert_eq!(newer.status, 400);
    assert_eq!(newer.headers["x-supabase-api-version"], "2024-01-01");
    assert_eq!(
        newer.json(),
        json!({ "code": "invalid_credentials", "message": "Invalid login credentials" })
    );
    let broken = send("POST", &url, &[key], b"{").await;
    assert_eq!(broken.json()["error_code"], "bad_json");
}

async fn paths_are_offered_absent_or_nowhere(stack: &LocalStack) {
    let (anon, service) = (stack.publishable_key(), stack.secret_key());
    // Method, path, apikey, status, code
    let table = [
        ("GET", "/health", Some(anon), 200, ""),
        ("GET", "/health", None, 401, ""),
        ("GET", "/.well-known/jwks.json", None, 200, ""),
        ("GET", "/user", Some(anon), 403, "bad_jwt"),
        ("GET", "/admin/users", Some(anon), 403, "not_admin"),
        ("GET", "/admin/users", Some(service), 200, ""),
        (
            "GET",
            "/admin/users?page=x",
            Some(service),
            400,
            "validation_failed",
        ),
        (
            "GET",
            "/admin/users/1",
            Some(service),
            404,
            "validation_failed",
        ),
        ("POST", "/invite", Some(anon), 403, "not_admin"),
        ("POST", "/otp", Some(anon), 400, "validation_failed"),
        ("POST", "/magiclink", Some(anon), 501, "not_implemented"),
        (
            "GET",
            "/authorize?provider=github",
            None,
            400,
            "validation_failed",
        ),
        (
            "POST",
            "/token?grant_type=pkce",
            Some(anon),
            400,
            "validation_failed",
        ),
        (
            "POST",
            "/token?grant_type=id_token",
            Some(anon),
            501,
            "not_implemented",
        ),
        ("POST", "/token", Some(anon), 400, "invalid_credentials"),
        ("GET", "/nowhere", Some(anon), 404, ""),
        ("DELETE", "/signup", Some(anon), 405, ""),
    ];
    for (method, path, key, status, code) in table {
        let url = format!("{}/auth/v1{path}", stack.supabase_url());
        let headers: Vec<_> = key.map(|key| ("apikey", key)).into_iter().collect();
        let answer = send(method, &url, &headers, b"{}").await;
        assert_eq!(answer.status, status, "{method} {path}: {:?}", answer.body);
        if !code.is_empty() {
            assert_eq!(answer.json()["error_code"], code, "{method} {path}");
        }
    }
    let url = format!("{}/auth/v1/user", stack.supabase_url());
    let headers = [("apikey", anon), ("authorization", "Basic abc")];
    let answer = send("GET", &url, &headers, b"").await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["error_code"], "no_authorization");
}

async fn sessions_outlive_the_database_server(stack: &LocalStack) {
    let url = |path: &str| format!("{}/auth/v1{path}", stack.supabase_url());
    let key = ("apikey", stack.publishable_key());
    let credentials = br#"{"email":"ada@example.com","password":"second password"}"#;
    let sign_in = url("/token?grant_type=password");
    let session = send("POST", &sign_in, &[key], credentials).await.json();
    let bearer = format!("Bearer {}", session["access_token"].as_str().unwrap());

    stack.kill(StackPart::Postgres).await.unwrap();
    let headers = [key, ("authorization", bearer.as_str())];
    assert_eq!(get(&url("/user"), &headers).await.status, 500);
    stack.start_again(StackPart::Postgres).await.unwrap();
    let user = get(&url("/user"), &headers).await.json();
    assert_eq!(user["email"], "ada@example.com");
    let refresh = url("/token?grant_type=refresh_token");
    let body = json!({ "refresh_token": session["refresh_token"] }).to_string();
    let refreshed = send("POST", &refresh, &[key], body.as_bytes()).await;
    assert_eq!(refreshed.status, 200, "{:?}", refreshed.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_choose_who_may_sign_up() {
    let program = include_str!("supabase_js/switches.mjs");
    let closed = StackOptions {
        sign_up_disabled: true,
        ..StackOptions::database_only()
    };
    let open = StackOptions {
        anonymous_sign_ins: true,
        ..StackOptions::database_only()
    };
    let by_others = StackOptions {
        other_sign_in: true,
        ..StackOptions::database_only()
    };
    for (options, sign_up) in [(closed, "no"), (open, "anonymous"), (by_others, "github")] {
        let stack = LocalStack::start(options).await.unwrap();
        execute(&stack, WHO).await;
        schema_is_reloaded(&stack, "who").await;
        let environment = [("EXPECT_SIGN_UP", sign_up.to_owned())];
        node::run(&stack, "switches", program, &environment).await;
        stack.stop().await;
    }
}

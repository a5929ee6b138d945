//! One stack with echoing functions: everything is reachable, and behaves as the real services do.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use local_stack::{GatewayFault, LocalStack, StackOptions, StackPart, TokenClaims};
use serde_json::json;
use support::{EchoProject, execute, get, schema_is_reloaded, send};

/// Sorted by subject; one start of the stack serves all.
#[tokio::test(flavor = "multi_thread")]
async fn whole_stack_answers_as_the_real_services_do() {
    let project = EchoProject::new();
    let options = StackOptions {
        template: Some(project.template()),
        parameters: [
            ("LogLevel", "debug"),
            ("ReconcileSchedule", "rate(7 minutes)"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        ..StackOptions::default()
    };
    let stack = LocalStack::start(options).await.unwrap();
    deployment_is_reachable_through_the_front_door(&stack).await;
    requests_arrive_byte_for_byte(&stack).await;
    functions_see_the_configuration_and_nothing_of_our_shell(&stack).await;
    functions_and_queues_can_be_asked_directly(&stack).await;
    every_listening_socket_is_on_the_loopback_interface();
    parts_come_back_as_they_were(&stack).await;
    cloudinary_notifies_and_remembers(&stack).await;
    stack.stop().await;
}

async fn deployment_is_reachable_through_the_front_door(stack: &LocalStack) {
    let front_door = stack.front_door_url();
    let page = get(&front_door, &[]).await;
    assert!(String::from_utf8_lossy(&page.body).contains(&stack.supabase_url()));

    let listing = get(
        &format!("{front_door}/api/cloudinary/media?limit=3&tags=a%20b"),
        &[("authorization", "Bearer x")],
    )
    .await;
    assert_eq!(listing.status, 200);
    assert_eq!(listing.headers["x-echo"], "yes");
    let event = &listing.json()["event"];
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["routeKey"], "GET /api/cloudinary/media");
    assert_eq!(event["rawQueryString"], "limit=3&tags=a%20b");
    assert_eq!(event["headers"]["authorization"], "Bearer x");

    let unknown = get(&format!("{front_door}/api/cloudinary/nothing"), &[]).await;
    assert_eq!(unknown.json()["event"]["routeKey"], "$default");
    for output in [
        "ApiUrl",
        "WebhookUrl",
        "NotificationQueueUrl",
        "OutboundQueueUrl",
        "ReconcileFunctionName",
    ] {
        assert!(stack.outputs().contains_key(output), "{output}");
    }
}

async fn requests_arrive_byte_for_byte(stack: &LocalStack) {
    let body = b"{\"a\" :  1,\n \"\xc3\xbc\":\"\\u00fc\"}\r\n ";
    let headers = [
        ("content-type", "application/json"),
        ("x-cld-signature", "AbC dEf"),
        ("x-cld-timestamp", "1700000000"),
    ];
    for url in [
        stack.webhook_url(),
        format!("{}/api/cloudinary/webhook", stack.api_url()),
    ] {
        let event = send("POST", &url, &headers, body).await.json()["event"].clone();
        let received = event["body"].as_str().unwrap();
        let received = if event["isBase64Encoded"] == true {
            decode(received)
        } else {
            received.as_bytes().to_vec()
        };
        assert_eq!(received, body, "{url}");
        assert_eq!(event["headers"]["x-cld-signature"], "AbC dEf", "{url}");
    }
}

fn decode(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap()
}

async fn functions_see_the_configuration_and_nothing_of_our_shell(stack: &LocalStack) {
    let seen = get(&format!("{}/api/cloudinary/sync", stack.api_url()), &[])
        .await
        .json();
    assert_eq!(seen["endpoint"], json!(stack.aws_endpoint().unwrap()));
    assert_eq!(
        seen["log_level"], "debug",
        "a parameter that was overridden"
    );
    let names: Vec<&str> = seen["environment"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|name| name.as_str())
        .collect();
    for expected in [
        "CONFIG_SECRET_ARN",
        "OUTBOUND_QUEUE_URL",
        "RECONCILE_QUEUE_URL",
        "LOG_LEVEL",
    ] {
        assert!(
            names.contains(&expected),
            "{expected} is missing in {names:?}"
        );
    }
    assert!(
        !names.iter().any(|name| name.starts_with("CARGO")),
        "{names:?}"
    );
}

async fn functions_and_queues_can_be_asked_directly(stack: &LocalStack) {
    let answer = stack
        .invoke("ReconcileFunctionName", &json!({ "mode": "full" }))
        .await
        .unwrap();
    assert_eq!(answer.error, None);
    let body: serde_json::Value =
        serde_json::from_str(answer.payload["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["event"], json!({ "mode": "full" }));
    assert!(
        stack
            .function_log("Reconcile")
            .await
            .unwrap()
            .contains("called")
    );

    let depths = stack.queue_depths().await.unwrap();
    assert_eq!(depths["NotificationQueue"].total(), 0);
    assert!(depths.contains_key("ReconcileDeadLetterQueue"));
}

#[cfg(target_os = "linux")]
fn every_listening_socket_is_on_the_loopback_interface() {
    use support::processes::{descendants, listening};
    let sockets = listening(&descendants(std::process::id()));
    // PostgreSQL, PostgREST twice, the emulator, and a Runtime API for each running function.
    assert!(sockets.len() > 4, "{sockets:?}");
    // 127.0.0.1, as /proc writes it.
    let elsewhere: Vec<_> = sockets
        .iter()
        .filter(|socket| !socket.starts_with("tcp 0100007F:"))
        .collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
}

#[cfg(not(target_os = "linux"))]
fn every_listening_socket_is_on_the_loopback_interface() {}

async fn parts_come_back_as_they_were(stack: &LocalStack) {
    let api = format!("{}/api/cloudinary/media", stack.api_url());
    let rest = format!("{}/rest/v1/media_assets?select=id", stack.supabase_url());
    let key = [("apikey", stack.secret_key())];
    let insert = "insert into public.media_assets (cloudinary_public_id, resource_type) values ('kept', 'image')";
    execute(stack, insert).await;

    stack.kill(StackPart::Postgres).await.unwrap();
    assert_eq!(get(&rest, &key).await.status, 503);
    stack.start_again(StackPart::Postgres).await.unwrap();
    assert_eq!(get(&rest, &key).await.json().as_array().unwrap().len(), 1);

    stack.kill(StackPart::PostgREST).await.unwrap();
    assert_eq!(get(&rest, &key).await.status, 503);
    stack.start_again(StackPart::PostgREST).await.unwrap();
    assert_eq!(get(&rest, &key).await.json().as_array().unwrap().len(), 1);

    let before = get(&api, &[]).await.json()["pid"].clone();
    stack.kill(StackPart::AwsWorker).await.unwrap();
    let after = get(&api, &[]).await;
    assert_eq!(after.status, 200);
    assert_ne!(after.json()["pid"], before);

    stack.kill(StackPart::Aws).await.unwrap();
    assert_eq!(get(&api, &[]).await.status, 503);
    stack.start_again(StackPart::Aws).await.unwrap();
    assert_eq!(get(&api, &[]).await.status, 200);
    assert_eq!(
        send("POST", &stack.webhook_url(), &[], b"{}").await.status,
        200
    );
}

async fn cloudinary_notifies_and_remembers(stack: &LocalStack) {
    let control = format!("{}/_control", stack.cloudinary_control().unwrap());
    let json = [("content-type", "application/json")];
    let seed = json!({ "count": 3, "emit_notifications": true }).to_string();
    let seeded = send("POST", &format!("{control}/seed"), &json, seed.as_bytes()).await;
    assert_eq!(seeded.status, 200, "{:?}", seeded.body);
    get(&format!("{control}/quiet?timeout_ms=20000"), &[]).await;
    let notifications = get(&format!("{control}/notifications"), &[]).await.json();
    assert_eq!(notifications["delivered"], 3, "{notifications}");

    stack.kill(StackPart::Cloudinary).await.unwrap();
    stack.start_again(StackPart::Cloudinary).await.unwrap();
    let state = get(&format!("{control}/state"), &[]).await.json();
    assert_eq!(state["assets"].as_array().unwrap().len(), 3);
    assert_eq!(state["triggers"][0]["uri"], json!(stack.webhook_url()));
}

/// Database, Data API and gateway alone.
#[tokio::test(flavor = "multi_thread")]
async fn gateway_treats_keys_and_tokens_as_supabase_does() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let sql = "create function public.who() returns json language sql stable as $$
            select json_build_object('role', current_user, 'uid', auth.uid(), 'app', auth.jwt() #>> '{app_metadata,role}') $$;
        grant execute on function public.who() to anon, authenticated, service_role;
        create table public.bare (id int);
        insert into public.bare select generate_series(1, 1200);
        create view public.many with (security_invoker = false) as select * from public.bare;
        grant select on public.many to service_role;
        notify pgrst, 'reload schema'";
    execute(&stack, sql).await;
    let who = format!("{}/rest/v1/rpc/who", stack.supabase_url());
    schema_is_reloaded(&stack, "who").await;

    let user = TokenClaims::user("user@example.com");
    let admin = TokenClaims::admin("admin@example.com");
    let (user_token, admin_token) = (bearer(&stack.token(&user)), bearer(&stack.token(&admin)));
    let legacy_user = bearer(&stack.legacy_token(&user));
    let expired = bearer(&stack.sign(&json!({ "role": "authenticated", "aud": "authenticated", "sub": user.sub, "exp": 1_000_000 })));
    let forged = format!("{}x", &user_token[..user_token.len() - 1]);
    let (secret, publishable) = (stack.secret_key(), stack.publishable_key());
    let (service, anon) = (stack.legacy_service_role_key(), stack.legacy_anon_key());
    let (service_bearer, secret_bearer) = (bearer(service), bearer(secret));
    let publishable_bearer = bearer(publishable);
    // apikey, Authorization, status, role
    let table: [(Option<&str>, Option<&str>, u16, &str); 18] = [
        (None, None, 401, ""),
        (None, Some(&user_token), 401, ""),
        (Some("sb_secret_wrong"), None, 401, ""),
        (Some(secret), None, 200, "service_role"),
        (Some(publishable), None, 200, "anon"),
        (Some(publishable), Some(&user_token), 200, "authenticated"),
        (Some(publishable), Some(&legacy_user), 200, "authenticated"),
        (Some(publishable), Some(&expired), 401, ""),
        (Some(publishable), Some(&forged), 401, ""),
        // As SDKs send it while nobody is signed in; where the two differ, `apikey` decides.
        (Some(secret), Some(&secret_bearer), 200, "service_role"),
        (Some(publishable), Some(&publishable_bearer), 200, "anon"),
        (Some(publishable), Some(&secret_bearer), 200, "anon"),
        (Some(secret), Some(&user_token), 200, "authenticated"),
        (None, Some(&secret_bearer), 401, ""),
        (Some(service), None, 200, "service_role"),
        (Some(service), Some(&service_bearer), 200, "service_role"),
        (Some(anon), None, 200, "anon"),
        (Some(anon), Some(&admin_token), 200, "authenticated"),
    ];
    for (api_key, authorization, status, role) in table {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(api_key.map(|key| ("apikey", key)));
        headers.extend(authorization.map(|value| ("authorization", value)));
        let answer = send("POST", &who, &headers, b"{}").await;
        assert_eq!(
            answer.status, status,
            "{api_key:?} {authorization:?}: {:?}",
            answer.body
        );
        if status == 200 {
            assert_eq!(answer.json()["role"], role, "{api_key:?} {authorization:?}");
        }
    }
    let answer = send(
        "POST",
        &who,
        &[("apikey", publishable), ("authorization", &admin_token)],
        b"{}",
    )
    .await
    .json();
    assert_eq!(answer["uid"], json!(admin.sub));
    assert_eq!(answer["app"], "admin");

    browsers_are_let_in_without_a_key(&stack, &who).await;
    nothing_is_granted_by_default_and_answers_are_limited(&stack).await;
    counts_and_faults_work(&stack, &who).await;
    let published = get(
        &format!("{}/auth/v1/.well-known/jwks.json", stack.supabase_url()),
        &[],
    )
    .await
    .json();
    assert_eq!(
        published["keys"].as_array().unwrap().len(),
        1,
        "the shared secret is not published"
    );
    stack.stop().await;
}

async fn browsers_are_let_in_without_a_key(stack: &LocalStack, who: &str) {
    let preflight = [
        ("origin", "http://localhost:5173"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "apikey,authorization"),
    ];
    let jwks = format!("{}/auth/v1/.well-known/jwks.json", stack.supabase_url());
    let token = format!("{}/auth/v1/token", stack.supabase_url());
    for url in [who, &jwks, &token] {
        let answer = send("OPTIONS", url, &preflight, b"").await;
        assert_eq!(answer.status, 200, "{url}");
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
        let granted = &answer.headers["access-control-allow-headers"];
        assert_eq!(granted, "apikey,authorization");
        let methods = answer.headers["access-control-allow-methods"].to_str();
        assert!(methods.unwrap().contains("PATCH"), "{url}");
    }
    let refused = send("POST", who, &[("origin", "http://localhost:5173")], b"{}").await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.headers["access-control-allow-origin"], "*");
}

async fn nothing_is_granted_by_default_and_answers_are_limited(stack: &LocalStack) {
    let key = [("apikey", stack.secret_key())];
    let refused = get(&format!("{}/rest/v1/bare", stack.supabase_url()), &key).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["code"]),
        (403, &json!("42501"))
    );
    let limited = get(&format!("{}/rest/v1/many", stack.supabase_url()), &key).await;
    assert_eq!(limited.json().as_array().unwrap().len(), 1000);
}

async fn counts_and_faults_work(stack: &LocalStack, who: &str) {
    let key = [("apikey", stack.secret_key())];
    stack.reset_gateway_counts();
    send("POST", who, &key, b"{}").await;
    get(
        &format!("{}/rest/v1/many?limit=1", stack.supabase_url()),
        &key,
    )
    .await;
    let control = format!("{}/_control/requests", stack.supabase_url());
    assert_eq!(
        get(&control, &[]).await.json(),
        json!({ "GET /rest/v1/many": 1, "POST /rest/v1/rpc/who": 1 })
    );
    assert_eq!(stack.gateway_counts().of("POST /rest/v1/rpc/who"), 1);

    stack.set_gateway_fault(Some(GatewayFault::Status {
        status: 502,
        times: 1,
    }));
    assert_eq!(send("POST", who, &key, b"{}").await.status, 502);
    assert_eq!(send("POST", who, &key, b"{}").await.status, 200);
    let fault = format!("{}/_control/fault", stack.supabase_url());
    send(
        "PUT",
        &fault,
        &[("content-type", "application/json")],
        br#"{"fault":"down"}"#,
    )
    .await;
    assert_eq!(send("POST", who, &key, b"{}").await.status, 503);
    send("DELETE", &fault, &[], b"").await;
    assert_eq!(send("POST", who, &key, b"{}").await.status, 200);
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// Each its own ports, data and keys.
#[tokio::test(flavor = "multi_thread")]
async fn two_stacks_run_at_once_and_do_not_mix() {
    let (one, two) = tokio::join!(
        LocalStack::start(StackOptions::database_only()),
        LocalStack::start(StackOptions::database_only())
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    execute(&one, "insert into public.media_assets (cloudinary_public_id, resource_type) values ('one', 'image')").await;
    let count = async |stack: &LocalStack| {
        let url = format!("{}/rest/v1/media_assets", stack.supabase_url());
        get(&url, &[("apikey", stack.secret_key())])
            .await
            .json()
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((count(&one).await, count(&two).await), (1, 0));
    let crossed = get(
        &format!("{}/rest/v1/media_assets", two.supabase_url()),
        &[("apikey", one.secret_key())],
    )
    .await;
    assert_eq!(crossed.status, 401);
    drop(one);
    assert_eq!(
        count(&two).await,
        0,
        "the end of one leaves the other alone"
    );
}

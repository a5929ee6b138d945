//! Supabase's official client hears broadcasts as at a hosted project, and no others.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use local_stack::{LocalStack, StackOptions, StackPart, TokenClaims};
use serde_json::json;
use support::{execute, node, schema_is_reloaded, send};

/// Members hear the topic `room` and nothing else; speakers may send into it too.
const ROOM: &str = "create policy hear on realtime.messages for select to authenticated
        using (extension = 'broadcast' and realtime.topic() = 'room'
            and auth.jwt() #>> '{app_metadata,role}' in ('member', 'speaker'));
    create policy speak on realtime.messages for insert to authenticated
        with check (realtime.topic() = 'room' and auth.jwt() #>> '{app_metadata,role}' = 'speaker');
    create function public.tell(topic text, event text, body jsonb, fails boolean default false) returns void
        language plpgsql security definer as $$
        begin
            perform realtime.send(body, event, topic, true);
            if fails then raise exception 'taken back'; end if;
        end $$;
    notify pgrst, 'reload schema'";

#[tokio::test(flavor = "multi_thread")]
async fn those_hear_a_topic_whom_its_policies_let_in() {
    let stack = LocalStack::start(StackOptions {
        realtime: true,
        ..StackOptions::database_only()
    })
    .await
    .unwrap();
    execute(&stack, ROOM).await;
    schema_is_reloaded_with_tell(&stack).await;
    let token = |role: &str| stack.token(&TokenClaims::with_role("u@example.com", role));
    let environment = [
        ("MEMBER_TOKEN", token("member")),
        ("SPEAKER_TOKEN", token("speaker")),
        ("STRANGER_TOKEN", token("stranger")),
    ];
    let program = include_str!("realtime_js/broadcast.mjs");
    node::run(&stack, "broadcast", program, &environment).await;

    // The server of the database ends; its successor is followed too.
    stack.kill(StackPart::Postgres).await.unwrap();
    stack.start_again(StackPart::Postgres).await.unwrap();
    schema_is_reloaded_with_tell(&stack).await;
    node::run(&stack, "broadcast-again", program, &environment).await;
    stack.stop().await;
}

async fn schema_is_reloaded_with_tell(stack: &LocalStack) {
    // Called without arguments it is not found, so another one tells when the schema is there.
    execute(
        stack,
        "create or replace function public.told() returns int language sql as 'select 1';
         grant execute on all functions in schema public to anon, authenticated, service_role;
         notify pgrst, 'reload schema'",
    )
    .await;
    schema_is_reloaded(stack, "told").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_without_a_key_or_without_realtime_are_refused() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let socket = format!("{}/realtime/v1/websocket", stack.supabase_url());
    let answer = shake(&socket, None).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["message"], "No API key found in request");
    let answer = shake(&socket, Some(stack.publishable_key())).await;
    assert_eq!(answer.status, 403);
    assert_eq!(
        answer.json(),
        json!({ "error": "Realtime was disabled for this tenant" })
    );
    stack.stop().await;
}

async fn shake(socket: &str, key: Option<&str>) -> support::Answer {
    let mut headers = vec![
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    headers.extend(key.map(|key| ("apikey", key)));
    send("GET", socket, &headers, b"").await
}

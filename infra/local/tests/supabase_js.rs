//! Supabase's official SDK for JavaScript finds what it finds at a hosted project.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use local_stack::{Claims, Options, Stack};
use support::{execute, node, schema_is_reloaded};

const WHO: &str = "create function public.who() returns json language sql stable as $$
        select json_build_object('role', current_user, 'uid', auth.uid(), 'app', auth.jwt() #>> '{app_metadata,role}') $$;
    grant execute on function public.who() to anon, authenticated, service_role;
    notify pgrst, 'reload schema'";

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_every_key_have_its_role() {
    let stack = Stack::start(Options::database_only()).await.unwrap();
    execute(&stack, WHO).await;
    schema_is_reloaded(&stack, "who").await;
    let environment = [
        (
            "ACCESS_TOKEN",
            stack.token(&Claims::user("user@example.com")),
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

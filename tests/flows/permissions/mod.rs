//! Permissions, asked of the real PostgREST for every table and function, and compared with their page,
//! docs/reference/permissions.md.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod catalog;
mod foreign_text;
mod page;
mod probe;
mod readable;

use std::path::Path;

use catalog::{Function, Relation};
use end_to_end::{DataApiCaller, database};
use local_stack::{LocalStack, StackOptions, TokenClaims};
use page::Page;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio_postgres::Client;

/// Callers of each attempt: `owner` is the user whose the rows are.
const ROLES: [&str; 9] = [
    "anonymous",
    "anonymous user",
    "owner",
    "other user",
    "reader",
    "editor",
    "administrator, aal1",
    "administrator, aal2",
    "service",
];

/// The mend.
const TAKE_AWAY: &str = "the migration that makes the table or function must first `revoke all on TABLE from anon, \
    authenticated, service_role`, or `revoke execute on function NAME from public, anon, authenticated, service_role`";

#[tokio::test]
async fn everybody_may_do_what_the_page_says_and_nothing_else() {
    // Where everything new is everybody's unless it is taken away, and Realtime is there.
    let strict = || StackOptions {
        settings: [("ACCESS_RULES".to_owned(), json!({"admin_aal": "aal2"}))].into(),
        ..StackOptions::database_only()
    };
    let older = StackOptions {
        realtime: true,
        open_grants: true,
        ..strict()
    };
    let (found, found_in_older) = tokio::join!(look(strict()), look(older));
    assert_eq!(
        page::differences(&found, &found_in_older),
        "",
        "projects made before 2026-10-30 grant more (+) by default: {TAKE_AWAY}"
    );

    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/permissions.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &found).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        page::differences(&written, &found),
        "",
        "docs/reference/permissions.md says something else (-) than was found (+). If what was found is meant, run\n    \
         UPDATE_DOCS=1 cargo test --workspace --test end_to_end permissions"
    );
}

/// The page as this project's database would have it.
async fn look(options: StackOptions) -> String {
    let stack = LocalStack::start(options).await.unwrap();
    let client = database::connect(stack.database_url()).await;
    let user = TokenClaims::user("user@example.com");
    let rows = include_str!("rows.sql").replace("{user}", &user.sub.to_string());
    client.batch_execute(&rows).await.unwrap();
    let reader = TokenClaims {
        app_role: Some("reader".to_owned()),
        ..user.clone()
    };
    let editor = TokenClaims::with_role("editor@example.com", "editor");
    let admin = TokenClaims::admin("admin@example.com");
    let callers = [
        DataApiCaller::anonymous(&stack),
        DataApiCaller::user(&stack, &TokenClaims::anonymous()),
        DataApiCaller::user(&stack, &user),
        DataApiCaller::user(&stack, &TokenClaims::user("other@example.com")),
        DataApiCaller::user(&stack, &reader),
        DataApiCaller::user(&stack, &editor),
        DataApiCaller::user(&stack, &admin),
        DataApiCaller::user(&stack, &admin.clone().assured()),
        DataApiCaller::service(&stack),
    ];
    let relations = catalog::relations(&client).await;
    let functions = catalog::functions(&client).await;
    probe::hold_deletes(&client, &relations).await;

    let mut page = Page::default();
    for relation in &relations {
        let mut found = Vec::new();
        for caller in &callers {
            found.push(probe::relation(caller, relation).await);
        }
        page.add_relation(relation, &found);
    }
    for function in &functions {
        let mut may = Vec::new();
        for caller in &callers {
            may.push(probe::function(caller, function).await);
        }
        page.add_function(function, &may);
    }
    nothing_is_reachable_past_the_exposed_schema(&client, &callers).await;
    anonymous_callers_get_nothing(&client, &callers[0], &relations, &functions).await;
    stack.stop().await;
    page.text()
}

async fn nothing_is_reachable_past_the_exposed_schema(client: &Client, callers: &[DataApiCaller]) {
    let hidden = catalog::names(
        client,
        "select nspname::text from pg_namespace where nspname <> 'public' and nspname !~ '^pg_(toast|temp)'",
    )
    .await;
    assert!(hidden.contains(&"media_sync".to_owned()));
    for schema in &hidden {
        for caller in callers {
            let headers = [("accept-profile", schema.as_str())];
            let answer = caller.call(Method::GET, "/", &headers, None).await;
            assert_eq!(
                (answer.status, &answer.body["code"]),
                (StatusCode::NOT_ACCEPTABLE, &json!("PGRST106")),
                "{schema}: {}",
                answer.body
            );
        }
    }
    let inside = catalog::names(
        client,
        "select distinct proname::text from pg_proc where pronamespace = 'media_sync'::regnamespace
        except select proname::text from pg_proc where pronamespace = 'public'::regnamespace",
    )
    .await;
    assert!(inside.contains(&"decide".to_owned()));
    for name in &inside {
        for caller in callers {
            let answer = caller.rpc(name, &json!({})).await;
            assert_eq!(
                (answer.status, &answer.body["code"]),
                (StatusCode::NOT_FOUND, &json!("PGRST202")),
                "{name}: {}",
                answer.body
            );
        }
    }
}

/// Neither by row level security alone nor by chance: they have no privilege at all.
async fn anonymous_callers_get_nothing(
    client: &Client,
    anonymous: &DataApiCaller,
    relations: &[Relation],
    functions: &[Function],
) {
    let privileges = catalog::names(
        client,
        "select c.oid::regclass::text from pg_class c
            where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
                and (has_table_privilege('anon', c.oid, 'select, insert, update, delete, truncate, references, trigger')
                    or has_any_column_privilege('anon', c.oid, 'select, insert, update, references'))
        union all select c.oid::regclass::text from pg_class c
            where c.relnamespace = 'public'::regnamespace
                and case c.relkind when 'S' then has_sequence_privilege('anon', c.oid, 'usage, select, update') end
        union all select p.oid::regprocedure::text from pg_proc p
            where p.pronamespace in ('public'::regnamespace, 'media_sync'::regnamespace)
                and has_function_privilege('anon', p.oid, 'execute')
        union all select 'media_sync' where has_schema_privilege('anon', 'media_sync', 'usage, create')",
    )
    .await;
    assert_eq!(
        privileges, [""; 0],
        "anonymous callers have privileges: {TAKE_AWAY}"
    );
    let described = anonymous.call(Method::GET, "/", &[], None).await;
    assert_eq!(
        described.body["paths"]
            .as_object()
            .map(serde_json::Map::len),
        Some(1),
        "PostgREST describes itself and nothing else: {}",
        described.body["paths"]
    );
    for relation in relations {
        let allowed = probe::relation(anonymous, relation).await;
        assert!(allowed.is_nothing(), "{}: {allowed:?}", relation.name);
    }
    for function in functions {
        assert!(
            !probe::function(anonymous, function).await,
            "{}",
            function.name
        );
    }
}

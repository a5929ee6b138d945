//! The database is a hosted Supabase project's, and migrations come to it by the real Supabase CLI.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use local_stack::{LocalStack, StackOptions};
use tokio_postgres::{Client, NoTls};

/// A project with Realtime and nothing of ours.
fn new_project() -> StackOptions {
    StackOptions {
        realtime: true,
        unmigrated: true,
        ..StackOptions::database_only()
    }
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// SQLSTATE of a refusal.
async fn refusal(client: &Client, sql: &str) -> String {
    let error = client.batch_execute(sql).await.unwrap_err();
    error.code().unwrap().code().to_owned()
}

async fn texts(client: &Client, sql: &str) -> Vec<String> {
    let rows = client.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn owner_of_the_project_may_no_more_than_at_supabase() {
    let stack = LocalStack::start(new_project()).await.unwrap();
    let postgres = connect(stack.database_url()).await;
    let superusers = texts(
        &postgres,
        "select rolname::text from pg_roles where rolsuper",
    );
    assert_eq!(superusers.await, ["supabase_admin"]);
    let limits = texts(
        &postgres,
        "select rolname || ' ' || setting from pg_roles, unnest(rolconfig) setting
        where setting ~ '^(statement|lock)_timeout' order by 1",
    );
    assert_eq!(
        limits.await,
        [
            "anon statement_timeout=3s",
            "authenticated statement_timeout=8s",
            "authenticator lock_timeout=8s",
            "authenticator statement_timeout=8s",
        ],
        "service_role has none of its own"
    );

    let insufficient_privilege = "42501";
    for sql in [
        "create function public.f() returns int language sql set media_sync.observing = 'on' as 'select 1'",
        "create table realtime.mine (id int)",
        "alter table realtime.messages add column mine int",
        "create policy mine on realtime.subscription for select using (true)",
        "create policy mine on auth.users for select using (true)",
        "alter role service_role superuser",
        "create event trigger mine on ddl_command_end execute function extensions.lend_policies()",
        "create table auth.mine (id int)",
        "grant supabase_realtime_admin to postgres",
    ] {
        assert_eq!(
            refusal(&postgres, sql).await,
            insufficient_privilege,
            "{sql}"
        );
    }
    for sql in [
        "create policy mine on realtime.messages for select to authenticated using (true)",
        "alter policy mine on realtime.messages using (false)",
        "drop policy mine on realtime.messages",
        "create extension pg_trgm with schema extensions",
        "create table public.mine (id int); alter publication supabase_realtime add table public.mine",
        "grant anon to postgres with inherit true; create role team nologin; grant authenticated to team",
    ] {
        postgres.batch_execute(sql).await.unwrap();
    }
    assert_eq!(
        refusal(
            &postgres,
            "alter table realtime.messages disable row level security"
        )
        .await,
        insufficient_privilege,
        "what was lent for a policy is taken back"
    );
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_are_pushed_once_whoever_applied_them() {
    let stack = LocalStack::start(new_project()).await.unwrap();
    let postgres = connect(stack.database_url()).await;
    let pushed = stack.push(&stack.migrations()).await.unwrap();
    assert!(pushed.contains("Finished supabase db push"), "{pushed}");
    let recorded = "select version || ' ' || name from media_sync.schema_versions order by 1";
    let versions = texts(&postgres, recorded).await;
    assert_eq!(versions, file_names(&stack.migrations()));

    let again = stack.push(&stack.migrations()).await.unwrap();
    assert!(again.contains("up to date"), "{again}");

    // As if they had been applied by something else than the CLI.
    postgres
        .batch_execute("delete from supabase_migrations.schema_migrations where true")
        .await
        .unwrap();
    let recognised = stack.push(&stack.migrations()).await.unwrap();
    assert!(recognised.contains("Finished"), "{recognised}");
    assert_eq!(texts(&postgres, recorded).await, versions);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn migration_that_fails_leaves_the_database_as_it_was() {
    let stack = LocalStack::start(new_project()).await.unwrap();
    let postgres = connect(stack.database_url()).await;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, sql: &str| std::fs::write(folder.path().join(name), sql).unwrap();
    write(
        "20260101000000_first.sql",
        "create table public.first (id int);",
    );
    write(
        "20260102000000_second.sql",
        "create table public.second (id int);\nselect no_such_column from public.first;",
    );
    let error = stack.push(folder.path()).await.unwrap_err().to_string();
    assert!(error.contains("no_such_column"), "{error}");
    let tables = "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'";
    assert_eq!(texts(&postgres, tables).await, ["first"]);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn table_of_the_same_name_is_left_alone_and_named() {
    let stack = LocalStack::start(new_project()).await.unwrap();
    let postgres = connect(stack.database_url()).await;
    postgres
        .batch_execute("create table public.media_assets (theirs int)")
        .await
        .unwrap();
    let error = stack
        .push(&stack.migrations())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("public.media_assets exists already"),
        "{error}"
    );
    let schemas = "select nspname::text from pg_namespace where nspname = 'media_sync'";
    assert_eq!(texts(&postgres, schemas).await, Vec::<String>::new());
    stack.stop().await;
}

/// `VERSION NAME` of every file, as the ledger has them.
fn file_names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.strip_suffix(".sql").unwrap().replacen('_', " ", 1))
        .collect();
    names.sort();
    names
}

//! The real migrations in a new Supabase project, beside `supabase db push` and a team's own history.

use crate::support::{Database, Project, run};

const LEDGER: &str =
    "select version || ' ' || name from media_sync.schema_versions order by version";
const HISTORY: &str = "select version from supabase_migrations.schema_migrations order by version";

/// `VERSION NAME` of every migration, as the command itself lists them.
fn built_in() -> Vec<String> {
    let list = run(&["migrations", "list"], &[]);
    list.stdout.lines().map(str::to_owned).collect()
}

fn migrate(database: &Database) -> Vec<String> {
    let run = database.run(&["migrate", "--json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    run.versions("applied")
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_come_beside_a_teams_history_and_their_copies_are_pushed_without_effect() {
    let project = Project::start().await;
    let database = project.own_database();
    let team = tempfile::tempdir().unwrap();
    let theirs = team.path().join("20250101000000_orders.sql");
    std::fs::write(theirs, "create table public.orders (id int primary key);").unwrap();
    project.stack.push(team.path()).await.unwrap();

    assert_eq!(migrate(&database).len(), built_in().len());
    assert_eq!(database.texts(HISTORY).await, ["20250101000000"]);
    assert_eq!(database.texts(LEDGER).await, built_in());
    let objects = database.picture().await;

    let copied = run(&["migrations", "copy", team.path().to_str().unwrap()], &[]);
    assert_eq!(copied.code, Some(0), "{copied:?}");
    let pushed = project.stack.push(team.path()).await.unwrap();
    assert!(pushed.contains("Finished supabase db push"), "{pushed}");
    assert_eq!(
        database.texts(HISTORY).await.len(),
        1 + built_in().len(),
        "the CLI has recorded the copies"
    );
    assert_eq!(database.picture().await, objects);
    assert!(migrate(&database).is_empty());
    project.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pushed_copies_are_a_whole_installation_and_it_can_be_started_anew() {
    let project = Project::start().await;
    let database = project.own_database();
    let team = tempfile::tempdir().unwrap();
    std::fs::write(team.path().join("20991231235959_theirs.sql"), "select 1;").unwrap();
    project.stack.push(team.path()).await.unwrap();
    let before = database.picture().await;

    let folder = team.path().to_str().unwrap();
    let copied = run(&["migrations", "copy", folder], &[]);
    assert_eq!(copied.code, Some(0), "{copied:?}");
    project.stack.push(team.path()).await.unwrap();
    assert_eq!(database.texts(LEDGER).await, built_in());
    assert!(migrate(&database).is_empty());

    for block in sql_of("Starting anew") {
        database.execute(&block).await;
    }
    assert_eq!(database.picture().await, before);
    assert_eq!(database.texts(HISTORY).await, ["20991231235959"]);
    assert_eq!(migrate(&database).len(), built_in().len());
    project.stop().await;
}

/// The blocks of SQL in a section of the page about migrations.
fn sql_of(section: &str) -> Vec<String> {
    let page = include_str!("../../../../docs/operate/migrations.md");
    let section = page.split_once(&format!("## {section}\n")).unwrap().1;
    let section = section.split("\n## ").next().unwrap();
    let blocks: Vec<String> = section
        .split("```sql\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect();
    assert!(!blocks.is_empty());
    blocks
}

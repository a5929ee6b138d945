//! `mediasync migrate` and `migrations list` on the real PostgreSQL, as a role that is no superuser.

use std::io::{BufRead as _, BufReader};
use std::path::Path;

use crate::support::{
    Database, Project, Run, at_a_terminal, command, copied_fixtures, fixtures, run, write_migration,
};

const VERSIONS: [&str; 4] = [
    "20261122080000",
    "20261122090000",
    "20261122090100",
    "20261124100000",
];

fn migrate(database: &Database, from: &Path, more: &[&str]) -> Run {
    let mut arguments = vec!["migrate", "--json", "--from", from.to_str().unwrap()];
    arguments.extend(more);
    database.run(&arguments)
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_database_gets_every_migration_once() {
    let project = Project::start().await;
    let database = project.unmigrated_database().await;

    let dry = migrate(&database, &fixtures(), &["--dry-run"]);
    assert_eq!(dry.code, Some(0), "{dry:?}");
    assert_eq!(dry.versions("applied"), VERSIONS);
    assert_eq!(dry.json()["dry_run"], true);
    assert!(!database.picture().await.contains(&"media_sync".to_owned()));

    a_person_at_a_terminal_is_asked_first(&database).await;

    let first = migrate(&database, &fixtures(), &[]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert_eq!(first.versions("applied"), VERSIONS);
    assert!(first.versions("already").is_empty());
    assert_eq!(first.json()["applied"][1]["name"], "media_assets");
    assert!(
        first
            .stderr
            .contains("applying 20261122090000_media_assets.sql")
    );
    assert_eq!(database.ledger().await, VERSIONS);

    let second = migrate(&database, &fixtures(), &[]);
    assert_eq!(second.code, Some(0), "{second:?}");
    assert!(second.versions("applied").is_empty());
    assert_eq!(second.versions("already"), VERSIONS);
    assert_eq!(second.json()["dry_run"], false);

    a_gap_is_filled_and_told(&database).await;
    the_list_tells_what_is_applied(&database).await;
    foreign_entries_of_the_ledger_are_refused(&database).await;
    project.stop().await;
}

async fn a_person_at_a_terminal_is_asked_first(database: &Database) {
    let from = fixtures();
    let arguments = ["migrate", "--from", from.to_str().unwrap()];
    let (code, screen) = at_a_terminal(&arguments, &[("DATABASE_URL", &database.url)], "n\n");
    let question = format!(
        "Apply 4 migrations to the database {} as {}? [Y/n]",
        database.name, database.role
    );
    assert!(screen.contains(&question), "{screen}");
    assert_eq!(code, Some(1), "{screen}");
    assert!(!database.picture().await.contains(&"media_sync".to_owned()));
}

async fn a_gap_is_filled_and_told(database: &Database) {
    let folder = copied_fixtures();
    write_migration(
        folder.path(),
        "20261123000000",
        "between",
        "create table public.media_between ();",
    );
    let run = migrate(database, folder.path(), &[]);
    assert_eq!(run.versions("applied"), ["20261123000000"], "{run:?}");
    assert!(
        run.stderr.contains(
            "warning: 20261123000000_between.sql is missing although newer ones are applied"
        ),
        "{run:?}"
    );
    database
        .execute(
            "drop table public.media_between; delete from media_sync.schema_versions where version = '20261123000000'",
        )
        .await;
}

async fn the_list_tells_what_is_applied(database: &Database) {
    let folder = copied_fixtures();
    write_migration(folder.path(), "20270101000000", "later", "select 1;");
    let from = folder.path().to_str().unwrap();
    let list = database.run(&["migrations", "list", "--from", from]);
    assert_eq!(list.code, Some(0), "{list:?}");
    let lines: Vec<&str> = list.stdout.lines().collect();
    assert_eq!(lines.len(), 5);
    assert!(
        lines[1].starts_with("20261122090000 media_assets             applied 20"),
        "{list:?}"
    );
    assert_eq!(lines[4], "20270101000000 later                    pending");

    let list = database
        .run(&["migrations", "list", "--json", "--from", from])
        .json();
    assert_eq!(list["migrations"][0]["applied"], true);
    assert_eq!(list["migrations"][4]["applied"], false);

    let without = run(&["migrations", "list", "--json"], &[]);
    assert_eq!(without.code, Some(0), "{without:?}");
    assert_eq!(
        without.json()["migrations"][0]["applied"],
        serde_json::Value::Null
    );
}

async fn foreign_entries_of_the_ledger_are_refused(database: &Database) {
    for (version, words) in [
        (
            "20990101000000",
            "error: the database is newer than this command: it has 20990101000000_x",
        ),
        (
            "20261122090030",
            "error: the database has an older development history: it has 20261122090030_x",
        ),
    ] {
        let insert = format!("insert into media_sync.schema_versions values ('{version}', 'x')");
        database.execute(&insert).await;
        let refused = migrate(database, &fixtures(), &[]);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains(words), "{refused:?}");
        assert_eq!(refused.stdout, "");
        database
            .execute("delete from media_sync.schema_versions where name = 'x'")
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn history_and_tables_of_a_team_stay_as_they_are() {
    let project = Project::start().await;
    let database = project.unmigrated_database().await;
    database
        .execute(
            "create schema supabase_migrations;
             create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
             insert into supabase_migrations.schema_migrations values ('20250101000000', '{select 1}', 'theirs'),
                 ('20991231235959', '{select 2}', 'theirs_too');
             create table public.orders (id int primary key);
             insert into public.orders values (7)",
        )
        .await;
    let run = migrate(&database, &fixtures(), &[]);
    assert_eq!(run.versions("applied"), VERSIONS, "{run:?}");
    let theirs = "select version || name || statements::text from supabase_migrations.schema_migrations order by version";
    assert_eq!(
        database.texts(theirs).await,
        [
            "20250101000000theirs{\"select 1\"}",
            "20991231235959theirs_too{\"select 2\"}"
        ]
    );
    assert_eq!(
        database.texts("select id::text from public.orders").await,
        ["7"]
    );

    a_file_that_another_way_applied_does_nothing(&project).await;
    a_table_of_somebody_else_stops_everything(&project).await;
    project.stop().await;
}

/// As `supabase db push` and the SQL editor do it: the file's text, under any name.
async fn a_file_that_another_way_applied_does_nothing(project: &Project) {
    let database = project.unmigrated_database().await;
    for version in &VERSIONS[..2] {
        let file = std::fs::read_dir(fixtures())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.to_str().unwrap().contains(version))
            .unwrap();
        database
            .execute(&std::fs::read_to_string(file).unwrap())
            .await;
    }
    let run = migrate(&database, &fixtures(), &[]);
    assert_eq!(run.versions("already"), VERSIONS[..2], "{run:?}");
    assert_eq!(run.versions("applied"), VERSIONS[2..]);
}

async fn a_table_of_somebody_else_stops_everything(project: &Project) {
    let database = project.unmigrated_database().await;
    database
        .execute("create table public.media_assets (theirs int)")
        .await;
    let before = database.picture().await;
    let run = migrate(&database, &fixtures(), &[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("public.media_assets exists"), "{run:?}");
    assert!(run.stderr.contains("mend:"), "{run:?}");
    assert_eq!(database.picture().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_migration_leaves_the_database_as_it_was_and_is_named_with_its_line() {
    let project = Project::start().await;
    let database = project.unmigrated_database().await;
    let before = database.picture().await;
    // The body begins on line 4 of the file.
    let bodies = [
        (
            "select 1;\nselect no_such_column\nfrom public.media_assets;",
            "line 5: column \"no_such_column\" does not exist",
        ),
        (
            "-- ü\nselec 1;",
            "line 5: syntax error at or near \"selec\"",
        ),
        (
            "create function f() returns void language plpgsql as $$\nbegin\n    perfor 1;\nend $$;",
            "line 6: syntax error at or near \"perfor\"",
        ),
        (
            "create function f() returns int language sql as $$\n    select nope\n$$;",
            "line 5: column \"nope\" does not exist",
        ),
        (
            "select 1;\n\n-- Theirs.\ncreate table public.media_assets ();",
            "line 7: relation \"media_assets\" already exists",
        ),
        (
            "do $$ begin\n    raise exception 'no' using hint = 'yes', detail = 'why';\nend $$;",
            "line 4: no",
        ),
        ("select 1;\nselect 1 / 0;", "line 5: division by zero"),
    ];
    for (body, words) in bodies {
        let folder = copied_fixtures();
        write_migration(folder.path(), "20261125000000", "broken", body);
        let run = migrate(&database, folder.path(), &[]);
        assert_eq!(run.code, Some(1), "{run:?}");
        let expected = format!("error: 20261125000000_broken.sql, {words}");
        assert!(run.stderr.contains(&expected), "{expected}: {run:?}");
        assert!(run.stderr.contains("nothing was applied"), "{run:?}");
        if body.contains("hint") {
            assert!(
                run.stderr.contains("  detail: why\n  hint: yes\n"),
                "{run:?}"
            );
        }
        assert_eq!(run.stdout, "");
        assert_eq!(database.picture().await, before, "{body}");
    }

    a_migration_that_does_not_record_itself_is_refused(&database).await;
    what_passes_by_itself_can_be_tried_again(&database).await;
    assert_eq!(database.picture().await, before);
    project.stop().await;
}

async fn what_passes_by_itself_can_be_tried_again(database: &Database) {
    database.execute("create table public.theirs ()").await;
    let mut holder = database.client().await;
    let holding = holder.transaction().await.unwrap();
    let lock = "lock table public.theirs in access exclusive mode";
    holding.batch_execute(lock).await.unwrap();
    for body in [
        "select pg_terminate_backend(pg_backend_pid());",
        "set local lock_timeout = '50ms'; alter table public.theirs add column ours int;",
    ] {
        let folder = copied_fixtures();
        write_migration(folder.path(), "20261125000000", "unlucky", body);
        let run = migrate(database, folder.path(), &[]);
        assert_eq!(run.code, Some(5), "{run:?}");
        assert!(run.stderr.contains("run this again"), "{run:?}");
    }
    holding.rollback().await.unwrap();
    database.execute("drop table public.theirs").await;
}

async fn a_migration_that_does_not_record_itself_is_refused(database: &Database) {
    let folder = copied_fixtures();
    std::fs::write(
        folder.path().join("20261125000000_silent.sql"),
        "create table public.media_x ();",
    )
    .unwrap();
    let run = migrate(database, folder.path(), &[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.stderr
            .contains("20261125000000_silent.sql has not recorded its version"),
        "{run:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_apply_everything_once() {
    let project = Project::start().await;
    let database = project.unmigrated_database().await;
    // The key of the lock, "media_sy": a team's tool may hold it too.
    let mut holder = database.client().await;
    let holding = holder.transaction().await.unwrap();
    holding
        .batch_execute("select pg_advisory_xact_lock(x'6d656469615f7379'::bigint)")
        .await
        .unwrap();
    let from = fixtures();
    let arguments = ["migrate", "--json", "--from", from.to_str().unwrap()];
    let mut waiting: Vec<_> = (0..2)
        .map(|_| {
            command(&arguments, &[("DATABASE_URL", &database.url)])
                .spawn()
                .unwrap()
        })
        .collect();
    let mut said = Vec::new();
    for child in &mut waiting {
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("waiting") {
            line.clear();
            assert!(
                stderr.read_line(&mut line).unwrap() > 0,
                "it says that it waits"
            );
        }
        said.push(stderr);
    }
    holding.rollback().await.unwrap();
    let mut applied: Vec<usize> = Vec::new();
    for child in waiting {
        let run = Run::from(child.wait_with_output().unwrap());
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(
            run.versions("applied").len() + run.versions("already").len(),
            4
        );
        applied.push(run.versions("applied").len());
    }
    applied.sort_unstable();
    assert_eq!(applied, [0, 4]);
    assert_eq!(database.ledger().await, VERSIONS);
    project.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_cannot_work_are_named_with_their_mend() {
    let project = Project::start().await;
    let database = project.unmigrated_database().await;
    let wrong_password = project.url(&database.name, &database.role, "hunter2");
    let wrong_database = project.url("no_such_database", &database.role, &database.password);
    let no_password = wrong_password.replace(":hunter2@", "@");
    let insists = format!("{}?sslmode=require", database.url);
    let free_port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let nobody = format!("postgres://u:hunter2@127.0.0.1:{free_port}/d");
    for (url, code, words) in [
        (wrong_password.as_str(), 4, "password authentication failed"),
        (&no_password, 4, "set PGPASSWORD"),
        (&wrong_database, 1, "check the database's name"),
        (&insists, 1, "does not support TLS"),
        (&nobody, 5, "did not take the connection"),
        (
            "postgres://u:hunter2@no-such-host.invalid/d",
            1,
            "does not resolve",
        ),
        (
            "postgres://u:hunter2@x.pooler.supabase.com:6543/d",
            2,
            "postgresql://u@x.pooler.supabase.com:5432/d",
        ),
        ("", 2, "DATABASE_URL"),
    ] {
        let run = run(&["migrate"], &[("DATABASE_URL", url)]);
        assert_eq!(run.code, Some(code), "{words}: {run:?}");
        assert!(run.stderr.contains(words), "{words}: {run:?}");
        assert!(run.stderr.contains("mend:"), "{run:?}");
        assert!(!run.stderr.contains("hunter2"), "{run:?}");
        assert_eq!(run.stdout, "");
    }
    let from = fixtures();
    let arguments = ["migrate", "--dry-run", "--from", from.to_str().unwrap()];
    let given = run(
        &arguments,
        &[
            ("DATABASE_URL", &no_password),
            ("PGPASSWORD", &database.password),
        ],
    );
    assert_eq!(given.code, Some(0), "{given:?}");
    assert_eq!(
        given.stdout.lines().next(),
        Some("20261122080000 media_sync_versions")
    );

    what_the_role_or_the_database_lacks_is_named(&project, &database).await;
    project.stop().await;
}

async fn what_the_role_or_the_database_lacks_is_named(project: &Project, database: &Database) {
    let weak = format!("weak_{}", database.name);
    database
        .execute(&format!("create role {weak} login password 'hunter2'"))
        .await;
    let url = project.url(&database.name, &weak, "hunter2");
    let from = fixtures();
    let arguments = ["migrate", "--from", from.to_str().unwrap()];
    let refused = run(&arguments, &[("DATABASE_URL", &url)]);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    for words in [
        format!("the role {weak} cannot"),
        format!("CREATE on database {}", database.name),
        "CREATE on schema public".to_owned(),
        "connect as postgres".to_owned(),
    ] {
        assert!(refused.stderr.contains(&words), "{words}: {refused:?}");
    }

    database
        .execute(&format!(
            "alter database {} set default_transaction_read_only = on",
            database.name
        ))
        .await;
    let refused = database.run(&arguments);
    assert_eq!(refused.code, Some(5), "{refused:?}");
    assert!(refused.stderr.contains("takes no writes"), "{refused:?}");
    let allow = format!(
        "set transaction_read_only = off; alter database {} reset default_transaction_read_only",
        database.name
    );
    database.execute(&allow).await;

    database.execute("drop schema auth cascade").await;
    let refused = database.run(&arguments);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("auth.uid()"), "{refused:?}");
}

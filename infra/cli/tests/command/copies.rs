//! `mediasync migrations copy` into folders as teams have them.

use std::path::Path;

use crate::support::{Run, copied_fixtures, fixtures, run, write_migration};

fn copy(folder: &Path, from: &Path, more: &[&str]) -> Run {
    let mut arguments = vec![
        "migrations",
        "copy",
        folder.to_str().unwrap(),
        "--json",
        "--from",
        from.to_str().unwrap(),
    ];
    arguments.extend(more);
    run(&arguments, &[])
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn copies_come_behind_a_teams_own_files_and_are_made_once() {
    let team = tempfile::tempdir().unwrap();
    std::fs::write(team.path().join("20991231235959_theirs.sql"), "select 1;").unwrap();

    let dry = copy(team.path(), &fixtures(), &["--dry-run"]);
    assert_eq!(dry.json()["copied"].as_array().unwrap().len(), 4, "{dry:?}");
    assert_eq!(names(team.path()).len(), 1);

    let first = copy(team.path(), &fixtures(), &[]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.stderr.contains("supabase db push"), "{first:?}");
    assert_eq!(
        names(team.path()),
        [
            "20991231235959_theirs.sql",
            "21000101000000_media_sync_media_sync_versions.sql",
            "21000101000001_media_sync_media_assets.sql",
            "21000101000002_media_sync_media_sync_records.sql",
            "21000101000003_media_sync_media_list.sql",
        ]
    );
    let ours = fixtures().join("20261122090000_media_assets.sql");
    let theirs = team
        .path()
        .join("21000101000001_media_sync_media_assets.sql");
    assert_eq!(
        std::fs::read(ours).unwrap(),
        std::fs::read(&theirs).unwrap()
    );

    let second = copy(team.path(), &fixtures(), &[]);
    assert_eq!(second.json()["copied"], serde_json::json!([]), "{second:?}");
    assert_eq!(
        second.json()["already"][1]["file"],
        "21000101000001_media_sync_media_assets.sql"
    );
    assert_eq!(names(team.path()).len(), 5);

    // A newer version brings one more, and a team has touched one.
    let newer = copied_fixtures();
    write_migration(newer.path(), "20270101000000", "later", "select 1;");
    std::fs::write(
        &theirs,
        format!("-- ours\n{}", std::fs::read_to_string(&theirs).unwrap()),
    )
    .unwrap();
    let third = copy(team.path(), newer.path(), &[]);
    assert_eq!(
        third.json()["copied"][0]["file"],
        "21000101000004_media_sync_later.sql",
        "{third:?}"
    );
    assert!(
        third
            .stderr
            .contains("warning: 21000101000001_media_sync_media_assets.sql is not the text of"),
        "{third:?}"
    );
    assert_eq!(names(team.path()).len(), 6);
}

#[test]
fn built_in_migrations_are_copied_after_now() {
    let team = tempfile::tempdir().unwrap();
    let run = run(&["migrations", "copy", team.path().to_str().unwrap()], &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let written = names(team.path());
    assert_eq!(run.stdout.lines().collect::<Vec<_>>(), written);
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../supabase/migrations");
    assert_eq!(written.len(), names(&project).len());
    let now = jiff::Timestamp::now().strftime("%Y%m%d%H0000").to_string();
    assert!(written[0] >= now, "{written:?}");
}

#[test]
fn folder_that_cannot_be_meant_is_refused() {
    let project = tempfile::tempdir().unwrap();
    std::fs::write(project.path().join("config.toml"), "").unwrap();
    let above = copy(project.path(), &fixtures(), &[]);
    assert_eq!(above.code, Some(2), "{above:?}");
    let mend = format!(
        "mend: mediasync migrations copy {}",
        project.path().join("migrations").display()
    );
    assert!(above.stderr.contains(&mend), "{above:?}");
    assert_eq!(names(project.path()), ["config.toml"]);

    let absent = copy(&project.path().join("migrations"), &fixtures(), &[]);
    assert_eq!(absent.code, Some(2), "{absent:?}");
    assert!(
        absent.stderr.contains("name an existing folder"),
        "{absent:?}"
    );
}

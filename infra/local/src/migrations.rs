//! Applies the project's migrations as `supabase db push` does, with errors that name file and line.

use std::path::{Path, PathBuf};

use tokio_postgres::Client;

use crate::StackError;

/// Applies what is not recorded yet, oldest first; returns the versions that were applied.
pub(crate) async fn apply(client: &mut Client, folder: &Path) -> Result<Vec<String>, StackError> {
    let mut applied = Vec::new();
    for migration in list(folder)? {
        if !is_recorded(client, &migration.version).await? {
            apply_one(client, &migration).await?;
            applied.push(migration.version);
        }
    }
    Ok(applied)
}

/// Runs one SQL file as it is, in the transaction that PostgreSQL makes of a multi-statement query.
pub(crate) async fn run_file(client: &Client, file: &Path) -> Result<(), StackError> {
    let sql = std::fs::read_to_string(file).map_err(StackError::file(file))?;
    client
        .batch_execute(&sql)
        .await
        .map_err(|error| located(file, &sql, &error))
}

#[derive(Debug)]
struct Migration {
    version: String,
    name: String,
    file: PathBuf,
}

fn list(folder: &Path) -> Result<Vec<Migration>, StackError> {
    let entries = std::fs::read_dir(folder).map_err(StackError::file(folder))?;
    let mut migrations: Vec<Migration> = entries
        .filter_map(|entry| parse_name(entry.ok()?.path()))
        .collect();
    migrations.sort_by(|a, b| a.version.cmp(&b.version));
    Ok(migrations)
}

/// `<timestamp>_<name>.sql`; the CLI passes over everything else, so do we.
fn parse_name(file: PathBuf) -> Option<Migration> {
    let (version, name) = file
        .file_name()?
        .to_str()?
        .strip_suffix(".sql")?
        .split_once('_')?;
    let is_timestamp = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
    is_timestamp.then(|| Migration {
        version: version.to_owned(),
        name: name.to_owned(),
        file: file.clone(),
    })
}

async fn is_recorded(client: &Client, version: &str) -> Result<bool, StackError> {
    let query =
        "select exists (select from supabase_migrations.schema_migrations where version = $1)";
    let row = client
        .query_one(query, &[&version])
        .await
        .map_err(StackError::database("reading which migrations are applied"))?;
    Ok(row.get(0))
}

async fn apply_one(client: &mut Client, migration: &Migration) -> Result<(), StackError> {
    let sql =
        std::fs::read_to_string(&migration.file).map_err(StackError::file(&migration.file))?;
    let transaction = client
        .transaction()
        .await
        .map_err(StackError::database("beginning a migration"))?;
    transaction
        .batch_execute(&sql)
        .await
        .map_err(|error| located(&migration.file, &sql, &error))?;
    let record = "insert into supabase_migrations.schema_migrations (version, statements, name) values ($1, array[$2], $3)";
    transaction
        .execute(record, &[&migration.version, &sql, &migration.name])
        .await
        .map_err(StackError::database("recording a migration"))?;
    transaction
        .commit()
        .await
        .map_err(|error| located(&migration.file, &sql, &error))
}

fn located(file: &Path, sql: &str, error: &tokio_postgres::Error) -> StackError {
    use tokio_postgres::error::ErrorPosition;
    let Some(server) = error.as_db_error() else {
        return StackError::Migration {
            file: file.to_owned(),
            line: 1,
            message: error.to_string(),
        };
    };
    let line = match server.position() {
        Some(ErrorPosition::Original(characters)) => line_of(sql, *characters as usize),
        _ => 1,
    };
    let parts = [
        Some(server.message()),
        server.detail(),
        server.hint(),
        server.where_(),
    ];
    let message = parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
    StackError::Migration {
        file: file.to_owned(),
        line,
        message,
    }
}

/// The line of a position that PostgreSQL counts in characters from 1.
fn line_of(sql: &str, position: usize) -> usize {
    1 + sql
        .chars()
        .take(position.saturating_sub(1))
        .filter(|character| *character == '\n')
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn position_in_characters_becomes_a_line() {
        let sql = "-- ü\nselect 1;\nselect oops;";
        let position = sql.chars().take_while(|c| *c != 'o').count() + 1;
        assert_eq!(line_of(sql, position), 3);
        assert_eq!(line_of(sql, 1), 1);
    }

    #[test]
    fn only_timestamped_sql_files_are_migrations() {
        let migration = parse_name(PathBuf::from("/m/20260101000000_first_tables.sql")).unwrap();
        assert_eq!(
            (migration.version.as_str(), migration.name.as_str()),
            ("20260101000000", "first_tables")
        );
        for other in [
            "/m/README.md",
            "/m/seed.sql",
            "/m/2026.sql",
            "/m/x_first.sql",
        ] {
            assert!(parse_name(PathBuf::from(other)).is_none(), "{other}");
        }
    }

    #[tokio::test]
    async fn broken_migration_is_named_with_its_line_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, sql: &str| std::fs::write(folder.path().join(name), sql).unwrap();
        write("1_first.sql", "create table public.first (id int);");
        write(
            "2_second.sql",
            "create table public.second (id int);\n\nselect no_such_column\nfrom public.first;",
        );
        let tools = crate::tools::Tools::of_this_project();
        let supervisor = crate::supervisor::Supervisor::start(&tools).await.unwrap();
        let postgres = crate::postgres::Postgres::start(&supervisor, &tools)
            .await
            .unwrap();
        let mut client = postgres.connect().await.unwrap();

        let error = apply(&mut client, folder.path())
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("2_second.sql, line 3: column \"no_such_column\" does not exist"),
            "{error}"
        );
        let second = client
            .query_one("select to_regclass('public.second')::text", &[])
            .await
            .unwrap();
        assert_eq!(
            second.get::<_, Option<String>>(0),
            None,
            "what came before the error is undone"
        );

        write("2_second.sql", "create table public.second (id int);");
        assert_eq!(
            apply(&mut client, folder.path()).await.unwrap(),
            ["2"],
            "the first is recorded"
        );
        assert_eq!(
            apply(&mut client, folder.path()).await.unwrap(),
            Vec::<String>::new()
        );
    }
}

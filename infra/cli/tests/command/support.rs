//! Shared by the command's tests: databases as Supabase makes them, and the command itself.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use local_stack::{LocalStack, StackOptions};
use tokio_postgres::{Client, NoTls};

/// The parts of a Supabase project's database besides the roles, as far as the fixtures look.
const PROJECT: &str = "
create schema extensions;
create schema auth;
create function auth.uid() returns uuid language sql stable as 'select null::uuid';";

/// A new Supabase project, and databases beside its own.
pub(crate) struct Project {
    pub(crate) stack: LocalStack,
}

impl Project {
    pub(crate) async fn start() -> Self {
        let options = StackOptions {
            realtime: true,
            unmigrated: true,
            ..StackOptions::database_only()
        };
        Self {
            stack: LocalStack::start(options).await.unwrap(),
        }
    }

    pub(crate) async fn stop(self) {
        self.stack.stop().await;
    }

    /// The project's own database, for the real migrations.
    pub(crate) fn own_database(&self) -> Database {
        let url = url::Url::parse(self.stack.database_url()).unwrap();
        Database {
            name: url.path().trim_start_matches('/').to_owned(),
            role: url.username().to_owned(),
            password: url.password().unwrap().to_owned(),
            url: self.stack.database_url().to_owned(),
        }
    }

    /// A database that has seen no migration, for the fixtures. Its owner, `postgres`, is no superuser.
    pub(crate) async fn unmigrated_database(&self) -> Database {
        let own = self.own_database();
        let name = format!("project_{}", uuid::Uuid::new_v4().simple());
        own.execute(&format!("create database {name}")).await;
        let database = Database {
            url: self.url(&name, &own.role, &own.password),
            name,
            ..own
        };
        database.execute(PROJECT).await;
        database
    }

    /// The address of a database for any role.
    pub(crate) fn url(&self, database: &str, role: &str, password: &str) -> String {
        let mut url = url::Url::parse(self.stack.database_url()).unwrap();
        url.set_path(database);
        url.set_username(role).unwrap();
        url.set_password(Some(password)).unwrap();
        url.into()
    }
}

/// A database and the address of its owner.
pub(crate) struct Database {
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) password: String,
    pub(crate) url: String,
}

impl Database {
    pub(crate) async fn client(&self) -> Client {
        connect(&self.url).await
    }

    pub(crate) async fn execute(&self, sql: &str) {
        self.client().await.batch_execute(sql).await.unwrap();
    }

    /// The first column of a query, as texts.
    pub(crate) async fn texts(&self, query: &str) -> Vec<String> {
        let rows = self.client().await.query(query, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The catalogs without the objects of extensions, and the ledger.
    pub(crate) async fn picture(&self) -> Vec<String> {
        let mut picture = self.texts(OBJECTS).await;
        if picture
            .iter()
            .any(|one| one == "media_sync.schema_versions")
        {
            picture.extend(self.ledger().await);
        }
        picture
    }

    pub(crate) async fn ledger(&self) -> Vec<String> {
        self.texts("select version from media_sync.schema_versions order by version")
            .await
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        run(arguments, &[("DATABASE_URL", &self.url)])
    }
}

const OBJECTS: &str = "
with extended as (select objid from pg_depend where deptype = 'e')
select nspname || '.' || relname as object from pg_class c join pg_namespace n on n.oid = relnamespace
where nspname !~ '^pg_' and nspname <> 'information_schema' and c.oid not in (select objid from extended)
union all
select nspname || '.' || proname || '()' from pg_proc p join pg_namespace n on n.oid = pronamespace
where nspname !~ '^pg_' and nspname <> 'information_schema' and p.oid not in (select objid from extended)
union all
select polrelid::regclass || ' policy ' || polname from pg_policy
union all
select nspname::text from pg_namespace where nspname !~ '^pg_'
order by object";

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The end of a command.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// The versions of a list in the answer.
    pub(crate) fn versions(&self, list: &str) -> Vec<String> {
        let answer = self.json();
        let entries = answer[list].as_array().unwrap();
        entries
            .iter()
            .map(|one| one["version"].as_str().unwrap().to_owned())
            .collect()
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The command with these arguments, in an environment of its own.
pub(crate) fn command(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mediasync"));
    command
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Run {
    command(arguments, environment).output().unwrap().into()
}

/// Runs the command on a terminal of its own and types `keys`; returns the exit code and the screen.
pub(crate) fn at_a_terminal(
    arguments: &[&str],
    environment: &[(&str, &str)],
    keys: &str,
) -> (Option<i32>, String) {
    const TERMINAL: &str =
        "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    let mut python = Command::new("python3")
        .args(["-c", TERMINAL, env!("CARGO_BIN_EXE_mediasync")])
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = python.stdin.take().unwrap();
    stdin.write_all(keys.as_bytes()).unwrap();
    let ended = python.wait_with_output().unwrap();
    let screen = String::from_utf8_lossy(&ended.stdout).into_owned();
    drop(stdin);
    (ended.status.code(), screen)
}

/// Migrations in the form of the real ones, few and small.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/command/fixtures/migrations")
}

/// The fixtures in a folder of their own, to be changed.
pub(crate) fn copied_fixtures() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(fixtures()).unwrap() {
        let file = entry.unwrap();
        std::fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    folder
}

/// Writes a migration that does `body`.
pub(crate) fn write_migration(folder: &Path, version: &str, name: &str, body: &str) {
    let text = format!(
        "-- Topic.\ndo $once$ begin if media_sync.begin_migration('{version}', '{name}') then execute $migration$\n\n\
         {body}\n\n$migration$; end if; end $once$;\n\nnotify pgrst, 'reload schema';\n"
    );
    std::fs::write(folder.join(format!("{version}_{name}.sql")), text).unwrap();
}

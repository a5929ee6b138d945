//! PostgreSQL 17 as npm delivers it, prepared as a Supabase project is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_postgres::{Client, NoTls};

use crate::StackError;
use crate::migrations;
use crate::ports;
use crate::supervisor::{Launch, Process, Supervisor, path_text};
use crate::tools::Tools;

const START_LIMIT: Duration = Duration::from_secs(30);

/// As small as is comfortable. A crash of the machine may destroy the data (`fsync`), a crash of the server must
/// not lose a committed row: `synchronous_commit` stays on.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "fsync=off",
    "full_page_writes=off",
    "wal_level=logical",
    "max_wal_senders=4",
    "max_replication_slots=4",
    "max_connections=60",
    "shared_buffers=64MB",
    "max_wal_size=512MB",
    // In the data folder rather than in the system's shared memory, where a killed server would leave it.
    "dynamic_shared_memory_type=mmap",
    "jit=off",
    "log_line_prefix=%m %u ",
];

/// What trigrams take for letters. Where the system has no such locale, searches in other scripts are slow.
const LETTERS: &str = if cfg!(target_os = "linux") {
    "C.UTF-8"
} else {
    "C"
};

#[derive(Debug)]
pub(crate) struct Postgres {
    /// `bin`, `lib`, `share`; a copy where the installed one cannot be read by the server's user.
    distribution: PathBuf,
    data: PathBuf,
    password: String,
    port: u16,
    process: Process,
}

impl Postgres {
    /// A new cluster with Supabase's roles and schemas; migrations are applied separately.
    pub(crate) async fn start(supervisor: &Supervisor, tools: &Tools) -> Result<Self, StackError> {
        let distribution = readable_distribution(supervisor, &tools.postgres()?).await?;
        let data = supervisor.unprivileged_folder().join("postgres");
        let password = uuid::Uuid::new_v4().simple().to_string();
        init(supervisor, &distribution, &data, &password).await?;
        let postgres = ports::on_a_free_port(async |port| {
            let process = launch(supervisor, &distribution, &data, port).await?;
            let (distribution, data, password) =
                (distribution.clone(), data.clone(), password.clone());
            let postgres = Self {
                distribution,
                data,
                password,
                port,
                process,
            };
            postgres.ready().await.map(|()| postgres)
        })
        .await?;
        let client = postgres.connect().await?;
        migrations::run_file(&client, &tools.project_sql("supabase_base.sql")).await?;
        let set_password = format!("alter role authenticator password '{}'", postgres.password);
        client
            .batch_execute(&set_password)
            .await
            .map_err(StackError::database("giving authenticator its password"))?;
        Ok(postgres)
    }

    /// On the same port, with the same data.
    pub(crate) async fn start_again(&mut self, supervisor: &Supervisor) -> Result<(), StackError> {
        ports::on_its_port(async || {
            self.process = launch(supervisor, &self.distribution, &self.data, self.port).await?;
            self.ready().await
        })
        .await
    }

    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    pub(crate) fn url_for(&self, role: &str) -> String {
        format!(
            "postgres://{role}:{}@127.0.0.1:{}/postgres",
            self.password, self.port
        )
    }

    /// As superuser.
    pub(crate) async fn connect(&self) -> Result<Client, StackError> {
        connect(&self.url_for("postgres"))
            .await
            .map_err(StackError::database("connecting"))
    }

    async fn ready(&self) -> Result<(), StackError> {
        let url = self.url_for("postgres");
        self.process
            .until("accepting connections", START_LIMIT, || async {
                connect(&url).await.is_ok()
            })
            .await
    }
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // Ends with the client; what went wrong, the client's next call says.
    tokio::spawn(connection);
    Ok(client)
}

/// The installed distribution, or a copy of it when the checkout lies where the server's user may not look.
async fn readable_distribution(
    supervisor: &Supervisor,
    installed: &Path,
) -> Result<PathBuf, StackError> {
    if !supervisor.has_unprivileged_user() {
        return Ok(installed.to_owned());
    }
    let probe = supervisor
        .spawn(unprivileged(
            "postgres-probe",
            installed.join("bin/postgres"),
            vec!["--version".into()],
        ))
        .await;
    if let Ok(probe) = probe
        && probe.exited().await? == 0
    {
        return Ok(installed.to_owned());
    }
    let copy = supervisor.folder().join("postgres-copy");
    let arguments = vec!["-RP".into(), path_text(installed), path_text(&copy)];
    let copying = supervisor
        .spawn(Launch {
            unprivileged: false,
            ..unprivileged("copy", "/bin/cp".into(), arguments)
        })
        .await?;
    match copying.exited().await? {
        0 => Ok(copy),
        code => Err(copying.problem(format!("copying PostgreSQL ended with {code}"))),
    }
}

async fn init(
    supervisor: &Supervisor,
    distribution: &Path,
    data: &Path,
    password: &str,
) -> Result<(), StackError> {
    // Readable by the server's user because it lies in that user's own, closed folder.
    let password_file = supervisor.unprivileged_folder().join("password");
    std::fs::write(&password_file, password).map_err(StackError::file(&password_file))?;
    let arguments = [
        format!("--pgdata={}", path_text(data)),
        format!("--pwfile={}", path_text(&password_file)),
        "--username=postgres".to_owned(),
        "--auth=scram-sha-256".to_owned(),
        "--encoding=UTF8".to_owned(),
        // As at Supabase: letters of all scripts have their two cases, and names are sorted by code point.
        "--locale=C".to_owned(),
        "--locale-provider=builtin".to_owned(),
        "--builtin-locale=C.UTF-8".to_owned(),
        format!("--lc-ctype={LETTERS}"),
        "--no-sync".to_owned(),
    ];
    let initdb = supervisor
        .spawn(unprivileged(
            "initdb",
            distribution.join("bin/initdb"),
            arguments.into(),
        ))
        .await?;
    let code = initdb.exited().await?;
    std::fs::remove_file(&password_file).map_err(StackError::file(&password_file))?;
    if code == 0 {
        Ok(())
    } else {
        Err(initdb.problem(format!("initdb ended with {code}")))
    }
}

async fn launch(
    supervisor: &Supervisor,
    distribution: &Path,
    data: &Path,
    port: u16,
) -> Result<Process, StackError> {
    let mut arguments = vec![
        "-D".to_owned(),
        path_text(data),
        "-p".to_owned(),
        port.to_string(),
    ];
    arguments.extend(
        SETTINGS
            .iter()
            .flat_map(|setting| ["-c".to_owned(), (*setting).to_owned()]),
    );
    // Its quick shutdown: a plain kill would leave its shared memory behind.
    let launch = Launch {
        stop: "QUIT",
        ..unprivileged("postgres", distribution.join("bin/postgres"), arguments)
    };
    supervisor.spawn(launch).await
}

fn unprivileged(name: &str, program: PathBuf, arguments: Vec<String>) -> Launch<'_> {
    Launch {
        name,
        program,
        arguments,
        environment: Vec::new(),
        unprivileged: true,
        // A kill would leave shared memory behind, of initdb's own server too.
        stop: "TERM",
    }
}

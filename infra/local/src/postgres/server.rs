//! PostgreSQL's server over a data folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_postgres::{Client, NoTls};

use crate::StackError;
use crate::ports;
use crate::supervisor::{Launch, Process, Supervisor, path_text};

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

/// The roles of a hosted project that programs log in as.
const LOGINS: [&str; 4] = [
    "supabase_admin",
    "postgres",
    "authenticator",
    "supabase_auth_admin",
];

/// A running server over a data folder.
#[derive(Debug)]
pub(super) struct DatabaseServer {
    name: &'static str,
    pub(super) distribution: PathBuf,
    pub(super) data: PathBuf,
    port: u16,
    pub(super) process: Process,
}

impl DatabaseServer {
    pub(super) async fn start(
        supervisor: &Supervisor,
        name: &'static str,
        distribution: &Path,
        data: &Path,
    ) -> Result<Self, StackError> {
        ports::on_a_free_port(async |port| {
            let process = launch(supervisor, name, distribution, data, port).await?;
            let (distribution, data) = (distribution.to_owned(), data.to_owned());
            let server = Self {
                name,
                distribution,
                data,
                port,
                process,
            };
            server.ready().await.map(|()| server)
        })
        .await
    }

    pub(super) async fn start_again(&mut self, supervisor: &Supervisor) -> Result<(), StackError> {
        ports::on_its_port(async || {
            self.process = launch(
                supervisor,
                self.name,
                &self.distribution,
                &self.data,
                self.port,
            )
            .await?;
            self.ready().await
        })
        .await
    }

    pub(super) fn url(&self, role: &str, password: &str) -> String {
        format!(
            "postgresql://{role}:{password}@127.0.0.1:{}/postgres",
            self.port
        )
    }

    /// Until it answers; a refused password is an answer too.
    async fn ready(&self) -> Result<(), StackError> {
        let url = self.url("postgres", "none");
        self.process
            .until("accepting connections", START_LIMIT, || async {
                match tokio_postgres::connect(&url, NoTls).await {
                    Ok(_) => true,
                    Err(error) => error
                        .code()
                        .is_some_and(|code| code.code().starts_with("28")),
                }
            })
            .await
    }
}

async fn launch(
    supervisor: &Supervisor,
    name: &str,
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
        ..unprivileged(name, distribution.join("bin/postgres"), arguments)
    };
    supervisor.spawn(launch).await
}

/// A program that runs as the user without privileges, if there is one.
pub(super) fn unprivileged(name: &str, program: PathBuf, arguments: Vec<String>) -> Launch<'_> {
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

/// The statements that give the roles a password.
pub(super) fn passwords(password: &str) -> String {
    LOGINS
        .iter()
        .map(|role| format!("alter role {role} password '{password}';"))
        .collect()
}

/// Connects by a URL.
pub(super) async fn connect(url: &str) -> Result<Client, StackError> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .map_err(StackError::database("connecting"))?;
    // Ends with the client, whose next call tells of an error.
    tokio::spawn(connection);
    Ok(client)
}

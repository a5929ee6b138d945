//! PostgREST 12, which Supabase calls its Data API.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::StackError;
use crate::http_client::HttpClient;
use crate::keys::Keys;
use crate::ports;
use crate::supervisor::{Launch, Process, Supervisor, path_text};
use crate::tools::Tools;

const START_LIMIT: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct PostgRest {
    program: PathBuf,
    config: PathBuf,
    port: u16,
    admin_port: u16,
    process: Process,
}

impl PostgRest {
    pub(crate) async fn start(
        supervisor: &Supervisor,
        tools: &Tools,
        database: &str,
        keys: &Keys,
    ) -> Result<Self, StackError> {
        let program = tools.postgrest()?;
        let config = supervisor.folder().join("postgrest.conf");
        ports::on_a_free_port(async |port| {
            // Two ports in one process: a clash on the second ends it as one on the first does.
            ports::on_a_free_port(async |admin_port| {
                let text = configuration(database, &keys.postgrest_jwks(), port, admin_port);
                std::fs::write(&config, text).map_err(StackError::file(&config))?;
                let process = launch(supervisor, &program, &config).await?;
                let postgrest = Self {
                    program: program.to_owned(),
                    config: config.clone(),
                    port,
                    admin_port,
                    process,
                };
                postgrest.ready().await.map(|()| postgrest)
            })
            .await
        })
        .await
    }

    /// On the same port.
    pub(crate) async fn start_again(&mut self, supervisor: &Supervisor) -> Result<(), StackError> {
        ports::on_its_port(async || {
            self.process = launch(supervisor, &self.program, &self.config).await?;
            self.ready().await
        })
        .await
    }

    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    pub(crate) fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Until the schema cache is loaded and the database answers.
    pub(crate) async fn ready(&self) -> Result<(), StackError> {
        let client = HttpClient::new();
        let url = format!("http://127.0.0.1:{}/ready", self.admin_port);
        self.process
            .until("ready", START_LIMIT, || async {
                client.get(&url).await.is_ok()
            })
            .await
    }
}

async fn launch(
    supervisor: &Supervisor,
    program: &Path,
    config: &Path,
) -> Result<Process, StackError> {
    let arguments = vec![path_text(config)];
    let launch = Launch {
        name: "postgrest",
        program: program.to_owned(),
        arguments,
        environment: Vec::new(),
        unprivileged: false,
        stop: "KILL",
    };
    supervisor.spawn(launch).await
}

/// As Supabase sets it: the `public` schema, `extensions` in the search path, 1,000 rows per answer.
fn configuration(database: &str, jwks: &str, port: u16, admin_port: u16) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    format!(
        r#"db-uri = "{database}"
db-schemas = "public"
db-extra-search-path = "public, extensions"
db-anon-role = "anon"
db-max-rows = 1000
db-pool = 10
db-pool-acquisition-timeout = 10
jwt-secret = "{jwks}"
server-host = "127.0.0.1"
server-port = {port}
admin-server-port = {admin_port}
log-level = "warn"
"#,
        database = quoted(database),
        jwks = quoted(jwks),
    )
}

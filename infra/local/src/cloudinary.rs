//! The Cloudinary stand-in as a process of its own, so that it can be killed like the others.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use rand::Rng as _;
use rand::distr::Alphanumeric;
use serde_json::{Value, json};

use crate::StackError;
use crate::http_client::HttpClient;
use crate::ports;
use crate::supervisor::{Launch, Process, Supervisor, path_text};

const START_LIMIT: Duration = Duration::from_secs(30);
const PROGRAM: &str = "cloudinary_local";
const CLOUD: &str = "demo";

#[derive(Debug)]
pub(crate) struct Cloudinary {
    program: PathBuf,
    arguments: Vec<String>,
    port: u16,
    api_key: String,
    api_secret: String,
    process: Process,
}

impl Cloudinary {
    pub(crate) async fn start(
        supervisor: &Supervisor,
        usual_port: Option<u16>,
        more_arguments: &[String],
    ) -> Result<Self, StackError> {
        let program = find_program().await?;
        let api_key = rand::rng()
            .random_range(100_000_000_000_000_u64..1_000_000_000_000_000)
            .to_string();
        let api_secret: String = rand::rng()
            .sample_iter(Alphanumeric)
            .take(27)
            .map(char::from)
            .collect();
        ports::on_its_usual_port(usual_port, async |port| {
            let mut arguments = vec!["--listen".to_owned(), format!("127.0.0.1:{port}")];
            arguments.extend([
                "--data".to_owned(),
                path_text(&supervisor.folder().join("cloudinary")),
            ]);
            arguments.extend(
                [
                    "--cloud",
                    CLOUD,
                    "--api-key",
                    &api_key,
                    "--api-secret",
                    &api_secret,
                ]
                .map(str::to_owned),
            );
            arguments.extend_from_slice(more_arguments);
            let process = launch(supervisor, &program, &arguments).await?;
            let (api_key, api_secret) = (api_key.clone(), api_secret.clone());
            let cloudinary = Self {
                program: program.clone(),
                arguments,
                port,
                api_key,
                api_secret,
                process,
            };
            cloudinary.ready().await.map(|()| cloudinary)
        })
        .await
    }

    /// On the same port, with the same data.
    pub(crate) async fn start_again(&mut self, supervisor: &Supervisor) -> Result<(), StackError> {
        ports::on_its_port(async || {
            self.process = launch(supervisor, &self.program, &self.arguments).await?;
            self.ready().await
        })
        .await
    }

    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// `CLOUDINARY_URL` as every official SDK reads it.
    pub(crate) fn url(&self) -> String {
        format!(
            "cloudinary://{}:{}@{CLOUD}?upload_prefix={}",
            self.api_key,
            self.api_secret,
            self.base_url()
        )
    }

    /// Has every notification sent to `uri`.
    pub(crate) async fn notify(&self, uri: &str) -> Result<(), StackError> {
        let trigger = json!({ "uri": uri, "event_type": "all" });
        self.administer("triggers", &trigger).await
    }

    /// Defines a field of structured metadata that takes any text.
    pub(crate) async fn define_text_field(&self, external_id: &str) -> Result<(), StackError> {
        let field = json!({ "external_id": external_id, "label": external_id, "type": "string" });
        self.administer("metadata_fields", &field).await
    }

    async fn administer(&self, what: &str, body: &Value) -> Result<(), StackError> {
        let credentials = base64::engine::general_purpose::STANDARD
            .encode(format!("{}:{}", self.api_key, self.api_secret));
        let request = Request::post(format!("{}/v1_1/{CLOUD}/{what}", self.base_url()))
            .header(AUTHORIZATION, format!("Basic {credentials}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from(body.to_string()))
            .expect("a request of plain parts");
        HttpClient::new().send(request).await.map(|_| ())
    }

    async fn ready(&self) -> Result<(), StackError> {
        let client = HttpClient::new();
        let url = format!("{}/_control/requests", self.base_url());
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
    arguments: &[String],
) -> Result<Process, StackError> {
    let (program, arguments) = (program.to_owned(), arguments.to_vec());
    let launch = Launch {
        name: "cloudinary",
        program,
        arguments,
        environment: Vec::new(),
        unprivileged: false,
        stop: "KILL",
    };
    supervisor.spawn(launch).await
}

/// Next to the running program, where cargo puts it; built when it is not there yet.
async fn find_program() -> Result<PathBuf, StackError> {
    let current =
        std::env::current_exe().map_err(StackError::file(Path::new("the running program")))?;
    let folder = current
        .ancestors()
        .skip(1)
        .find(|folder| !folder.ends_with("deps") && !folder.ends_with("examples"));
    let folder = folder.unwrap_or(Path::new(".")).to_owned();
    let program = folder.join(PROGRAM);
    if !program.is_file() {
        build(&folder).await?;
    }
    let missing = || StackError::Missing {
        what: "the Cloudinary stand-in".to_owned(),
        path: program.clone(),
        remedy: "cargo build -p cloudinary_local",
    };
    if program.is_file() {
        Ok(program)
    } else {
        Err(missing())
    }
}

/// Into the folder that the running program was built into.
async fn build(folder: &Path) -> Result<(), StackError> {
    let target = folder.parent().unwrap_or(folder);
    let mut cargo =
        tokio::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--quiet", "--package", PROGRAM, "--target-dir"])
        .arg(target);
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    // Whether it worked shows in the program's being there.
    cargo
        .status()
        .await
        .map(|_| ())
        .map_err(StackError::file(Path::new("cargo")))
}

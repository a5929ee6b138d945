//! The Cloudinary stand-in as a process of its own, so that it can be killed like the others.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request};
use serde_json::{Value, json};

use crate::StackError;
use crate::folders;
use crate::http_client::HttpClient;
use crate::kept_project::{CloudinaryKeys, KeptProject};
use crate::ports;
use crate::supervisor::{Launch, Process, Supervisor, path_text};

const START_LIMIT: Duration = Duration::from_secs(30);
const PROGRAM: &str = "cloudinary_local";
const CLOUD: &str = "demo";
/// Its folder's name.
const DATA: &str = "cloudinary";

#[derive(Debug)]
pub(crate) struct Cloudinary {
    program: PathBuf,
    arguments: Vec<String>,
    port: u16,
    keys: CloudinaryKeys,
    data: PathBuf,
    process: Process,
}

impl Cloudinary {
    pub(crate) async fn start(
        supervisor: &Supervisor,
        usual_port: Option<u16>,
        keys: &CloudinaryKeys,
        kept: Option<&KeptProject>,
        more_arguments: &[String],
    ) -> Result<Self, StackError> {
        let program = find_program().await?;
        let data = supervisor.folder().join(DATA);
        if let Some(kept) = kept {
            folders::copy(&kept.library(), &data).await?;
        }
        let cloudinary = ports::on_its_usual_port(usual_port, async |port| {
            let mut arguments = vec!["--listen".to_owned(), format!("127.0.0.1:{port}")];
            arguments.extend(["--data".to_owned(), path_text(&data)]);
            arguments.extend(
                [
                    "--cloud",
                    CLOUD,
                    "--api-key",
                    &keys.key,
                    "--api-secret",
                    &keys.secret,
                ]
                .map(str::to_owned),
            );
            arguments.extend_from_slice(more_arguments);
            let process = launch(supervisor, &program, &arguments).await?;
            let cloudinary = Self {
                program: program.clone(),
                arguments,
                port,
                keys: keys.clone(),
                data: data.clone(),
                process,
            };
            cloudinary.ready().await.map(|()| cloudinary)
        })
        .await?;
        if kept.is_some() {
            cloudinary.forget_triggers().await?;
        }
        Ok(cloudinary)
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
            self.keys.key,
            self.keys.secret,
            self.base_url()
        )
    }

    /// Has every notification sent to `uri`.
    pub(crate) async fn notify(&self, uri: &str) -> Result<(), StackError> {
        let trigger = json!({ "uri": uri, "event_type": "all" });
        self.administer(Method::POST, "triggers", &trigger).await?;
        Ok(())
    }

    /// Defines a field of structured metadata that takes any text.
    pub(crate) async fn define_text_field(&self, external_id: &str) -> Result<(), StackError> {
        let field = json!({ "external_id": external_id, "label": external_id, "type": "string" });
        self.administer(Method::POST, "metadata_fields", &field)
            .await?;
        Ok(())
    }

    /// Copies its data; it must not run any more.
    pub(crate) async fn keep(&self, kept: &KeptProject) -> Result<(), StackError> {
        folders::copy(&self.data, &kept.library()).await
    }

    /// They lead to the addresses of the stack before.
    async fn forget_triggers(&self) -> Result<(), StackError> {
        let listed = self.administer(Method::GET, "triggers", &json!({})).await?;
        for trigger in listed["triggers"].as_array().into_iter().flatten() {
            let path = format!("triggers/{}", trigger["id"].as_str().unwrap_or_default());
            self.administer(Method::DELETE, &path, &json!({})).await?;
        }
        Ok(())
    }

    async fn administer(
        &self,
        method: Method,
        what: &str,
        body: &Value,
    ) -> Result<Value, StackError> {
        let credentials = base64::engine::general_purpose::STANDARD
            .encode(format!("{}:{}", self.keys.key, self.keys.secret));
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/v1_1/{CLOUD}/{what}", self.base_url()))
            .header(AUTHORIZATION, format!("Basic {credentials}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from(body.to_string()))
            .expect("a request of plain parts");
        let answer = HttpClient::new().send(request).await?;
        Ok(serde_json::from_slice(&answer.body).unwrap_or_default())
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

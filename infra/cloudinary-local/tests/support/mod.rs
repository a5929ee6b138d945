//! Shared parts of the tests: the real binary as a process, a client that signs, and a webhook
//! receiver.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cloudinary_local::{Server, ServerConfig};
use http::HeaderMap;
use serde_json::{Map, Value, json};
use sha1::{Digest, Sha1};
use tokio::sync::Notify;

pub(crate) const KEY: &str = "614335564976464";
pub(crate) const SECRET: &str = "a-local-secret";

/// A white pixel as PNG.
pub(crate) const PIXEL: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// The real binary; killed, as by `kill -9`, when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub(crate) url: String,
}

impl Process {
    pub(crate) fn start(data: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cloudinary_local"))
            .args([
                "--listen",
                "127.0.0.1:0",
                "--cloud",
                "demo",
                "--api-key",
                KEY,
            ])
            .args(["--api-secret", SECRET, "--data"])
            .arg(data)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line
            .trim()
            .strip_prefix("listening on ")
            .unwrap_or_else(|| panic!("{line:?}"));
        Self {
            child,
            url: url.to_owned(),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.url)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A server in this process, with a directory that goes with it.
#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) client: Client,
    _server: Server,
    _folder: tempfile::TempDir,
}

impl std::ops::Deref for Local {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// Starts a server with the given settings.
pub(crate) async fn local(settings: Value) -> Local {
    let folder = tempfile::tempdir().unwrap();
    let mut config = ServerConfig::local(folder.path());
    config.api_key = KEY.to_owned();
    config.api_secret = SECRET.to_owned();
    config.settings = config.settings.with(object(settings)).unwrap();
    let server = Server::start(config).await.unwrap();
    Local {
        client: Client::new(&server.url()),
        _server: server,
        _folder: folder,
    }
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}

/// An answer of the API.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }

    /// The body of a success.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }
}

/// Speaks to the API as a client does, without an SDK.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) url: String,
    pub(crate) http: reqwest::Client,
}

impl Client {
    pub(crate) fn new(url: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            url: url.to_owned(),
            http,
        }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    /// An Admin API call; the body, unless null, goes as JSON.
    pub(crate) async fn try_admin(
        &self,
        method: &str,
        path: &str,
        body: Value,
    ) -> Result<Answer, reqwest::Error> {
        let credentials = STANDARD.encode(format!("{KEY}:{SECRET}"));
        let mut request = self
            .http
            .request(
                method.parse().unwrap(),
                format!("{}/v1_1/demo/{path}", self.url),
            )
            .header("authorization", format!("Basic {credentials}"));
        if !body.is_null() {
            request = request.json(&body);
        }
        self.send(request).await
    }

    pub(crate) async fn admin(&self, method: &str, path: &str, body: Value) -> Answer {
        self.try_admin(method, path, body).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.admin("GET", path, Value::Null).await.ok()
    }

    pub(crate) async fn control(&self, method: &str, path: &str, body: Value) -> Answer {
        let mut request = self.http.request(
            method.parse().unwrap(),
            format!("{}/_control/{path}", self.url),
        );
        if !body.is_null() {
            request = request.json(&body);
        }
        self.send(request).await.unwrap()
    }

    pub(crate) async fn set(&self, settings: Value) {
        self.control("PUT", "settings", settings).await.ok();
    }

    pub(crate) async fn quiet(&self) {
        let answer = self
            .control("GET", "quiet?timeout_ms=20000", Value::Null)
            .await
            .ok();
        assert_eq!(answer["quiet"], true, "{answer}");
    }

    /// A signed call of the Upload API.
    pub(crate) async fn try_upload_api(
        &self,
        path: &str,
        params: Value,
    ) -> Result<Answer, reqwest::Error> {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let form = signed(params, now);
        self.send(
            self.http
                .post(format!("{}/v1_1/demo/{path}", self.url))
                .form(&form),
        )
        .await
    }

    pub(crate) async fn upload_api(&self, path: &str, params: Value) -> Answer {
        self.try_upload_api(path, params).await.unwrap()
    }

    pub(crate) async fn form(&self, path: &str, form: &[(String, String)]) -> Answer {
        self.send(
            self.http
                .post(format!("{}/v1_1/demo/{path}", self.url))
                .form(form),
        )
        .await
        .unwrap()
    }

    /// Uploads a pixel under a name; other parameters as given.
    pub(crate) async fn pixel(&self, public_id: &str, params: Value) -> Value {
        let mut params = object(params);
        params.insert("public_id".to_owned(), json!(public_id));
        params.insert("file".to_owned(), json!(PIXEL));
        self.upload_api("image/upload", Value::Object(params))
            .await
            .ok()
    }
}

/// The form a client sends: the parameters, `api_key`, `timestamp` and `signature`.
pub(crate) fn signed(params: Value, timestamp: u64) -> Vec<(String, String)> {
    let mut params = object(params);
    params.insert("timestamp".to_owned(), json!(timestamp.to_string()));
    let mut form = Vec::new();
    let mut to_sign = Vec::new();
    for (name, value) in params {
        match value {
            Value::Array(items) => {
                let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                to_sign.push(format!("{name}={}", items.join(",")));
                form.extend(
                    items
                        .iter()
                        .map(|item| (format!("{name}[]"), (*item).to_owned())),
                );
            }
            value => {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                if name != "file" && !text.is_empty() {
                    to_sign.push(format!("{name}={text}"));
                }
                form.push((name, text));
            }
        }
    }
    to_sign.sort();
    let signature = hex::encode(Sha1::digest(format!("{}{SECRET}", to_sign.join("&"))));
    form.extend([
        ("api_key".to_owned(), KEY.to_owned()),
        ("signature".to_owned(), signature),
    ]);
    form
}

/// One notification as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(crate) headers: HeaderMap,
    pub(crate) raw: Bytes,
    pub(crate) event: Value,
    pub(crate) at: std::time::Instant,
}

impl Hook {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn kind(&self) -> &str {
        self.event["notification_type"].as_str().unwrap_or_default()
    }
}

/// A webhook endpoint that answers as it is told and keeps what it got.
#[derive(Debug, Clone, Default)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    hooks: Mutex<Vec<Hook>>,
    /// Statuses for the next requests; 200 when there are none.
    answers: Mutex<VecDeque<u16>>,
    arrived: Notify,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let receiver = Self {
            url,
            inner: Arc::default(),
        };
        let app = axum::Router::new()
            .route("/hook", post(receive))
            .with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        receiver
    }

    pub(crate) fn answer_next_with(&self, statuses: &[u16]) {
        self.inner.answers.lock().unwrap().extend(statuses);
    }

    pub(crate) fn hooks(&self) -> Vec<Hook> {
        self.inner.hooks.lock().unwrap().clone()
    }

    pub(crate) fn kinds(&self) -> Vec<String> {
        self.hooks()
            .iter()
            .map(|hook| hook.kind().to_owned())
            .collect()
    }

    pub(crate) fn forget(&self) {
        self.inner.hooks.lock().unwrap().clear();
    }

    /// Waits until `count` have arrived.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Hook> {
        let waited = tokio::time::timeout(Duration::from_secs(20), async {
            loop {
                let arrived = self.inner.arrived.notified();
                let hooks = self.hooks();
                if hooks.len() >= count {
                    return hooks;
                }
                arrived.await;
            }
        });
        waited
            .await
            .unwrap_or_else(|_| panic!("{count} wanted, got {:?}", self.kinds()))
    }
}

async fn receive(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    raw: Bytes,
) -> http::StatusCode {
    let event = serde_json::from_slice(&raw).unwrap();
    let at = std::time::Instant::now();
    receiver.inner.hooks.lock().unwrap().push(Hook {
        headers,
        raw,
        event,
        at,
    });
    receiver.inner.arrived.notify_waiters();
    let status = receiver
        .inner
        .answers
        .lock()
        .unwrap()
        .pop_front()
        .unwrap_or(200);
    http::StatusCode::from_u16(status).unwrap()
}

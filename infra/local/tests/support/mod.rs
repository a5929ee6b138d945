//! The tests' shared parts: a project of echoing functions, a plain HTTP client, SQL, and programs for Node.js.

#![expect(dead_code, reason = "each test binary uses its own part of this")]

pub(crate) mod node;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use local_stack::LocalStack;
use serde_json::Value;
use tempfile::TempDir;

/// Answers every event with the event itself and the names of its environment variables.
const ECHO: &str = r#"#!/usr/bin/env python3
import http.client, json, os
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    invocation = api.getresponse()
    event = json.loads(invocation.read())
    request = invocation.headers["Lambda-Runtime-Aws-Request-Id"]
    print("called", request, flush=True)
    body = json.dumps({"event": event, "environment": sorted(os.environ), "endpoint": os.environ["AWS_ENDPOINT_URL"], "log_level": os.environ["LOG_LEVEL"], "pid": os.getpid()})
    answer = {"statusCode": 200, "headers": {"content-type": "application/json", "x-echo": "yes"}, "body": body}
    api.request("POST", f"/2018-06-01/runtime/invocation/{request}/response", json.dumps(answer))
    api.getresponse().read()
"#;

/// The project's own template beside functions that echo, so that these tests need nothing built.
pub(crate) struct EchoProject {
    folder: TempDir,
}

impl EchoProject {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let template = fs::read_to_string(project_root().join("template.yaml")).unwrap();
        for code in template
            .lines()
            .filter_map(|line| line.trim().strip_prefix("CodeUri: "))
        {
            let code = folder.path().join(code);
            fs::create_dir_all(&code).unwrap();
            fs::write(code.join("bootstrap"), ECHO).unwrap();
            fs::set_permissions(code.join("bootstrap"), fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(folder.path().join("template.yaml"), template).unwrap();
        Self { folder }
    }

    pub(crate) fn template(&self) -> PathBuf {
        self.folder.path().join("template.yaml")
    }
}

pub(crate) fn project_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {:?}", self.body))
    }
}

/// Runs SQL as `postgres`, the database's owner, no superuser.
pub(crate) async fn execute(stack: &LocalStack, sql: &str) {
    let (client, connection) = tokio_postgres::connect(stack.database_url(), tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
}

/// Waits until the Data API has this function: PostgREST reloads in the background and does not say when.
pub(crate) async fn schema_is_reloaded(stack: &LocalStack, function: &str) {
    let url = format!("{}/rest/v1/rpc/{function}", stack.supabase_url());
    let key = [("apikey", stack.secret_key())];
    let deadline = Instant::now() + Duration::from_secs(10);
    while send("POST", &url, &key, b"{}").await.status != 200 {
        assert!(Instant::now() < deadline, "the schema is not reloaded");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Sends any request; panics only when there is no answer at all.
pub(crate) async fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .body(Full::new(Bytes::copy_from_slice(body)))
        .unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let (parts, body) = client.request(request).await.unwrap().into_parts();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: body.collect().await.unwrap().to_bytes(),
    }
}

pub(crate) async fn get(url: &str, headers: &[(&str, &str)]) -> Answer {
    send("GET", url, headers, b"").await
}

/// Looks until the condition holds.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not happen in time");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Processes and sockets as Linux shows them.
#[cfg(target_os = "linux")]
pub(crate) mod processes {
    use std::collections::{BTreeSet, HashMap};
    use std::fs;

    /// A process id with its start time: ids are used again, the pair is not.
    pub(crate) type Identity = (u32, String);

    fn stat(pid: u32) -> Option<(u32, Identity, char)> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        Some((
            fields[1].parse().ok()?,
            (pid, fields[19].to_owned()),
            fields[0].chars().next()?,
        ))
    }

    fn all() -> Vec<u32> {
        let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        entries
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect()
    }

    /// Every process below `root`, without it.
    pub(crate) fn descendants(root: u32) -> BTreeSet<Identity> {
        let table: HashMap<u32, (u32, Identity, char)> = all()
            .into_iter()
            .filter_map(|pid| Some((pid, stat(pid)?)))
            .collect();
        let mut found = BTreeSet::new();
        let mut edge = vec![root];
        while let Some(parent) = edge.pop() {
            for (pid, (its_parent, identity, _)) in &table {
                if *its_parent == parent && found.insert(identity.clone()) {
                    edge.push(*pid);
                }
            }
        }
        found
    }

    /// A zombie has ended; only its parent has not looked yet.
    pub(crate) fn is_alive(identity: &Identity) -> bool {
        stat(identity.0)
            .is_some_and(|(_, now, state)| now == *identity && !matches!(state, 'Z' | 'X'))
    }

    pub(crate) fn command(identity: &Identity) -> String {
        let bytes = fs::read(format!("/proc/{}/cmdline", identity.0)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).replace('\0', " ")
    }

    /// The local addresses, in hexadecimal, of every TCP and UDP socket these processes wait at.
    pub(crate) fn listening(processes: &BTreeSet<Identity>) -> Vec<String> {
        let inodes: BTreeSet<String> = processes
            .iter()
            .filter_map(|(pid, _)| fs::read_dir(format!("/proc/{pid}/fd")).ok())
            .flatten()
            .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
            .filter_map(|link| {
                Some(
                    link.to_str()?
                        .strip_prefix("socket:[")?
                        .strip_suffix(']')?
                        .to_owned(),
                )
            })
            .collect();
        let mut found = Vec::new();
        for (table, waiting) in [("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")] {
            let text = fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default();
            for line in text.lines().skip(1) {
                let fields: Vec<&str> = line.split_whitespace().collect();
                if fields[3] == waiting && inodes.contains(fields[9]) {
                    found.push(format!("{table} {}", fields[1]));
                }
            }
        }
        found
    }
}

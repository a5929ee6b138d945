//! A function's own program, spoken to as AWS speaks to it, through the Runtime API: without an emulator in between.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use local_stack::LocalStack;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc};

/// Longer than a function may take in production.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running function of the HTTP API. Dropping it ends it.
#[derive(Debug)]
pub struct RunningFunction {
    events: mpsc::Sender<Bytes>,
    answers: mpsc::Receiver<Bytes>,
    _process: Child,
}

/// A function's answer, and the time that it took.
#[derive(Debug)]
pub struct FunctionAnswer {
    pub status: u64,
    pub body: Value,
    pub took: Duration,
}

#[derive(Debug, Clone)]
struct Runtime {
    events: Arc<Mutex<mpsc::Receiver<Bytes>>>,
    answers: mpsc::Sender<Bytes>,
}

impl RunningFunction {
    /// The program that `make build-local` has built.
    pub fn built(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../target/lambda/{name}/bootstrap"))
    }

    /// Starts a program with the configuration of this stack, and nothing else of the environment.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn start(program: &Path, stack: &LocalStack) -> Self {
        let (events, incoming) = mpsc::channel(1);
        let (outgoing, answers) = mpsc::channel(1);
        let runtime = Runtime {
            events: Arc::new(Mutex::new(incoming)),
            answers: outgoing,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener");
        let invocation = "/2018-06-01/runtime/invocation";
        let router = Router::new()
            .route(&format!("{invocation}/next"), get(next))
            .route(&format!("{invocation}/{{id}}/response"), post(response))
            .route(&format!("{invocation}/{{id}}/error"), post(failure))
            .layer(DefaultBodyLimit::disable())
            .with_state(runtime);
        // As any server does that answers in small packets.
        let listener = listener.tap_io(|connection| _ = connection.set_nodelay(true));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let process = Command::new(program)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "function")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "local")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "local")
            .env("AWS_REGION", "us-east-1")
            .env("CLOUDINARY_URL", "cloudinary://key:secret@local")
            .env("SUPABASE_URL", stack.supabase_url())
            .env("SUPABASE_SECRET_KEY", stack.secret_key())
            .env("SUPABASE_PUBLISHABLE_KEY", stack.publishable_key())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        Self {
            events,
            answers,
            _process: process,
        }
    }

    /// A `GET` as API Gateway passes it on.
    ///
    /// # Panics
    /// When there is no answer, or none that API Gateway would take.
    pub async fn get(&mut self, path: &str, query: &str, token: &str) -> FunctionAnswer {
        let event = Bytes::from(event(path, query, token).to_string());
        let begun = Instant::now();
        self.events.send(event).await.expect("the server runs");
        let answer = tokio::time::timeout(PATIENCE, self.answers.recv())
            .await
            .unwrap_or_else(|_| panic!("no answer to {path}?{query}"))
            .expect("the server runs");
        let took = begun.elapsed();
        let answer: Value = serde_json::from_slice(&answer).expect("answers are JSON");
        let status = answer["statusCode"].as_u64();
        let body = answer["body"].as_str().unwrap_or_default();
        FunctionAnswer {
            status: status.unwrap_or_else(|| panic!("{path}?{query}: {answer}")),
            body: serde_json::from_str(body).unwrap_or_else(|_| body.into()),
            took,
        }
    }
}

fn event(path: &str, query: &str, token: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": format!("GET {path}"), "rawPath": path, "rawQueryString": query,
        "isBase64Encoded": false,
        "headers": {"authorization": format!("Bearer {token}"), "host": "local"},
        "requestContext": {
            "accountId": "0", "apiId": "local", "domainName": "local", "domainPrefix": "local",
            "requestId": "local", "routeKey": format!("GET {path}"), "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 1_767_225_600_000_i64,
            "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test"},
        },
    })
}

async fn next(State(runtime): State<Runtime>) -> impl IntoResponse {
    let headers = [
        ("lambda-runtime-aws-request-id", "local"),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:function",
        ),
    ];
    match runtime.events.lock().await.recv().await {
        Some(event) => (headers, event).into_response(),
        None => StatusCode::GONE.into_response(),
    }
}

async fn response(State(runtime): State<Runtime>, body: Bytes) -> StatusCode {
    // Nobody waits for what came too late.
    let _ = runtime.answers.send(body).await;
    StatusCode::ACCEPTED
}

async fn failure(State(runtime): State<Runtime>, body: Bytes) -> StatusCode {
    let failed = json!({"failed": String::from_utf8_lossy(&body)});
    let _ = runtime.answers.send(Bytes::from(failed.to_string())).await;
    StatusCode::ACCEPTED
}

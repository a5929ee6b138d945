//! Lambda's Runtime API for one function: it hands out events, and takes what becomes of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

/// Longer than any answer takes, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(60);

/// An event's end, as the function tells it.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    Response(Value),
    Error(Value),
}

#[derive(Debug, Clone)]
struct Shared {
    events: Arc<Mutex<mpsc::Receiver<String>>>,
    outcomes: mpsc::Sender<Outcome>,
    asked: Arc<AtomicUsize>,
}

/// The server and its own end of both queues.
pub(crate) struct RuntimeApi {
    address: String,
    events: mpsc::Sender<String>,
    outcomes: mpsc::Receiver<Outcome>,
    asked: Arc<AtomicUsize>,
}

impl RuntimeApi {
    pub(crate) async fn start() -> Self {
        let (events, incoming) = mpsc::channel(1);
        let (outgoing, outcomes) = mpsc::channel(1);
        let shared = Shared {
            events: Arc::new(Mutex::new(incoming)),
            outcomes: outgoing,
            asked: Arc::default(),
        };
        let asked = shared.asked.clone();
        let invocation = "/2018-06-01/runtime/invocation";
        let router = Router::new()
            .route(&format!("{invocation}/next"), get(next))
            .route(&format!("{invocation}/{{id}}/{{end}}"), post(take))
            .with_state(shared);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            events,
            outcomes,
            asked,
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The number of times that somebody has asked for an event.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Hands out an event and waits for its end.
    pub(crate) async fn invoke(&mut self, event: &Value) -> Outcome {
        self.events.send(event.to_string()).await.unwrap();
        let outcome = tokio::time::timeout(PATIENCE, self.outcomes.recv()).await;
        outcome.expect("the function has ended").unwrap()
    }
}

async fn next(State(shared): State<Shared>) -> Response {
    shared.asked.fetch_add(1, Ordering::SeqCst);
    let headers = [
        ("lambda-runtime-aws-request-id", "local"),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:function",
        ),
    ];
    match shared.events.lock().await.recv().await {
        Some(event) => (headers, event).into_response(),
        None => StatusCode::GONE.into_response(),
    }
}

async fn take(
    State(shared): State<Shared>,
    Path((_, end)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    let told: Value = serde_json::from_slice(&body).unwrap();
    let outcome = match end.as_str() {
        "response" => Outcome::Response(told),
        "error" => Outcome::Error(told),
        _ => return StatusCode::NOT_FOUND,
    };
    // Nobody waits for what comes after the test's end.
    let _ = shared.outcomes.send(outcome).await;
    StatusCode::ACCEPTED
}

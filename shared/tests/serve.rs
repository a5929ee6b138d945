//! A function's process as Lambda sees it, through the Runtime API: this program is started again, as the function.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[path = "serve/runtime_api.rs"]
mod runtime_api;

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use lambda_http::lambda_runtime::LambdaEvent;
use lambda_http::{Body, Error, Request, Response};
use media_sync::serve::{serve, serve_events};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::runtime_api::{Outcome, RuntimeApi};

/// Names the function that this program is to be.
const ROLE: &str = "SERVE_TEST_ROLE";

/// The test below that becomes the function.
const PROCESS: &str = "a_process_is_the_function_that_its_environment_names";

/// Made once for a process.
struct Counter {
    answered: AtomicU32,
}

async fn start() -> Result<Counter, Error> {
    Ok(Counter {
        answered: AtomicU32::new(0),
    })
}

async fn answer(counter: &Counter, request: Request) -> Response<Body> {
    let number = counter.answered.fetch_add(1, Ordering::SeqCst);
    let query = request.uri().query().unwrap_or_default();
    let text = format!("{number} {}{query}", request.uri().path());
    Response::builder().status(201).body(text.into()).unwrap()
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Task {
    Echo(u32),
    Fail,
    Panic,
}

async fn work(_: &Counter, event: LambdaEvent<Task>) -> Result<Value, Error> {
    match event.payload {
        Task::Echo(number) => Ok(json!({"echo": number})),
        Task::Fail => Err("the work has failed".into()),
        Task::Panic => panic!("the work has panicked"),
    }
}

/// Does nothing in a run of all tests, where no role is given.
#[tokio::test]
async fn a_process_is_the_function_that_its_environment_names() {
    let role = std::env::var(ROLE).unwrap_or_default();
    match role.as_str() {
        "requests" => serve("requests", start(), answer).await,
        "events" => serve_events("events", start(), work).await,
        "broken" => {
            let start = async { Err::<Counter, Error>("the configuration is missing".into()) };
            serve("broken", start, answer).await
        }
        _ => Ok(()),
    }
    .unwrap();
}

/// A function that runs until it is dropped.
struct Function(Child);

impl Drop for Function {
    fn drop(&mut self) {
        // One that has ended by itself cannot be killed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(role: &str, api: &RuntimeApi) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", PROCESS, "--nocapture"])
        .env_clear()
        .env(ROLE, role)
        .env("AWS_LAMBDA_RUNTIME_API", api.address())
        .env("AWS_LAMBDA_FUNCTION_NAME", role)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "local")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "local")
        .stderr(Stdio::null());
    command
}

fn run(role: &str, api: &RuntimeApi) -> Function {
    Function(command(role, api).stdout(Stdio::null()).spawn().unwrap())
}

fn request(path: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "isBase64Encoded": false,
        "headers": {"host": "local"},
        "requestContext": {
            "accountId": "0", "apiId": "local", "domainName": "local", "domainPrefix": "local",
            "requestId": "local", "routeKey": "$default", "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 1_767_225_600_000_i64,
            "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test"},
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered_one_after_another_by_what_was_started_once() {
    let mut api = RuntimeApi::start().await;
    let _function = run("requests", &api);
    for (number, path) in ["/a", "/b"].into_iter().enumerate() {
        let Outcome::Response(answer) = api.invoke(&request(path)).await else {
            panic!("{path} has failed");
        };
        assert_eq!(answer["statusCode"], 201, "{answer}");
        assert_eq!(answer["body"], format!("{number} {path}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_is_no_part_of_an_address_is_answered() {
    let mut api = RuntimeApi::start().await;
    let _function = run("requests", &api);
    let queries = [
        ("search=\"mug\"", "search=%22mug%22"),
        ("a b", "a%20b"),
        ("a\u{7}", "a%07"),
    ];
    for (number, (query, read)) in queries.into_iter().enumerate() {
        let mut event = request("/a");
        event["rawQueryString"] = query.into();
        let Outcome::Response(answer) = api.invoke(&event).await else {
            panic!("{query} has failed");
        };
        assert_eq!(answer["body"], format!("{number} /a{read}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_fails_is_told_and_the_next_one_is_taken() {
    let mut api = RuntimeApi::start().await;
    let _function = run("events", &api);
    for (number, (event, words)) in [
        (json!("fail"), "the work has failed"),
        (json!("panic"), "the work has panicked"),
        (json!("sing"), "sing"),
    ]
    .into_iter()
    .enumerate()
    {
        let Outcome::Error(told) = api.invoke(&event).await else {
            panic!("{event} has not failed");
        };
        assert!(told.to_string().contains(words), "{event}: {told}");
        let next = api.invoke(&json!({"echo": number})).await;
        assert_eq!(next, Outcome::Response(json!({"echo": number})));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_is_logged_and_takes_no_event() {
    let api = RuntimeApi::start().await;
    let mut command = command("broken", &api);
    let ended = tokio::task::spawn_blocking(move || command.output());
    let ended = ended.await.unwrap().unwrap();
    assert!(!ended.status.success(), "{ended:?}");
    let log = String::from_utf8(ended.stdout).unwrap();
    let line = log.lines().find(|line| line.contains("could not start"));
    // The harness writes its own words before the first line.
    let line = line.unwrap_or_else(|| panic!("nothing is logged: {log}"));
    let line: Value = serde_json::from_str(&line[line.find('{').unwrap()..]).unwrap();
    assert_eq!(line["level"], "ERROR", "{line}");
    assert_eq!(line["service"], "broken", "{line}");
    assert_eq!(line["error"], "the configuration is missing", "{line}");
    assert_eq!(api.asked(), 0, "it has asked for events");
}

//! A deployed stack, and the command as its operator calls it: with AWS's credentials and nothing else.

use std::process::Command;
use std::time::{Duration, Instant};

use local_stack::{LocalStack, StackOptions};
use media_sync::asset::ResourceType;
use media_sync::cloudinary::upload::{UploadOptions, UploadSource};
use media_sync::cloudinary::{ApiCredentials, CloudinaryClient, CloudinaryResource};
use serde_json::{Value, json};

use crate::support::{Run, command, run};

const PICTURE: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// The longest wait for anything.
const LIMIT: Duration = Duration::from_secs(120);

/// The rights that docs/operate/accounts.md gives the operator.
const POLICY: &str = include_str!("../../../deployer-policy.json");

pub(crate) struct Deployed {
    pub(crate) stack: LocalStack,
    http: reqwest::Client,
    environment: Vec<(&'static str, String)>,
}

impl Deployed {
    pub(crate) async fn start(options: StackOptions) -> Self {
        let stack = LocalStack::start(options).await.unwrap();
        Self {
            http: media_sync::config::http_client().unwrap(),
            environment: stack.aws_environment_under(POLICY).await.unwrap().into(),
            stack,
        }
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let environment: Vec<(&str, &str)> = self
            .environment
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect();
        let run = run(arguments, &environment);
        for text in [&run.stdout, &run.stderr] {
            assert!(!text.contains(self.stack.secret_key()), "{text}");
        }
        run
    }

    /// The same, not started yet.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments, &[]);
        command.envs(self.environment.iter().cloned());
        command
    }

    /// Runs it, and expects this exit code and JSON on stdout.
    pub(crate) fn expect(&self, arguments: &[&str], code: i32) -> Value {
        let run = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(run.code, Some(code), "{arguments:?}: {run:?}");
        run.json()
    }

    /// A call of SQS; the emulator verifies no signature.
    pub(crate) async fn sqs(&self, action: &str, body: Value) -> Value {
        let request = self
            .http
            .post(self.stack.aws_endpoint().unwrap())
            .header("x-amz-target", format!("AmazonSQS.{action}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0",
            )
            .body(body.to_string());
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, 200, "{action}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// The address of a queue, by its logical id.
    pub(crate) fn queue(&self, id: &str) -> String {
        self.stack.outputs()[&format!("{id}Url")].clone()
    }

    /// Messages that a queue holds, those in flight included.
    pub(crate) async fn depth(&self, id: &str) -> u64 {
        let body = json!({"QueueUrl": self.queue(id), "AttributeNames": ["All"]});
        let answer = self.sqs("GetQueueAttributes", body).await;
        let count = |suffix: &str| {
            let name = format!("ApproximateNumberOfMessages{suffix}");
            let text = answer["Attributes"][name].as_str().unwrap_or_default();
            text.parse::<u64>().unwrap()
        };
        count("") + count("NotVisible")
    }

    pub(crate) fn cloudinary(&self) -> CloudinaryClient {
        let credentials = ApiCredentials::parse(self.stack.cloudinary_url().unwrap()).unwrap();
        CloudinaryClient::new(self.http.clone(), credentials)
    }

    pub(crate) async fn upload(&self, public_id: &str) -> CloudinaryResource {
        let options = UploadOptions {
            resource_type: Some(ResourceType::Image),
            public_id: Some(public_id.to_owned()),
            ..UploadOptions::default()
        };
        let source = UploadSource::Url(PICTURE.to_owned());
        self.cloudinary()
            .upload(source, &options)
            .await
            .unwrap()
            .value
    }

    /// A call of the stand-in's control plane.
    pub(crate) async fn control(&self, method: &str, path: &str, body: Value) {
        let base = self.stack.cloudinary_control().unwrap();
        let url = format!("{}/_control/{path}", base.trim_end_matches('/'));
        let request = self.http.request(method.parse().unwrap(), url).json(&body);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }

    /// Notifications are lost from now on, or not.
    pub(crate) async fn lose_notifications(&self, lost: bool) {
        let share = if lost { 1.0 } else { 0.0 };
        self.control("PUT", "chaos", json!({"drop": share})).await;
    }

    /// The first column of the first row, as text, asked with all rights.
    pub(crate) async fn value(&self, sql: &str) -> String {
        let url = self.stack.supabase_admin_url();
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        let rows = client.simple_query(sql).await.unwrap();
        let first = rows.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        first.unwrap_or_default()
    }

    /// Waits until a query answers this.
    pub(crate) async fn becomes(&self, sql: &str, expected: &str) {
        let begun = Instant::now();
        loop {
            let value = self.value(sql).await;
            if value == expected {
                return;
            }
            assert!(begun.elapsed() < LIMIT, "{sql}: {value}, not {expected}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

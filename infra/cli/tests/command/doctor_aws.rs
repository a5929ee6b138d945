//! The checks of AWS beside its emulator.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use local_stack::{LocalStack, StackOptions, StackPart};
use media_sync::config::http_client;
use serde_json::{Value, json};

use crate::doctor::{Environment, assert_finds, doctor, faults};
use crate::support::Run;

/// The stack's secret is the project's, and doctor finds it by the stack; nothing else has to be deployed.
const TEMPLATE: &str = "
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Parameters:
  ConfigSecretArn: { Type: String }
  Architecture: { Type: String, Default: x86_64 }
Resources:
  Queue: { Type: 'AWS::SQS::Queue' }
";

const NAME: &str = "media-sync/config";

fn environment(stack: &LocalStack) -> Environment {
    let aws = stack.aws_environment().unwrap();
    aws.into_iter().collect()
}

/// Calls of AWS; the emulator verifies no signature.
struct Aws<'a>(&'a LocalStack);

impl Aws<'_> {
    async fn send(
        &self,
        service: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> String {
        let aws: BTreeMap<_, _> = self.0.aws_environment().unwrap().into();
        let (key, region) = (&aws["AWS_ACCESS_KEY_ID"], &aws["AWS_DEFAULT_REGION"]);
        let credential = format!(
            "AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
        );
        let url = format!("{}{path}", self.0.aws_endpoint().unwrap());
        let mut request = http_client()
            .unwrap()
            .request(method.parse().unwrap(), url)
            .header("authorization", credential);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.body(body).send().await.unwrap();
        let (status, body) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{service} {path}: {status} {body}");
        body
    }

    async fn json(&self, service: &str, target: &str, body: Value) -> Value {
        let headers = [
            ("x-amz-target", target),
            ("content-type", "application/x-amz-json-1.1"),
        ];
        let answer = self
            .send(service, "POST", "/", &headers, body.to_string())
            .await;
        serde_json::from_str(&answer).unwrap_or_default()
    }

    async fn rest(&self, method: &str, path: &str, body: Value) -> Value {
        let headers = [("content-type", "application/json")];
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let answer = self.send("lambda", method, path, &headers, body).await;
        serde_json::from_str(&answer).unwrap_or_default()
    }

    async fn sns(&self, form: &str) -> String {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.send(
            "sns",
            "POST",
            "/",
            &headers,
            format!("{form}&Version=2010-03-31"),
        )
        .await
    }

    async fn secrets(&self, action: &str, body: Value) -> Value {
        self.json("secretsmanager", &format!("secretsmanager.{action}"), body)
            .await
    }

    /// The physical name of a function.
    async fn function(&self, logical: &str) -> String {
        let listed = self
            .rest("GET", "/2015-03-31/functions/?MaxItems=50", Value::Null)
            .await;
        let functions = listed["Functions"].as_array().unwrap().iter();
        let mut names = functions.map(|one| one["FunctionName"].as_str().unwrap());
        let name = names.find(|name| {
            name.contains(&format!("-{logical}-")) || name.ends_with(&format!("-{logical}"))
        });
        name.unwrap_or_else(|| panic!("no function {logical}: {listed}"))
            .to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_secret_are_found_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("template.yaml");
    std::fs::write(&template, TEMPLATE).unwrap();
    let stack = LocalStack::start(StackOptions {
        without: BTreeSet::from([StackPart::Cloudinary]),
        template: Some(template),
        ..StackOptions::default()
    })
    .await
    .unwrap();
    let environment = environment(&stack);
    let only = ["--json", "--only", "aws-secret,sb-paused,sb-keys"];
    let examine = || doctor(&environment, &only);
    let aws = Aws(&stack);

    let get = aws
        .secrets("GetSecretValue", json!({"SecretId": NAME}))
        .await;
    let mut config: Value = serde_json::from_str(get["SecretString"].as_str().unwrap()).unwrap();
    config["CLOUDINARY_URL"] = json!("cloudinary://1:hush@demo");
    let put = async |text: String| {
        let body = json!({"SecretId": NAME, "SecretString": text});
        aws.secrets("PutSecretValue", body).await
    };
    put(config.to_string()).await;
    let clean = examine();
    assert_eq!(faults(&clean), [], "{clean:?}");
    let answer = clean.json();
    for finding in answer["findings"].as_array().unwrap() {
        assert_eq!(
            finding["grade"], "ok",
            "the secret names the project: {finding}"
        );
    }

    put("hush".to_owned()).await;
    assert_finds(&examine(), "aws-secret", "failure", "not a JSON object");
    let mut wrapped = config.clone();
    wrapped["CLOUDINARY_URL"] = json!("\"cloudinary://1:hush@demo\"");
    put(wrapped.to_string()).await;
    let words = "CLOUDINARY_URL has blanks or quotes around it";
    assert_finds(&examine(), "aws-secret", "failure", words);
    wrapped["CLOUDINARY_URL"] = json!("cloudinary://1:hush@demo\n");
    put(wrapped.to_string()).await;
    assert_finds(&examine(), "aws-secret", "failure", words);
    config["SUPABASE_PUBLISHABLE_KEY"] = Value::Null;
    put(config.to_string()).await;
    let words = "SUPABASE_PUBLISHABLE_KEY is missing";
    assert_finds(&examine(), "aws-secret", "failure", words);

    let mut elsewhere = environment.clone();
    elsewhere.push(("CONFIG_SECRET_ARN", "no/such".to_owned()));
    assert_finds(
        &doctor(&elsewhere, &only),
        "aws-secret",
        "failure",
        "there is no secret no/such",
    );
    stack.stop().await;
}

/// A deployment of the project's own template, with its functions, whose alarms lead to a topic.
struct Deployed {
    stack: LocalStack,
}

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:alarms";
const ALL: &str = "aws-secret,aws-kms,aws-version,aws-architecture,aws-concurrency,aws-visibility,aws-dlq,aws-alarms,aws-logs";

impl Deployed {
    async fn start() -> Self {
        let stack = LocalStack::start(StackOptions {
            parameters: [("AlarmTopicArn", TOPIC), ("WebhookConcurrency", "50")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            ..StackOptions::default()
        });
        Self {
            stack: stack.await.unwrap(),
        }
    }

    fn aws(&self) -> Aws<'_> {
        Aws(&self.stack)
    }

    fn examine(&self) -> Run {
        doctor(&environment(&self.stack), &["--json", "--only", ALL])
    }

    #[track_caller]
    fn assert_finds(&self, id: &str, grade: &str, words: &str) {
        assert_finds(&self.examine(), id, grade, words);
    }

    #[track_caller]
    fn assert_clean(&self) {
        let run = self.examine();
        let answer = run.json();
        for finding in answer["findings"].as_array().unwrap() {
            assert_eq!(finding["grade"], "ok", "{finding}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_deployment_are_found_one_by_one() {
    let deployed = Deployed::start().await;
    alarms_that_nobody_hears_are_found(&deployed).await;
    deployed.assert_clean();
    a_key_that_is_closed_is_found(&deployed).await;
    a_webhook_without_copies_of_its_own_is_found(&deployed).await;
    queues_are_compared_with_their_functions(&deployed).await;
    a_log_that_never_ends_is_found(&deployed).await;
    deployed.assert_clean();
    a_program_for_another_processor_is_found(&deployed).await;
    an_older_release_is_found(&deployed).await;
    deployed.assert_clean();
    deployed.stack.stop().await;
}

async fn alarms_that_nobody_hears_are_found(deployed: &Deployed) {
    let aws = deployed.aws();
    deployed.assert_finds("aws-alarms", "failure", "there is no topic");
    aws.sns("Action=CreateTopic&Name=alarms").await;
    deployed.assert_finds("aws-alarms", "failure", "nobody has subscribed");
    let subscribe = format!("Action=Subscribe&TopicArn={TOPIC}&Protocol");
    let subscribed = aws
        .sns(&format!("{subscribe}=email&Endpoint=boss@example.com"))
        .await;
    deployed.assert_finds("aws-alarms", "failure", "1 of 1 subscriptions");
    let arn = subscribed.split("<SubscriptionArn>").nth(1).unwrap();
    let arn = arn.split('<').next().unwrap();
    aws.sns(&format!("Action=Unsubscribe&SubscriptionArn={arn}"))
        .await;
    let listener = "arn:aws:sqs:us-east-1:000000000000:listener";
    aws.sns(&format!("{subscribe}=sqs&Endpoint={listener}"))
        .await;
}

async fn a_key_that_is_closed_is_found(deployed: &Deployed) {
    let aws = deployed.aws();
    let key = async |key: &str| {
        aws.secrets("UpdateSecret", json!({"SecretId": NAME, "KmsKeyId": key}))
            .await;
    };
    key("arn:aws:kms:us-east-1:000000000000:key/0a1b").await;
    deployed.assert_finds(
        "aws-kms",
        "failure",
        "key/0a1b, with which WebhookRole may not decrypt",
    );
    key("alias/aws/secretsmanager").await;
}

async fn a_webhook_without_copies_of_its_own_is_found(deployed: &Deployed) {
    let aws = deployed.aws();
    let settings = aws
        .rest("GET", "/2016-08-19/account-settings", Value::Null)
        .await;
    let limit = settings["AccountLimit"]["ConcurrentExecutions"]
        .as_u64()
        .unwrap();
    let path = async |logical| {
        format!(
            "/2017-10-31/functions/{}/concurrency",
            aws.function(logical).await
        )
    };
    let (webhook, audit) = (path("Webhook").await, path("Audit").await);
    let reserve = |copies: u64| json!({"ReservedConcurrentExecutions": copies});

    aws.rest("DELETE", &webhook, Value::Null).await;
    let seen = format!("none of the {limit} copies");
    deployed.assert_finds("aws-concurrency", "warning", &seen);
    // Somebody else has reserved everything.
    aws.rest("PUT", &audit, reserve(limit - 100)).await;
    deployed.assert_finds("aws-concurrency", "warning", &seen);
    aws.rest("DELETE", &audit, Value::Null).await;
    aws.rest("PUT", &webhook, reserve(50)).await;
    deployed.assert_clean();
}

async fn queues_are_compared_with_their_functions(deployed: &Deployed) {
    let stack = &deployed.stack;
    stack.hide_messages_for("OutboundQueue", 60).await.unwrap();
    deployed.assert_finds(
        "aws-visibility",
        "failure",
        "OutboundQueue hides a message for 60 s",
    );
    stack.hide_messages_for("OutboundQueue", 121).await.unwrap();

    let outputs = stack.outputs();
    let dead = &outputs["OutboundDeadLetterQueueUrl"];
    let send = json!({"QueueUrl": dead, "MessageBody": "given up"});
    deployed
        .aws()
        .json("sqs", "AmazonSQS.SendMessage", send)
        .await;
    deployed.assert_finds("aws-dlq", "failure", "1 in OutboundDeadLetterQueue");
    let purge = json!({"QueueUrl": dead});
    deployed
        .aws()
        .json("sqs", "AmazonSQS.PurgeQueue", purge)
        .await;
}

async fn a_log_that_never_ends_is_found(deployed: &Deployed) {
    let aws = deployed.aws();
    let name = aws.function("Audit").await;
    let path = format!("/2015-03-31/functions/{name}/configuration");
    let configuration = aws.rest("GET", &path, Value::Null).await;
    let group = configuration["LoggingConfig"]["LogGroup"].clone();
    let body = json!({"logGroupName": group});
    aws.json("logs", "Logs_20140328.DeleteRetentionPolicy", body)
        .await;
    deployed.assert_finds("aws-logs", "warning", group.as_str().unwrap());
    let body = json!({"logGroupName": group, "retentionInDays": 30});
    aws.json("logs", "Logs_20140328.PutRetentionPolicy", body)
        .await;
}

/// A package with this program, in base64.
fn package(program: &[u8]) -> String {
    const ZIP: &str = "
import base64, io, sys, zipfile
entry = zipfile.ZipInfo('bootstrap')
entry.external_attr, entry.compress_type = 0o755 << 16, zipfile.ZIP_DEFLATED
with zipfile.ZipFile(whole := io.BytesIO(), 'w') as package:
    package.writestr(entry, sys.stdin.buffer.read())
print(base64.b64encode(whole.getvalue()).decode(), end='')";
    let mut python = Command::new("python3")
        .args(["-c", ZIP])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(program).unwrap();
    String::from_utf8(python.wait_with_output().unwrap().stdout).unwrap()
}

fn built(function: &str) -> Vec<u8> {
    let target = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/lambda");
    std::fs::read(format!("{target}/{function}/bootstrap")).unwrap()
}

async fn a_program_for_another_processor_is_found(deployed: &Deployed) {
    let aws = deployed.aws();
    let path = format!(
        "/2015-03-31/functions/{}/code",
        aws.function("Webhook").await
    );
    let own = built("webhook");
    let mut other = own[..4096].to_vec();
    other[18] ^= 62 ^ 183;
    aws.rest("PUT", &path, json!({"ZipFile": package(&other)}))
        .await;
    deployed.assert_finds(
        "aws-architecture",
        "failure",
        "the function Webhook was built for",
    );
    aws.rest(
        "PUT",
        &path,
        json!({"ZipFile": package(b"#!/bin/sh\nexit 1\n")}),
    )
    .await;
    deployed.assert_finds("aws-architecture", "failure", "no Linux program");
    aws.rest("PUT", &path, json!({"ZipFile": package(&own)}))
        .await;
}

/// Answers every call as the function Health of a release would.
fn health_of(body: &Value) -> String {
    let answer = json!({"statusCode": 200, "body": body.to_string()}).to_string();
    format!(
        "#!/usr/bin/env python3
import os, urllib.request
base = 'http://' + os.environ['AWS_LAMBDA_RUNTIME_API'] + '/2018-06-01/runtime/invocation/'
while True:
    with urllib.request.urlopen(base + 'next') as call:
        name = call.headers['lambda-runtime-aws-request-id']
    urllib.request.urlopen(base + name + '/response', {answer:?}.encode()).close()
"
    )
}

async fn an_older_release_is_found(deployed: &Deployed) {
    let aws = deployed.aws();
    let path = format!(
        "/2015-03-31/functions/{}/code",
        aws.function("Health").await
    );
    for (body, words) in [
        (json!({"status": "ok", "version": "0.1.0"}), "release 0.1.0"),
        (
            json!({"version": "0.2.0", "schema": {"expected": "20260101000000"}}),
            "up to 20260101000000 only",
        ),
    ] {
        let program = health_of(&body);
        aws.rest(
            "PUT",
            &path,
            json!({"ZipFile": package(program.as_bytes())}),
        )
        .await;
        deployed.assert_finds("aws-version", "failure", words);
    }
    aws.rest("PUT", &path, json!({"ZipFile": package(&built("health"))}))
        .await;
}

//! The checks of AWS beside its emulator.

use std::collections::{BTreeMap, BTreeSet};

use local_stack::{Options, Part, Stack};
use media_sync::config::http_client;
use serde_json::{Value, json};

use crate::doctor::{Environment, assert_finds, doctor, faults};

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

fn environment(stack: &Stack) -> Environment {
    let aws = stack.aws_environment().unwrap();
    aws.into_iter().collect()
}

/// A call of Secrets Manager; the emulator verifies no signature.
async fn secrets(stack: &Stack, action: &str, body: Value) -> Value {
    let aws: BTreeMap<_, _> = stack.aws_environment().unwrap().into();
    let (key, region) = (&aws["AWS_ACCESS_KEY_ID"], &aws["AWS_DEFAULT_REGION"]);
    let credential = format!(
        "AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/secretsmanager/aws4_request, SignedHeaders=host, Signature=0"
    );
    let answer = http_client()
        .unwrap()
        .post(stack.aws_endpoint().unwrap())
        .header("x-amz-target", format!("secretsmanager.{action}"))
        .header("content-type", "application/x-amz-json-1.1")
        .header("authorization", credential)
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    let (status, body) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, 200, "{action}: {body}");
    serde_json::from_str(&body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_secret_are_found_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("template.yaml");
    std::fs::write(&template, TEMPLATE).unwrap();
    let stack = Stack::start(Options {
        without: BTreeSet::from([Part::Cloudinary]),
        template: Some(template),
        ..Options::default()
    })
    .await
    .unwrap();
    let environment = environment(&stack);
    let only = ["--json", "--only", "aws-secret,sb-paused,sb-keys"];
    let examine = || doctor(&environment, &only);

    let get = secrets(&stack, "GetSecretValue", json!({"SecretId": NAME})).await;
    let mut config: Value = serde_json::from_str(get["SecretString"].as_str().unwrap()).unwrap();
    config["CLOUDINARY_URL"] = json!("cloudinary://1:hush@demo");
    let put = async |text: String| {
        let body = json!({"SecretId": NAME, "SecretString": text});
        secrets(&stack, "PutSecretValue", body).await
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

//! The checks of Cloudinary beside its stand-in, whose switches put the faults in.

use std::collections::BTreeSet;

use local_stack::{LocalStack, StackOptions, StackPart};
use media_sync::config::http_client;
use serde_json::{Value, json};

use crate::doctor::{Environment, assert_finds, doctor, faults};
use crate::support::Run;

/// A library whose notifications go to the webhook.
struct Library {
    stack: LocalStack,
    http: reqwest::Client,
}

impl Library {
    /// With one picture and one PDF.
    async fn start() -> Self {
        let library = Self::start_empty(&[]).await;
        library.control("POST", "seed", json!({"count": 1})).await;
        let pdf = "data:application/pdf;base64,JVBERi0xLjQKJSVFT0YK";
        library
            .api(
                "POST",
                "image/upload",
                json!({"file": pdf, "public_id": "paper"}),
            )
            .await;
        library
    }

    /// With a trigger as `webhooks ensure` makes it, and these arguments of the stand-in.
    async fn start_empty(arguments: &[&str]) -> Self {
        let options = StackOptions {
            without: BTreeSet::from([StackPart::Aws]),
            cloudinary_arguments: arguments.iter().map(|one| (*one).to_owned()).collect(),
            ..StackOptions::default()
        };
        let library = Self {
            stack: LocalStack::start(options).await.unwrap(),
            http: http_client().unwrap(),
        };
        let list = library.api("GET", "triggers", Value::Null).await;
        let id = list["triggers"][0]["id"].as_str().unwrap();
        let path = format!("triggers/{id}");
        library.api("PUT", &path, json!({"additive": true})).await;
        library
    }

    async fn send(&self, method: &str, url: String, body: Value) -> Value {
        let account = url::Url::parse(self.stack.cloudinary_url().unwrap()).unwrap();
        let request = self
            .http
            .request(method.parse().unwrap(), url)
            .basic_auth(account.username(), account.password())
            .json(&body);
        let answer = request.send().await.unwrap();
        let (status, body) = (answer.status(), answer.json::<Value>().await.unwrap());
        assert!(status.is_success(), "{body}");
        body
    }

    async fn control(&self, method: &str, path: &str, body: Value) {
        let base = self.stack.cloudinary_control().unwrap();
        self.send(method, format!("{base}/_control/{path}"), body)
            .await;
    }

    async fn api(&self, method: &str, path: &str, body: Value) -> Value {
        let base = self.stack.cloudinary_control().unwrap();
        self.send(method, format!("{base}/v1_1/demo/{path}"), body)
            .await
    }

    fn environment(&self) -> Environment {
        vec![
            (
                "CLOUDINARY_URL",
                self.stack.cloudinary_url().unwrap().to_owned(),
            ),
            ("WEBHOOK_URL", self.stack.webhook_url()),
        ]
    }

    fn doctor(&self) -> Run {
        self.with_url(self.stack.cloudinary_url().unwrap())
    }

    fn with_url(&self, url: &str) -> Run {
        let mut environment = self.environment();
        environment[0].1 = url.to_owned();
        let run = doctor(&environment, &["--json"]);
        let account = url::Url::parse(self.stack.cloudinary_url().unwrap()).unwrap();
        let secret = account.password().unwrap();
        assert!(
            !run.stdout.contains(secret) && !run.stderr.contains(secret),
            "{run:?}"
        );
        run
    }

    #[track_caller]
    fn assert_clean(&self) {
        let run = self.doctor();
        assert_eq!(faults(&run), [], "{run:?}");
        let answer = run.json();
        let findings = answer["findings"].as_array().unwrap().iter();
        let of_cloudinary = findings.filter(|one| one["id"].as_str().unwrap().starts_with("cld-"));
        for finding in of_cloudinary {
            // The database is not asked here.
            let is_asked = finding["seen"] != "needs SUPABASE_URL";
            assert!(finding["grade"] == "ok" || !is_asked, "{finding}");
        }
    }

    /// Injects a fault by a setting, expects it to be found, and takes it back.
    async fn finds_with(&self, id: &str, grade: &str, words: &str, setting: (&str, Value, Value)) {
        let (name, fault, usual) = setting;
        self.control("PUT", "settings", json!({name: fault})).await;
        assert_finds(&self.doctor(), id, grade, words);
        self.control("PUT", "settings", json!({name: usual})).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_account_are_found_one_by_one() {
    let library = Library::start().await;
    library.assert_clean();
    wrong_credentials_are_found(&library);
    library
        .finds_with(
            "cld-region",
            "failure",
            "please access via api-eu.cloudinary.com",
            ("region", json!("eu"), Value::Null),
        )
        .await;
    for (skew, word) in [(90_000, "behind"), (-90_000, "ahead of")] {
        let setting = ("clock_skew_ms", json!(skew), json!(0));
        library
            .finds_with("cld-clock", "failure", word, setting)
            .await;
    }
    a_spent_quota_is_found(&library).await;
    a_quota_that_others_use_up_is_found(&library).await;
    library
        .finds_with(
            "cld-strict",
            "warning",
            "is not allowed",
            ("strict_transformations", json!(true), json!(false)),
        )
        .await;
    library
        .finds_with(
            "cld-pdf",
            "warning",
            "deny or ACL failure",
            ("pdf_delivery", json!(false), json!(true)),
        )
        .await;
    library.assert_clean();
    triggers_are_compared_with_the_webhook(&library).await;
    library.stack.stop().await;
}

fn wrong_credentials_are_found(library: &Library) {
    let url = library.stack.cloudinary_url().unwrap();
    let (start, rest) = url.split_once('@').unwrap();
    let (key, _) = start.rsplit_once(':').unwrap();
    for (url, words) in [
        (format!("{key}:of-another@{rest}"), "api_secret mismatch"),
        (
            format!("cloudinary://12345:of-another@{rest}"),
            "Unknown API key",
        ),
        (
            format!("cloudinary://:of-another@{rest}"),
            "has an empty API key",
        ),
        (
            "https://example.com".to_owned(),
            "does not begin with cloudinary://",
        ),
    ] {
        assert_finds(&library.with_url(&url), "cld-credentials", "failure", words);
    }
}

async fn a_spent_quota_is_found(library: &Library) {
    for (remaining, words) in [
        (20, "of 5000 calls are left"),
        (0, "0 of 5000 calls are left"),
    ] {
        library
            .control("PUT", "settings", json!({"rate_remaining": remaining}))
            .await;
        assert_finds(&library.doctor(), "cld-quota", "failure", words);
    }
    library
        .control("PUT", "settings", json!({"rate_remaining": 5000}))
        .await;
}

/// So little more than the reserve is left that it suffices for a second at the others' pace.
async fn a_quota_that_others_use_up_is_found(library: &Library) {
    let calls_between = 7;
    let others = 300;
    let kept = 500;
    let left = kept + (others + 1) * calls_between + 20;
    let spend = json!({"rate_used_by_others": others, "rate_remaining": left});
    library.control("PUT", "settings", spend).await;
    let words = "others made 2100 calls";
    assert_finds(&library.doctor(), "cld-quota", "warning", words);
    let usual = json!({"rate_used_by_others": 0, "rate_remaining": 5000});
    library.control("PUT", "settings", usual).await;
}

async fn triggers_are_compared_with_the_webhook(library: &Library) {
    let webhook = library.stack.webhook_url();
    let listed = library.api("GET", "triggers", Value::Null).await;
    let id = listed["triggers"][0]["id"].as_str().unwrap().to_owned();
    let ours = format!("triggers/{id}");
    let finds = |words: &str| assert_finds(&library.doctor(), "cld-trigger", "failure", words);
    let template = json!({"payload_template": "{\"event\": \"{{notification_type}}\"}"});
    library.api("PUT", &ours, template).await;
    finds("a payload template");
    let none = json!({"payload_template": ""});
    library.api("PUT", &ours, none).await;
    library.assert_clean();

    library.api("DELETE", &ours, Value::Null).await;
    finds("there is no trigger");

    let old = json!({"uri": "http://127.0.0.1:1/old", "event_type": "all"});
    library.api("POST", "triggers", old).await;
    finds("elsewhere lead: http://127.0.0.1:1/old");

    let upload = json!({"uri": webhook, "event_type": "upload"});
    library.api("POST", "triggers", upload).await;
    finds("only these events are sent");

    let signed =
        json!({"uri": webhook, "event_type": "all", "auth_scheme": "eddsa_v2", "additive": true});
    library.api("POST", "triggers", signed).await;
    finds("does not verify");
}

#[tokio::test(flavor = "multi_thread")]
async fn library_without_backups_is_a_warning() {
    let library = Library::start_empty(&["--setting", "backups=false"]).await;
    let empty = library.doctor();
    assert_eq!(faults(&empty), [], "{empty:?}");
    library.control("POST", "seed", json!({"count": 1})).await;
    assert_finds(&library.doctor(), "cld-backup", "warning", "has no backup");
    library.stack.stop().await;
}

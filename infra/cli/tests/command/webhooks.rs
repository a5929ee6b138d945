//! `mediasync webhooks` on whole stacks: each leg of a notification's way works, or is named.

use std::collections::BTreeMap;

use local_stack::{LocalStack, StackOptions};
use media_sync::asset::ResourceType;
use media_sync::cloudinary::{ApiCredentials, CloudinaryClient, ListPage};
use serde_json::{Value, json};

use crate::support::{Run, run};

struct World {
    stack: LocalStack,
    http: reqwest::Client,
}

impl World {
    async fn start(config: &[(&str, &str)]) -> Self {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let options = StackOptions {
            config: config.iter().map(owned).collect(),
            parameters: BTreeMap::from([("RetrySeconds".to_owned(), "20".to_owned())]),
            ..StackOptions::default()
        };
        Self {
            stack: LocalStack::start(options).await.unwrap(),
            http: media_sync::config::http_client().unwrap(),
        }
    }

    /// With keys in the environment.
    fn webhooks(&self, arguments: &[&str]) -> Run {
        let webhook = self.stack.webhook_url();
        let environment = [
            ("CLOUDINARY_URL", self.stack.cloudinary_url().unwrap()),
            ("SUPABASE_URL", &self.stack.supabase_url()),
            ("SUPABASE_SECRET_KEY", self.stack.secret_key()),
            ("WEBHOOK_URL", &webhook),
        ];
        self.run(arguments, &environment)
    }

    fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Run {
        let run = run(&[&["webhooks"], arguments].concat(), environment);
        let url = url::Url::parse(self.stack.cloudinary_url().unwrap()).unwrap();
        for secret in [url.password().unwrap(), self.stack.secret_key()] {
            assert!(!run.stdout.contains(secret), "{run:?}");
            assert!(!run.stderr.contains(secret), "{run:?}");
        }
        run
    }

    fn triggers(&self) -> Vec<Value> {
        let list = self.webhooks(&["list", "--json"]);
        assert_eq!(list.code, Some(0), "{list:?}");
        list.json()["triggers"].as_array().unwrap().clone()
    }

    async fn create_trigger(&self, trigger: Value) {
        let credentials = ApiCredentials::parse(self.stack.cloudinary_url().unwrap()).unwrap();
        let base = credentials.upload_prefix().as_str().trim_end_matches('/');
        let url = format!("{base}/v1_1/{}/triggers", credentials.cloud_name());
        let request = self.http.post(url).json(&trigger);
        let request = request.basic_auth(credentials.api_key(), Some(credentials.api_secret()));
        let status = request.send().await.unwrap().status();
        assert!(status.is_success(), "{status}");
    }

    async fn lose_notifications(&self) {
        let url = format!(
            "{}/_control/chaos",
            self.stack.cloudinary_control().unwrap()
        );
        let request = self.http.put(url).json(&json!({"drop": 1.0}));
        assert!(request.send().await.unwrap().status().is_success());
    }

    /// The number of assets that Cloudinary holds.
    async fn assets(&self) -> usize {
        let credentials = ApiCredentials::parse(self.stack.cloudinary_url().unwrap()).unwrap();
        let client = CloudinaryClient::new(self.http.clone(), credentials);
        let page = client.list_resources(ResourceType::Image, ListPage::default());
        page.await.unwrap().value.resources.len()
    }

    async fn assert_test_fails_on(&self, leg: &str, arguments: &[&str]) {
        let arguments = [&["test", "--timeout", "6"], arguments].concat();
        let failed = self.webhooks(&arguments);
        assert_eq!(failed.code, Some(1), "{failed:?}");
        assert!(failed.stdout.is_empty(), "{failed:?}");
        assert!(
            failed.stderr.contains(&format!("leg: {leg}\n")),
            "{failed:?}"
        );
        assert!(failed.stderr.contains("mend:"), "{failed:?}");
        assert_eq!(self.assets().await, 0, "the canary is removed");
    }
}

#[tokio::test]
async fn webhook_is_registered_once_proved_and_removed() {
    let world = World::start(&[]).await;
    let webhook = world.stack.webhook_url();
    let elsewhere = json!({"uri": "http://127.0.0.1:9/shop", "event_type": "upload"});
    world.create_trigger(elsewhere).await;
    let eddsa = json!({"uri": &webhook, "event_type": "upload", "auth_scheme": "eddsa_v2", "additive": true});
    world.create_trigger(eddsa).await;
    let faults: Vec<Value> = world
        .triggers()
        .iter()
        .map(|one| one["faults"].clone())
        .collect();
    assert!(
        faults.contains(&json!(["not_all_events", "signature_scheme"])),
        "{faults:?}"
    );
    assert!(faults.contains(&json!(["not_additive"])), "{faults:?}");

    let mended = world.webhooks(&["ensure", "--json"]);
    assert_eq!(mended.code, Some(0), "{mended:?}");
    let answer = mended.json();
    assert_eq!(answer["created"], true);
    assert_eq!(answer["removed"].as_array().unwrap().len(), 2);
    assert!(answer["test"]["upload_ms"].is_u64() && answer["test"]["delete_ms"].is_u64());
    assert!(
        mended
            .stderr
            .contains("left alone: upload to http://127.0.0.1:9/shop"),
        "{mended:?}"
    );
    assert_eq!(world.assets().await, 0);

    let again = world.webhooks(&["ensure", "--no-test", "--json"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    let nothing = json!({"webhook_url": &webhook, "created": false, "removed": [], "test": null});
    assert_eq!(again.json(), nothing);
    assert_eq!(world.triggers().len(), 2);

    let removed = world.webhooks(&["rm", "--no-input"]);
    assert_eq!(removed.code, Some(0), "{removed:?}");
    let left = world.triggers();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["owner"], "foreign");
    world.assert_test_fails_on("no_trigger", &[]).await;
    world.stack.stop().await;
}

#[tokio::test]
async fn deployed_stack_tells_the_address_and_the_keys() {
    let world = World::start(&[]).await;
    let aws = world.stack.aws_environment().unwrap();
    let environment: Vec<(&str, &str)> = aws
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    let list = world.run(&["list", "--json"], &environment);
    assert_eq!(list.code, Some(0), "{list:?}");
    assert_eq!(
        list.json()["webhook_url"],
        world.stack.outputs()["WebhookUrl"]
    );
    let unknown = world.run(&["list", "--stack-name", "no-such-stack"], &environment);
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    assert!(
        unknown.stderr.contains("CLOUDINARY_URL, WEBHOOK_URL"),
        "{unknown:?}"
    );
    assert!(unknown.stderr.contains("no-such-stack"), "{unknown:?}");
    world.stack.stop().await;
}

#[tokio::test]
async fn lost_notification_and_wrong_address_are_told_apart() {
    let world = World::start(&[]).await;
    world.lose_notifications().await;
    world
        .assert_test_fails_on("refused_signature_or_not_delivered", &[])
        .await;
    let nowhere = ["--url", "http://127.0.0.1:9/webhook"];
    let ensured = world.webhooks(&[&["ensure", "--no-test"][..], &nowhere].concat());
    assert_eq!(ensured.code, Some(0), "{ensured:?}");
    world.assert_test_fails_on("not_delivered", &nowhere).await;
    world.stack.stop().await;
}

#[tokio::test]
async fn webhook_with_another_secret_is_told() {
    let other = "cloudinary://123456789012345:another-secret@demo";
    let world = World::start(&[("CLOUDINARY_URL", other)]).await;
    world.assert_test_fails_on("refused_signature", &[]).await;
    world.stack.stop().await;
}

#[tokio::test]
async fn worker_that_cannot_write_is_told() {
    let world = World::start(&[("SUPABASE_SECRET_KEY", "sb_secret_anotherprojects")]).await;
    world.assert_test_fails_on("not_processed", &[]).await;
    world.stack.stop().await;
}

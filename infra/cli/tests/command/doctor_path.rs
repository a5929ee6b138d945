//! The checks that need the whole stack: the content of notifications, and their way round.

use std::time::Duration;

use local_stack::{LocalStack, StackOptions};
use media_sync::cloudinary::signature::sign_notification;
use media_sync::cloudinary::upload::{UploadOptions, UploadSource};
use media_sync::cloudinary::{ApiCredentials, CloudinaryClient};
use media_sync::config::http_client;
use media_sync::time::Timestamp;
use serde_json::{Value, json};

use crate::doctor::{Environment, assert_finds, doctor, faults};
use crate::support::Run;

const CHECKS: &str =
    "cld-credentials,cld-notification-key,cld-algorithm,cld-folder-mode,path-canary";
const PICTURE: &str =
    "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

struct Whole {
    stack: LocalStack,
    http: reqwest::Client,
}

impl Whole {
    async fn start() -> Self {
        Self {
            stack: LocalStack::start(StackOptions::default()).await.unwrap(),
            http: http_client().unwrap(),
        }
    }

    fn environment(&self) -> Environment {
        let stack = &self.stack;
        vec![
            ("CLOUDINARY_URL", stack.cloudinary_url().unwrap().to_owned()),
            ("WEBHOOK_URL", stack.webhook_url()),
            ("SUPABASE_URL", stack.supabase_url()),
            ("SUPABASE_SECRET_KEY", stack.secret_key().to_owned()),
        ]
    }

    fn examine(&self, more: &[&str]) -> Run {
        doctor(
            &self.environment(),
            &[&["--json", "--only", CHECKS], more].concat(),
        )
    }

    #[track_caller]
    fn assert_clean(&self) -> Value {
        let run = self.examine(&["--canary"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(faults(&run), [], "{run:?}");
        run.json()
    }

    async fn control(&self, path: &str, body: Value) {
        let base = self.stack.cloudinary_control().unwrap();
        let request = self.http.put(format!("{base}/_control/{path}")).json(&body);
        assert!(request.send().await.unwrap().status().is_success());
    }

    /// Sends the webhook a notification that claims a key, signed with a secret that is nobody's.
    async fn send_forged(&self, key: &str) -> u16 {
        let body = json!({"notification_type": "upload", "signature_key": key}).to_string();
        let signed_at = u64::try_from(Timestamp::now().micros() / 1_000_000).unwrap();
        let strange = ApiCredentials::parse("cloudinary://1:nobodys@demo").unwrap();
        let signature = sign_notification(body.as_bytes(), signed_at, &strange);
        let request = self
            .http
            .post(self.stack.webhook_url())
            .header("x-cld-timestamp", signed_at.to_string())
            .header("x-cld-signature", signature)
            .body(body);
        request.send().await.unwrap().status().as_u16()
    }

    async fn rows(&self, path: &str) -> Value {
        let url = format!("{}/rest/v1/{path}", self.stack.supabase_url());
        let request = self.http.get(url).header("apikey", self.stack.secret_key());
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            let rows = self.rows(path).await;
            if wanted(&rows) {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "{path}: {rows}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_on_the_whole_way_are_found_one_by_one() {
    let whole = Whole::start().await;
    whole.assert_clean();
    a_key_that_nobody_knows_is_found(&whole).await;
    another_hash_is_found(&whole).await;
    other_folders_are_found(&whole).await;
    a_notification_that_is_lost_is_found(&whole).await;
    whole.stack.stop().await;
}

async fn a_key_that_nobody_knows_is_found(whole: &Whole) {
    assert_eq!(whole.send_forged("999999999999999").await, 401);
    whole
        .until("rpc/media_sync_health", |told| {
            told["refusals"] != json!([])
        })
        .await;
    assert_finds(
        &whole.examine(&[]),
        "cld-notification-key",
        "failure",
        "names the key 999999999999999, which is not configured",
    );
    // The records are read before the canary is planted.
    let _ = whole.examine(&["--canary"]);
    whole.assert_clean();
}

async fn another_hash_is_found(whole: &Whole) {
    whole
        .control("settings", json!({"signature_algorithm": "sha256"}))
        .await;
    let _ = whole.examine(&["--canary"]);
    assert_finds(
        &whole.examine(&[]),
        "cld-algorithm",
        "failure",
        "the account signs with sha256, and CLOUDINARY_URL says sha1",
    );
    whole
        .control("settings", json!({"signature_algorithm": "sha1"}))
        .await;
    let _ = whole.examine(&["--canary"]);
    whole.assert_clean();
}

async fn other_folders_are_found(whole: &Whole) {
    let credentials = ApiCredentials::parse(whole.stack.cloudinary_url().unwrap()).unwrap();
    let client = CloudinaryClient::new(whole.http.clone(), credentials);
    let options = UploadOptions {
        public_id: Some("mug".to_owned()),
        asset_folder: Some("shop".to_owned()),
        ..UploadOptions::default()
    };
    client
        .upload(UploadSource::Url(PICTURE.to_owned()), &options)
        .await
        .unwrap();
    let row = "media_assets?select=folder&cloudinary_public_id=eq.mug";
    whole.until(row, |rows| rows[0]["folder"] == "shop").await;
    whole.assert_clean();
    whole
        .control("settings", json!({"folder_mode": "fixed"}))
        .await;
    assert_finds(
        &whole.examine(&[]),
        "cld-folder-mode",
        "warning",
        "mug in shop",
    );
    whole
        .control("settings", json!({"folder_mode": "dynamic"}))
        .await;
}

async fn a_notification_that_is_lost_is_found(whole: &Whole) {
    whole.control("chaos", json!({"drop": 1.0})).await;
    assert_finds(
        &whole.examine(&["--canary", "--timeout", "3"]),
        "path-canary",
        "failure",
        "leg: refused_signature_or_not_delivered",
    );
    let without = whole.examine(&[]);
    assert_eq!(
        faults(&without),
        [],
        "nothing is planted unasked: {without:?}"
    );
}

//! `mediasync config` for settings: where they live, when they count, and what becomes of those in an old secret.

use std::time::{Duration, Instant};

use local_stack::{StackOptions, TokenClaims};
use serde_json::{Value, json};

use crate::deployed::Deployed;

/// The longest wait until a function follows a rule that has refused something.
const LIMIT: Duration = Duration::from_secs(60);

/// The rules as the database holds them.
const STORED: &str = "select value from media_sync.settings where name = 'UPLOAD_RULES'";

/// A deployed stack, and a user who uploads.
struct Stage {
    deployed: Deployed,
    http: reqwest::Client,
    user: TokenClaims,
}

impl Stage {
    async fn start(secret: Option<&str>) -> Self {
        let secret = secret.map(|rules| ("UPLOAD_RULES".to_owned(), rules.to_owned()));
        let options = StackOptions {
            config: secret.into_iter().collect(),
            ..StackOptions::default()
        };
        Self {
            deployed: Deployed::start(options).await,
            http: media_sync::config::http_client().unwrap(),
            user: TokenClaims::user("user@example.com"),
        }
    }

    async fn call(&self, path: &str, body: Option<Value>) -> (u16, Value) {
        let stack = &self.deployed.stack;
        let url = format!("{}/api/cloudinary/{path}", stack.front_door_url());
        let request = match body {
            Some(body) => self.http.post(url).json(&body),
            None => self.http.get(url),
        };
        let request = request.bearer_auth(stack.token(&self.user));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Asks for a signature of this public id.
    async fn sign(&self, public_id: &str) -> (u16, Value) {
        let body = json!({"paramsToSign": {"public_id": public_id}, "filename": "mug.gif"});
        self.call("upload", Some(body)).await
    }

    async fn becomes_signable(&self, public_id: &str) {
        let begun = Instant::now();
        loop {
            let (status, answer) = self.sign(public_id).await;
            if status == 200 {
                return;
            }
            assert!(begun.elapsed() < LIMIT, "{status}: {answer}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Leaves the name to the function.
    async fn chooses_below(&self, prefix: &str) {
        let begun = Instant::now();
        loop {
            let body = json!({"paramsToSign": {}, "filename": "mug.gif"});
            let (status, answer) = self.call("upload", Some(body)).await;
            if status == 200 {
                let chosen = answer["public_id"].as_str().unwrap();
                return assert!(chosen.starts_with(prefix), "{chosen}");
            }
            assert_eq!(answer["code"], "outside_prefix", "{answer}");
            assert!(begun.elapsed() < LIMIT, "{answer}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    fn config(&self, arguments: &[&str], code: i32) -> Value {
        self.deployed
            .expect(&[&["config"], arguments].concat(), code)
    }

    /// The warnings of `config print`.
    fn warnings(&self) -> String {
        self.deployed.run(&["config", "print"]).stderr
    }

    async fn stop(self) {
        self.deployed.stack.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_the_command_sets_counts_in_running_functions_and_in_the_database() {
    let stage = Stage::start(None).await;
    let shown = stage.config(&["print"], 0);
    assert_eq!(shown["places"]["UPLOAD_RULES"], "default");
    assert_eq!(shown["places"]["SUPABASE_URL"], "secret");

    let rules = r#"UPLOAD_RULES={"prefix": "team/{user_id}"}"#;
    let set = stage.config(&["set", rules], 0);
    assert_eq!(
        (&set["changed"], &set["place"]),
        (&json!(true), &json!("database"))
    );
    assert_eq!(stage.config(&["set", rules], 0)["changed"], false);
    let own = format!("team/{}", stage.user.sub);
    let prefix = format!("select media_sync.prefix_of('{}')", stage.user.sub);
    assert_eq!(stage.deployed.value(&prefix).await, own);
    let (status, refused) = stage.sign("logo").await;
    assert_eq!((status, &refused["code"]), (403, &json!("outside_prefix")));
    assert_eq!(stage.sign(&format!("{own}/logo")).await.0, 200);

    // A misspelt rule is refused as a whole, and by its name.
    let wrong = ["config", "set", "UPLOAD_RULES", r#"{"prefx": ""}"#];
    let wrong = stage.deployed.run(&wrong);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.stderr.contains("prefx"), "{wrong:?}");
    let shown = stage.config(&["get", "UPLOAD_RULES"], 0);
    assert_eq!(shown["places"], json!({"UPLOAD_RULES": "database"}));
    assert_eq!(
        shown["values"]["UPLOAD_RULES"],
        r#"{"prefix":"team/{user_id}"}"#
    );

    // The function that has refused follows without a deployment.
    stage.config(&["set", "UPLOAD_RULES", r#"{"prefix": "team"}"#], 0);
    stage.becomes_signable("team/logo").await;
    // So does one that the database corrects: the function chose the name below the prefix that it knew.
    stage.config(&["set", "UPLOAD_RULES", r#"{"prefix": "crew"}"#], 0);
    stage.chooses_below("crew/").await;
    stage.config(&["unset", "UPLOAD_RULES"], 0);
    assert_eq!(stage.deployed.value(STORED).await, "");
    assert_eq!(
        stage.config(&["print"], 0)["places"]["UPLOAD_RULES"],
        "default"
    );
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_in_an_old_secret_are_imported_once_and_then_reported_as_unused() {
    let stage = Stage::start(Some(r#"{"max_bytes": 5000000}"#)).await;
    assert!(
        stage.warnings().contains("not imported"),
        "{}",
        stage.warnings()
    );
    let (_, rules) = stage.call("upload", None).await;
    assert_eq!(rules["limits"]["max_bytes"], 5_000_000, "{rules}");
    assert_eq!(
        stage.deployed.value(STORED).await,
        r#"{"max_bytes": 5000000}"#
    );

    // What was set since stays, whoever imports next; so does that it was taken back.
    let stack = &stage.deployed.stack;
    let drain = json!({"action": "drain"});
    stage.config(&["set", "UPLOAD_RULES", r#"{"max_bytes": 6000000}"#], 0);
    stack
        .invoke("MaintenanceFunctionName", &drain)
        .await
        .unwrap();
    assert_eq!(
        stage.deployed.value(STORED).await,
        r#"{"max_bytes": 6000000}"#
    );
    let log = stack.function_log("Upload").await.unwrap();
    assert_eq!(
        log.matches("nothing reads the secret's any more").count(),
        1,
        "{log}"
    );
    let remedy = "mediasync config unset --leftover UPLOAD_RULES";
    assert!(log.contains(remedy) && stage.warnings().contains(remedy));
    let doctor = stage
        .deployed
        .run(&["doctor", "--json", "--only", "aws-secret"]);
    assert!(doctor.stdout.contains(remedy), "{doctor:?}");

    stage.config(&["unset", "--leftover", "UPLOAD_RULES"], 0);
    assert!(!stage.warnings().contains(remedy), "{}", stage.warnings());
    assert_eq!(
        stage.deployed.value(STORED).await,
        r#"{"max_bytes": 6000000}"#
    );
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_rules_in_an_old_secret_stop_uploads_only_and_the_command_mends_them() {
    let stage = Stage::start(Some("{broken")).await;
    let (status, refused) = stage.sign("logo").await;
    assert_eq!(
        (status, &refused["code"]),
        (503, &json!("settings_unavailable"))
    );
    assert_eq!(stage.call("media", None).await.0, 200);
    let drain = json!({"action": "drain"});
    let drained = stage
        .deployed
        .stack
        .invoke("MaintenanceFunctionName", &drain)
        .await;
    assert!(drained.unwrap().error.is_none());
    let imported = stage
        .deployed
        .run(&["config", "unset", "--leftover", "UPLOAD_RULES"]);
    assert_eq!(imported.code, Some(2), "{imported:?}");

    stage.config(&["set", r#"UPLOAD_RULES={"prefix": ""}"#], 0);
    stage.becomes_signable("logo").await;
    stage.stop().await;
}

//! `mediasync init` with wrong answers: each is named with its mend, and nothing is made.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use local_stack::GatewayFault;
use media_sync::config::http_client;
use serde_json::{Value, json};

use crate::install::Stranger;
use crate::support::Run;

impl Stranger {
    /// Runs `init` and expects it to end before it makes anything.
    fn refuses(
        &self,
        more: &[&str],
        environment: &[(&str, &str)],
        code: i32,
        words: &[&str],
    ) -> Run {
        let arguments = [&["init", "--no-input", "--config", "config.json"], more].concat();
        let run = self.run_with(&arguments, environment);
        assert_eq!(run.code, Some(code), "{words:?}: {run:?}");
        for word in words {
            assert!(run.stderr.contains(word), "{word}: {run:?}");
        }
        assert!(run.stderr.contains("mend: "), "{run:?}");
        assert!(!run.stderr.contains("[1/7]"), "no step has begun: {run:?}");
        run
    }

    async fn assert_untouched(&self) {
        let secret = self.run(&["config", "print"]);
        assert!(secret.stderr.contains("there is no secret"), "{secret:?}");
        assert_eq!(self.tables().await, 0);
    }

    /// Tables of ours, but those that a test has made.
    async fn tables(&self) -> i64 {
        let (client, connection) =
            tokio_postgres::connect(self.stack.database_url(), tokio_postgres::NoTls)
                .await
                .unwrap();
        tokio::spawn(connection);
        let count = "select count(*) from pg_class c join pg_namespace n on n.oid = relnamespace
            where nspname = 'media_sync' or (nspname = 'public' and relname = 'media_assets')";
        client.query_one(count, &[]).await.unwrap().get(0)
    }

    async fn execute(&self, sql: &str) {
        let (client, connection) =
            tokio_postgres::connect(self.stack.database_url(), tokio_postgres::NoTls)
                .await
                .unwrap();
        tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
    }

    async fn set_cloudinary(&self, settings: Value) {
        let url = format!(
            "{}/_control/settings",
            self.stack.cloudinary_control().unwrap()
        );
        let answer = http_client()
            .unwrap()
            .put(url)
            .json(&settings)
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// CloudFormation's query protocol; the emulator verifies no signature.
    async fn formation(&self, form: &[(&str, &str)]) -> String {
        let credential = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/cloudformation/aws4_request, \
                          SignedHeaders=host, Signature=0";
        let answer = http_client()
            .unwrap()
            .post(self.stack.aws_endpoint().unwrap())
            .header("authorization", credential)
            .form(form)
            .send()
            .await
            .unwrap();
        answer.text().await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_answers_are_named_and_nothing_is_made() {
    let stranger = Stranger::start_with_a_sample().await;
    let stack = &stranger.stack;

    // Forms, before anybody is asked.
    let publishable = stack.publishable_key();
    stranger.refuses(
        &[],
        &[("SUPABASE_SECRET_KEY", publishable)],
        2,
        &["SUPABASE_SECRET_KEY"],
    );
    let pooler = "postgresql://postgres.x:y@aws-0-eu-west-1.pooler.supabase.com:6543/postgres";
    stranger.refuses(&[], &[("DATABASE_URL", pooler)], 2, &["transaction pooler"]);
    stranger.refuses(&["--region", "frankfurt"], &[], 2, &["AWS region"]);
    stranger.refuses(
        &["--parameter", "AlarmMail=x@y.z"],
        &[],
        2,
        &["AlarmMail", "AlarmEmail"],
    );
    stranger.refuses(&["--dist", "no/such"], &[], 2, &["no prebuilt code"]);

    // Keys and passwords.
    let mut cloudinary = url::Url::parse(stack.cloudinary_url().unwrap()).unwrap();
    cloudinary.set_password(Some("wrong-secret")).unwrap();
    stranger.refuses(
        &[],
        &[("CLOUDINARY_URL", cloudinary.as_str())],
        4,
        &["cld-credentials"],
    );
    stranger.refuses(
        &[],
        &[("SUPABASE_SECRET_KEY", "sb_secret_wrong")],
        4,
        &["sb-keys"],
    );
    let mut database = url::Url::parse(stack.database_url()).unwrap();
    database.set_password(Some("wrong")).unwrap();
    let run = stranger.refuses(
        &[],
        &[("DATABASE_URL", database.as_str())],
        4,
        &["database", "password"],
    );
    assert!(
        run.stderr.contains("nothing was made or changed"),
        "{run:?}"
    );

    // An account of another region.
    stranger.set_cloudinary(json!({"region": "eu"})).await;
    stranger.refuses(
        &[],
        &[],
        2,
        &["cld-region", "upload_prefix=https://api-eu.cloudinary.com"],
    );
    stranger.set_cloudinary(json!({"region": null})).await;

    // Two at once are told at once.
    let both = [
        ("CLOUDINARY_URL", cloudinary.as_str()),
        ("DATABASE_URL", database.as_str()),
    ];
    stranger.refuses(&[], &both, 4, &["cld-credentials", "password", "2 of "]);

    // A paused project, and nobody there.
    stack.set_gateway_fault(Some(GatewayFault::Status {
        status: 540,
        times: 1_000,
    }));
    stranger.refuses(&[], &[], 1, &["sb-paused", "paused", "Restore project"]);
    stack.set_gateway_fault(None);
    let nowhere = "http://127.0.0.1:1";
    stranger.refuses(
        &[],
        &[("SUPABASE_URL", nowhere)],
        1,
        &["sb-paused", "does not answer"],
    );
    let prefix = "cloudinary://1:secret@demo?upload_prefix=http://127.0.0.1:1";
    stranger.refuses(
        &[],
        &[("CLOUDINARY_URL", prefix)],
        5,
        &["cld-credentials", "network"],
    );
    let silent = stranger.run_with(
        &["init", "--no-input", "--config", "config.json"],
        &[("AWS_ENDPOINT_URL", nowhere), ("AWS_MAX_ATTEMPTS", "1")],
    );
    assert_eq!(silent.code, Some(5), "{silent:?}");
    assert!(silent.stderr.contains("AWS does not answer"), "{silent:?}");

    // A person is asked for what is missing, and again until the answer has its form.
    stranger.write_answers(&[("ADMIN_EMAIL", "")]);
    let without = stranger.run(&["init", "--no-input", "--config", "config.json"]);
    assert_eq!(without.code, Some(2), "{without:?}");
    assert!(
        without.stderr.contains("the answers lack ADMIN_EMAIL"),
        "{without:?}"
    );
    let (code, screen) = stranger.at_a_terminal(&["init", "--dry-run"], "boss\rboss@example.com\r");
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("it is no e-mail address"), "{screen}");
    assert!(
        screen.contains("invite boss@example.com by mail"),
        "{screen}"
    );

    stranger.write_answers(&[]);

    // An account that can reserve nothing.
    let lambda = small_account();
    let reserve = ["--parameter", "WebhookConcurrency=5"];
    let run = stranger.refuses(
        &reserve,
        &[("AWS_ENDPOINT_URL_LAMBDA", &lambda)],
        1,
        &["WebhookConcurrency"],
    );
    assert!(run.stderr.contains("can reserve 0"), "{run:?}");
    let dry = stranger.run_with(
        &["init", "--no-input", "--config", "config.json", "--dry-run"],
        &[("AWS_ENDPOINT_URL_LAMBDA", &lambda)],
    );
    assert_eq!(dry.code, Some(0), "{dry:?}");
    let none = "no copy is reserved for the webhook: the account's 10 allow none";
    assert!(dry.stdout.contains(none), "{dry:?}");
    stranger.assert_untouched().await;
    stranger.stack.stop().await;
}

/// Lambda's account settings as a new AWS account has them.
fn small_account() -> String {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    std::thread::spawn(move || {
        let body =
            r#"{"AccountLimit":{"ConcurrentExecutions":10,"UnreservedConcurrentExecutions":10}}"#;
        for connection in server.incoming() {
            let mut connection = connection.unwrap();
            let mut request = [0; 4096];
            let _ = connection.read(&mut request);
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = connection.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}

/// Nobody sends the signal that it waits for: its creation fails, and the stack rolls back.
const BROKEN: &str = r#"{"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}, "Wait": {
    "Type": "AWS::CloudFormation::WaitCondition", "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "1"}}}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn failing_migration_and_half_made_stack_leave_everything_resumable() {
    let stranger = Stranger::start().await;
    let quick = [
        "init",
        "--no-input",
        "--config",
        "config.json",
        "--no-test",
        "--no-import",
    ];
    stranger
        .execute("create table public.media_collections (id int)")
        .await;
    let failed = stranger.run(&quick);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(
        failed.stderr.contains("media_collections") && failed.stderr.contains(".sql, line"),
        "{failed:?}"
    );
    assert!(
        failed.stderr.contains("the database is as it was"),
        "{failed:?}"
    );
    stranger.assert_untouched().await;
    stranger
        .execute("drop table public.media_collections")
        .await;

    let made = stranger
        .formation(&[
            ("Action", "CreateStack"),
            ("StackName", "media-sync"),
            ("TemplateBody", BROKEN),
        ])
        .await;
    assert!(made.contains("StackId"), "{made}");
    let half = stranger.settled(&quick).await;
    assert_eq!(half.code, Some(1), "{half:?}");
    assert!(
        half.stderr.contains("half made (ROLLBACK_COMPLETE)") && half.stderr.contains("--yes"),
        "{half:?}"
    );
    stranger.assert_untouched().await;

    let again = stranger.run(&[&quick[..], &["--yes"]].concat());
    assert!(
        again.stderr.contains("deleting the half-made stack"),
        "{again:?}"
    );
    assert!(
        again.stderr.contains("the stack media-sync was made"),
        "{again:?}"
    );

    configure(&stranger);
    remove(&stranger).await;
    let anew = stranger.run(&quick);
    assert!(anew.stderr.contains("was restored and written"), "{anew:?}");
    stranger.stack.stop().await;
}

impl Stranger {
    /// Runs `init` once the rollback has ended: before that it would wait for it.
    async fn settled(&self, arguments: &[&str]) -> Run {
        let form = [("Action", "DescribeStacks"), ("StackName", "media-sync")];
        for _ in 0..600 {
            if self.formation(&form).await.contains("ROLLBACK_COMPLETE") {
                return self.run(arguments);
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!(
            "the stack never rolled back: {}",
            self.formation(&form).await
        );
    }
}

/// `mediasync config` on the installed stack.
fn configure(stranger: &Stranger) {
    let print = stranger.run(&["config", "print"]);
    assert_eq!(print.code, Some(0), "{print:?}");
    assert!(
        print.stdout.contains("cloudinary://...:...@demo"),
        "{print:?}"
    );
    assert!(print.stdout.contains("(hidden)"), "{print:?}");

    let wrong = stranger.run(&[
        "config",
        "set",
        "SUPABASE_SECRET_KEY",
        stranger.stack.publishable_key(),
    ]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.stderr.contains("nothing was written"), "{wrong:?}");
    let unknown = stranger.run(&["config", "set", "SUPABASE_KEY", "x"]);
    assert_eq!(unknown.code, Some(2), "{unknown:?}");

    let mut set = stranger.command(&["config", "set", "--json", "CURSOR_SECRET", "-"]);
    let mut set = set.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let secret = "0123456789abcdef0123456789abcdef";
    set.stdin
        .take()
        .unwrap()
        .write_all(secret.as_bytes())
        .unwrap();
    let set: Run = set.wait_with_output().unwrap().into();
    assert_eq!(set.code, Some(0), "{set:?}");
    assert_eq!(set.json()["changed"], true);
    assert!(
        set.stderr.contains("within five minutes") && !set.stderr.contains(secret),
        "{set:?}"
    );
    let print = stranger.run(&["config", "print", "--json"]);
    assert_eq!(print.json()["values"]["CURSOR_SECRET"], "(hidden)");
    // The others have stayed.
    assert_eq!(
        print.json()["values"]["SUPABASE_URL"],
        stranger.stack.supabase_url()
    );
}

/// `mediasync destroy` on the installed stack.
async fn remove(stranger: &Stranger) {
    let refused = stranger.run(&["destroy"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("--yes"), "{refused:?}");

    let destroyed = stranger.run(&["destroy", "--yes", "--json"]);
    assert_eq!(destroyed.code, Some(0), "{destroyed:?}");
    let answer = destroyed.json();
    assert!(
        answer["removed"]
            .to_string()
            .contains("the stack media-sync"),
        "{answer}"
    );
    assert!(
        answer["removed"].to_string().contains("the trigger to"),
        "{answer}"
    );
    for words in ["the secret", "NotificationQueue", "tables", "library"] {
        assert!(
            answer["left"].to_string().contains(words),
            "{words}: {answer}"
        );
    }
    assert!(stranger.tables().await > 0, "the data stays");
    let triggers = stranger.run_with(&["webhooks", "list", "--json"], &secrets(stranger));
    assert_eq!(
        triggers.json()["triggers"].as_array().unwrap().len(),
        0,
        "{triggers:?}"
    );

    let database = [("DATABASE_URL", stranger.stack.database_url())];
    let untyped = stranger.run_with(
        &["destroy", "--yes", "--database", "--confirm", "other"],
        &database,
    );
    assert_eq!(untyped.code, Some(2), "{untyped:?}");
    assert!(stranger.tables().await > 0);
    let all = [
        "destroy",
        "--yes",
        "--secret",
        "--database",
        "--confirm",
        "media-sync",
    ];
    let all = stranger.run_with(&all, &database);
    assert_eq!(all.code, Some(0), "{all:?}");
    stranger.assert_gone().await;
    let nothing = stranger.run(&["destroy", "--yes"]);
    assert_eq!(nothing.code, Some(0), "{nothing:?}");
    assert!(nothing.stderr.contains("there is no stack"), "{nothing:?}");
}

fn secrets(stranger: &Stranger) -> [(&'static str, &str); 1] {
    [("CLOUDINARY_URL", stranger.stack.cloudinary_url().unwrap())]
}

impl Stranger {
    async fn assert_gone(&self) {
        assert_eq!(self.tables().await, 0);
        let secret = self.run(&["config", "print"]);
        assert_eq!(secret.code, Some(1), "{secret:?}");
        assert!(
            secret.stderr.contains("waits for its deletion"),
            "{secret:?}"
        );
    }
}

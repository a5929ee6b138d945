//! `mediasync init` and docs/install.md, carried out from an empty world.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

use local_stack::{LocalStack, StackOptions, compare};
use media_sync::config::http_client;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{Run, at_a_terminal, command};

const PAGE: &str = include_str!("../../../../docs/install.md");
/// The rights that the page gives the installer.
const POLICY: &str = include_str!("../../../deployer-policy.json");
const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") {
    "arm64"
} else {
    "x86_64"
};
const COMMAND: &str = "target/release/mediasync ";

/// Checks that may deserve a look in a world like this one.
const MAY_WARN: [&str; 4] = ["aws-alarms", "cld-backup", "cld-pdf", "cld-strict"];

/// Empty accounts, a library with pictures, and the answers to the questions.
pub(crate) struct Stranger {
    pub(crate) stack: LocalStack,
    pub(crate) folder: tempfile::TempDir,
    /// Removed with the rest.
    #[expect(dead_code, reason = "it lives as long as its folder is needed")]
    sample: Option<tempfile::TempDir>,
    environment: Vec<(&'static str, String)>,
}

impl Stranger {
    pub(crate) async fn start() -> Self {
        Self::start_with(&prebuilt()).await
    }

    /// With code that is never deployed: real functions are large, and each command looks at their checksums.
    pub(crate) async fn start_with_a_sample() -> Self {
        let sample = tempfile::tempdir().unwrap();
        let folder = sample.path().join(ARCHITECTURE);
        std::fs::create_dir(&folder).unwrap();
        let files = [
            ("a.zip", "zip"),
            (
                "template.packaged.yaml",
                "Resources:\n  A:\n    Properties:\n      CodeUri: a.zip\n",
            ),
        ];
        let mut sums = String::new();
        for (name, text) in files {
            std::fs::write(folder.join(name), text).unwrap();
            sums.push_str(&format!("{}  {name}\n", hex::encode(Sha256::digest(text))));
        }
        std::fs::write(folder.join("SHA256SUMS"), sums).unwrap();
        let stranger = Self::start_with(sample.path()).await;
        Self {
            sample: Some(sample),
            ..stranger
        }
    }

    async fn start_with(dist: &Path) -> Self {
        let options = StackOptions {
            undeployed: true,
            unmigrated: true,
            realtime: true,
            // Doctor is asked what deserves a look, and backups are what an account should have.
            ..StackOptions::default()
        };
        let stack = LocalStack::start(options).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(dist, folder.path().join("dist")).unwrap();
        let mut environment = Vec::from(stack.aws_environment_under(POLICY).await.unwrap());
        // Cloudinary's stand-in cannot resolve the name of a function URL.
        environment.push(("WEBHOOK_URL", stack.webhook_url()));
        let stranger = Self {
            stack,
            folder,
            sample: None,
            environment,
        };
        stranger.fill_library(20).await;
        stranger.write_answers(&[]);
        stranger
    }

    pub(crate) async fn fill_library(&self, count: usize) {
        let url = format!("{}/_control/seed", self.stack.cloudinary_control().unwrap());
        let answer = http_client()
            .unwrap()
            .post(url)
            .json(&json!({"count": count}))
            .send()
            .await;
        let answer = answer.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// The page's file, with this world's values.
    pub(crate) fn write_answers(&self, changes: &[(&str, &str)]) {
        let stack = &self.stack;
        let mut answers: BTreeMap<String, String> =
            serde_json::from_str(&blocks("json")[0]).unwrap();
        let own = [
            ("CLOUDINARY_URL", stack.cloudinary_url().unwrap()),
            ("SUPABASE_URL", &stack.supabase_url()),
            ("SUPABASE_SECRET_KEY", stack.secret_key()),
            ("SUPABASE_PUBLISHABLE_KEY", stack.publishable_key()),
            ("DATABASE_URL", stack.database_url()),
        ];
        for (key, value) in own.into_iter().chain(changes.iter().copied()) {
            let had = answers.insert(key.to_owned(), value.to_owned());
            assert!(
                had.is_some() || changes.iter().any(|change| change.0 == key),
                "the page lacks {key}"
            );
        }
        std::fs::write(
            self.folder.path().join("config.json"),
            json!(answers).to_string(),
        )
        .unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_with(arguments, &[])
    }

    pub(crate) fn command_with(&self, arguments: &[&str], more: &[(&str, &str)]) -> Command {
        let own = self
            .environment
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        let environment: Vec<(&str, &str)> = own.chain(more.iter().copied()).collect();
        let mut command = command(arguments, &environment);
        command.current_dir(self.folder.path());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, &[])
    }

    /// Runs the command and holds it to showing no secret.
    pub(crate) fn run_with(&self, arguments: &[&str], more: &[(&str, &str)]) -> Run {
        let run: Run = self.command_with(arguments, more).output().unwrap().into();
        let url = |text: &str| {
            url::Url::parse(text)
                .unwrap()
                .password()
                .unwrap()
                .to_owned()
        };
        for secret in [
            url(self.stack.cloudinary_url().unwrap()),
            url(self.stack.database_url()),
            self.stack.secret_key().to_owned(),
        ] {
            assert!(
                !run.stdout.contains(&secret) && !run.stderr.contains(&secret),
                "{run:?}"
            );
        }
        run
    }

    /// Answers the questions of a command at a terminal.
    pub(crate) fn at_a_terminal(&self, arguments: &[&str], keys: &str) -> (Option<i32>, String) {
        let folder = self.folder.path();
        let (config, dist) = (folder.join("config.json"), folder.join("dist"));
        let given = [
            "--config",
            config.to_str().unwrap(),
            "--dist",
            dist.to_str().unwrap(),
        ];
        let own = self
            .environment
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        let environment: Vec<(&str, &str)> = own.chain([("TERM", "xterm")]).collect();
        at_a_terminal(&[arguments, &given].concat(), &environment, keys)
    }

    pub(crate) fn init(&self) -> Run {
        self.run(&["init", "--no-input", "--config", "config.json"])
    }

    /// Everything that an installation makes, without names that differ from one to the next.
    pub(crate) async fn assert_installed(&self) {
        let doctor = self.run_with(
            &["doctor", "--json"],
            &[("DATABASE_URL", self.stack.database_url())],
        );
        assert_eq!(doctor.code, Some(0), "{doctor:?}");
        for finding in doctor.json()["findings"].as_array().unwrap() {
            let id = finding["id"].as_str().unwrap();
            let good =
                finding["grade"] == "ok" || MAY_WARN.contains(&id) || may_be_skipped(finding);
            assert!(good, "{finding}");
        }
        let webhooks = self.run(&["webhooks", "list", "--json"]);
        let triggers = webhooks.json()["triggers"].as_array().unwrap().len();
        assert_eq!(triggers, 1, "{webhooks:?}");
        let administrators = self.run(&["admin", "list", "--json"]);
        let count = administrators.json()["administrators"]
            .as_array()
            .unwrap()
            .len();
        assert_eq!(count, 1, "{administrators:?}");
        let compared = compare::differences(&self.stack).await.unwrap();
        assert_eq!(compared.differences, Vec::<String>::new());
        assert!(compared.database >= 20, "{compared:?}");
    }
}

/// Evidence that this world cannot give.
fn may_be_skipped(finding: &Value) -> bool {
    finding["grade"] == "skipped" && finding["id"].as_str().unwrap() != "aws-secret"
}

/// The functions of `make build-local`, packed as `make dist` packs them.
pub(crate) fn prebuilt() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap();
    let dist = root.join("target/dist-local");
    let packed = Command::new(root.join(".tools/venv-sam/bin/python"))
        .args([
            "-B",
            "infra/dist.py",
            "--fast",
            "--arch",
            ARCHITECTURE,
            "--out",
        ])
        .arg(dist.join(ARCHITECTURE))
        .current_dir(root)
        .output()
        .unwrap();
    assert!(
        packed.status.success(),
        "{}",
        String::from_utf8_lossy(&packed.stderr)
    );
    dist
}

/// The page's blocks of a kind.
fn blocks(kind: &str) -> Vec<String> {
    let fence = format!("```{kind}\n");
    let blocks: Vec<String> = PAGE
        .split(&fence)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect();
    assert!(!blocks.is_empty(), "the page has no block of {kind}");
    blocks
}

#[tokio::test(flavor = "multi_thread")]
async fn installation_page_is_carried_out_from_an_empty_world() {
    let stranger = Stranger::start().await;
    let lines: Vec<String> = blocks("sh").concat().lines().map(str::to_owned).collect();
    assert_eq!(
        lines[0], "make cli",
        "the first step builds the command, which is built here"
    );
    for line in &lines[1..] {
        let arguments = line
            .strip_prefix(COMMAND)
            .unwrap_or_else(|| panic!("not ours: {line}"));
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let run = stranger.run(&arguments);
        assert_eq!(run.code, Some(0), "{line}: {run:?}");
        if arguments.contains(&"--dry-run") && arguments[0] == "init" {
            assert!(
                run.stdout.contains("apply") && run.stdout.contains("make the stack"),
                "{run:?}"
            );
            let reserved = "50 of the account's 1000 copies are reserved for the webhook";
            assert!(run.stdout.contains(reserved), "{run:?}");
            let nothing = stranger.run(&["config", "print"]);
            assert!(nothing.stderr.contains("there is no secret"), "{nothing:?}");
        }
    }
    stranger.stack.adopt().await.unwrap();
    stranger.assert_installed().await;

    let again = stranger.init();
    assert_eq!(again.code, Some(0), "{again:?}");
    for words in [
        "50 copies stay reserved for the webhook",
        "the database has every migration",
        "the stack media-sync is as it should be",
        "the trigger is as it should be",
        "is an administrator already",
        "the library was imported before",
    ] {
        assert!(again.stderr.contains(words), "{words}: {again:?}");
    }
    // Secret, stack and trigger.
    assert_eq!(
        again.stderr.matches("is as it should be").count(),
        3,
        "{again:?}"
    );
    stranger.stack.stop().await;
}

/// Lines at which an installation is killed: as each step begins, and in the middle of the deployment.
const KILLED_AT: [&str; 9] = [
    "testing the answers",
    "[1/7]",
    "[2/7]",
    "[3/7]",
    "CREATE_COMPLETE",
    "[4/7]",
    "[5/7]",
    "[6/7]",
    "[7/7]",
];

#[tokio::test(flavor = "multi_thread")]
async fn installation_that_is_killed_at_every_step_ends_the_same() {
    let stranger = Stranger::start().await;
    for line in KILLED_AT {
        kill_at(&stranger, line);
    }
    let end = stranger.init();
    assert_eq!(end.code, Some(0), "{end:?}");
    stranger.stack.adopt().await.unwrap();
    stranger.assert_installed().await;
    stranger.stack.stop().await;
}

/// Starts an installation and kills it when it says a line with these words.
fn kill_at(stranger: &Stranger, words: &str) {
    let mut init = stranger
        .command(&["init", "--no-input", "--config", "config.json"])
        .spawn()
        .unwrap();
    let mut said = Vec::new();
    for line in BufReader::new(init.stderr.take().unwrap()).lines() {
        said.push(line.unwrap());
        if said.last().unwrap().contains(words) {
            break;
        }
    }
    init.kill().unwrap();
    init.wait().unwrap();
    assert!(
        said.last().is_some_and(|line| line.contains(words)),
        "it never came to {words}: {said:?}"
    );
}

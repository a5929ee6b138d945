//! The test suite of Cloudinary's own Python SDK, run against the stand-in.
//!
//! Its makers run it against Cloudinary itself: where it disagrees with the stand-in, it is right.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod judgement;
#[expect(dead_code, reason = "the process and its client are used here")]
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use judgement::{OutOfScope, Outcomes};
use serde_json::json;
use support::{KEY, Process, SECRET};

/// The number of tests in the suite of the pinned version, so that none gets lost.
const TESTS: usize = 529;

const OUT_OF_SCOPE: &str = include_str!("out_of_scope.txt");

fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/venv-sdk")
}

/// The source distribution, which alone holds the suite.
fn archive() -> PathBuf {
    let folder = tools().join("source");
    let found = std::fs::read_dir(&folder).into_iter().flatten();
    found
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().ends_with(".tar.gz"))
        .unwrap_or_else(|| panic!("nothing is in {}: run `make setup`", folder.display()))
}

/// Both folder modes are there in the world, and every account has a folder.
async fn stand_in(data: &Path, folder_mode: &str) -> Process {
    let arguments = [
        "--folder-mode",
        folder_mode,
        "--delivery-base",
        "http://res.cloudinary.com",
    ];
    let server = Process::start(data, &arguments);
    let client = server.client();
    let folder = client.admin("POST", "folders/samples", json!({}));
    folder.await.ok();
    server
}

async fn play_suite(folder_mode: &str) -> Outcomes {
    let data = tempfile::tempdir().unwrap();
    let server = stand_in(data.path(), folder_mode).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk_suite/run.py");
    let url = format!(
        "cloudinary://{KEY}:{SECRET}@demo?upload_prefix={}",
        server.url
    );
    let output = Command::new(tools().join("bin/python"))
        .arg("-B")
        .args([script, archive()])
        .env_clear()
        .env("CLOUDINARY_URL", url)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let text = String::from_utf8(output.stdout).unwrap();
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {text}\n{said}"))
}

async fn suite_passes(folder_mode: &str) {
    let outcomes = play_suite(folder_mode).await;
    let complaints = OutOfScope::parse(OUT_OF_SCOPE).judge(&outcomes);
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
    assert_eq!(outcomes.len(), TESTS, "tests of the suite");
}

#[tokio::test]
async fn official_suite_passes_with_fixed_folders_but_for_what_is_listed() {
    suite_passes("fixed").await;
}

#[tokio::test]
async fn official_suite_passes_with_dynamic_folders_but_for_what_is_listed() {
    suite_passes("dynamic").await;
}

//! Cloudinary's official SDKs, as ordinary clients, find the stand-in to be Cloudinary.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[expect(dead_code, reason = "only the process is used here")]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::{KEY, Process, SECRET};

fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools")
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/conformance")
        .join(name)
}

fn installed(path: PathBuf) -> PathBuf {
    assert!(
        path.exists(),
        "{} is missing: run `make setup`",
        path.display()
    );
    path
}

fn run(mut command: Command) {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(folder.path(), &[]);
    let url = format!(
        "cloudinary://{KEY}:{SECRET}@demo?upload_prefix={}",
        server.url
    );
    let output = command
        .env("CLOUDINARY_URL", url)
        .env_remove("CLOUDINARY_CLOUD_NAME")
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{text}");
    assert!(
        text.matches("ok  ").count() >= 12,
        "steps are missing:\n{text}"
    );
}

#[test]
fn node_sdk_is_served_as_by_cloudinary() {
    let sdk = installed(tools().join("node/node_modules/cloudinary"));
    let mut command = Command::new("node");
    command
        .arg(script("sdk.mjs"))
        .env("SDK_FOLDER", sdk.join("../.."));
    run(command);
}

#[test]
fn python_sdk_is_served_as_by_cloudinary() {
    let mut command = Command::new(installed(tools().join("venv-sdk/bin/python")));
    command.arg(script("sdk.py"));
    run(command);
}

//! `setup.sh` names the missing tool.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs the script for these parts with nothing in `PATH` but the stand-ins; its exit status and its words.
fn setup_with(parts: &[&str], stand_ins: &[(&str, &str)]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    for program in ["dirname", "cat", "cksum", "tr", "uname", "tail"] {
        let found = find(program).unwrap_or_else(|| panic!("{program} is needed for this test"));
        symlink(found, folder.path().join(program)).unwrap();
    }
    for (program, script) in stand_ins {
        use std::os::unix::fs::PermissionsExt as _;
        let path = folder.path().join(program);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    // A copy of the manifests elsewhere, so that nothing counts as installed.
    let project = tempfile::tempdir().unwrap();
    let local = project.path().join("infra/local");
    std::fs::create_dir_all(local.join("tools")).unwrap();
    let source = support::project_root().join("infra/local");
    std::fs::copy(source.join("setup.sh"), local.join("setup.sh")).unwrap();
    for entry in std::fs::read_dir(source.join("tools")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), local.join("tools").join(entry.file_name())).unwrap();
    }
    let output = Command::new("/bin/sh")
        .arg(local.join("setup.sh"))
        .args(parts)
        .env_clear()
        .env("PATH", folder.path())
        .output()
        .unwrap();
    assert!(
        !project.path().join(".tools").exists(),
        "nothing is installed before everything needed is there"
    );
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| Path::is_file(file))
}

#[test]
fn missing_prerequisite_is_named_with_where_to_get_it() {
    let present = ("true", "exit 0");
    let cases: [(&[(&str, &str)], &str); 5] = [
        (&[], "'cargo' is missing: install Rust (https://rustup.rs)"),
        (
            &[("cargo", present.1)],
            "'node' is missing: install Node.js 20.19 or later",
        ),
        (
            &[("cargo", present.1), ("node", present.1)],
            "'npm' is missing",
        ),
        (
            &[
                ("cargo", present.1),
                ("node", "[ \"$1\" = --version ] && echo v18.0.0; exit 1"),
                ("npm", present.1),
            ],
            "Node.js is v18.0.0: install Node.js 20.19 or later",
        ),
        (
            &[
                ("cargo", present.1),
                ("node", present.1),
                ("npm", present.1),
            ],
            "no Python 3.10 or later with venv and pip",
        ),
    ];
    for (stand_ins, expected) in cases {
        let (succeeded, said) = setup_with(&[], stand_ins);
        assert!(!succeeded);
        assert!(
            said.contains(expected),
            "expected {expected:?}, got {said:?}"
        );
    }
}

#[test]
fn build_for_aws_needs_no_node() {
    let parts = ["venv-build", "venv-sam"];
    let (succeeded, said) = setup_with(&parts, &[("cargo", "exit 0")]);
    assert!(!succeeded);
    assert!(said.contains("no Python 3.10 or later"), "{said:?}");
}

#[test]
fn target_waits_only_for_the_tools_that_it_uses() {
    for (target, expected) in [
        ("build", &["venv-build"][..]),
        ("dist", &["venv-build", "venv-sam"]),
        ("deploy", &["venv-sam", "venv-build"]),
        ("lint", &["venv-sam", "venv-sql", "venv-lint"]),
        ("build-local", &[]),
        ("cli", &[]),
        ("test", &[""]),
    ] {
        let planned = Command::new("make")
            .args(["--dry-run", "--no-print-directory", target])
            .env_remove("MAKEFLAGS")
            .current_dir(support::project_root())
            .output()
            .unwrap();
        assert!(planned.status.success(), "{planned:?}");
        let commands = String::from_utf8(planned.stdout).unwrap();
        let parts: Vec<&str> = commands
            .lines()
            .filter_map(|line| line.strip_prefix("infra/local/setup.sh"))
            .map(str::trim)
            .collect();
        assert_eq!(parts, expected, "{target}: {commands}");
    }
}

//! `setup.sh` says what is missing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs the script with nothing in `PATH` but the named programs; its exit status and what it said.
fn setup_with(programs: &[&str], stand_ins: &[(&str, &str)]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    for program in ["dirname", "cat", "cksum", "tr", "uname", "tail"]
        .iter()
        .chain(programs)
    {
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
            "'node' is missing: install Node.js 20 or later",
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
            "Node.js is v18.0.0: install Node.js 20 or later",
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

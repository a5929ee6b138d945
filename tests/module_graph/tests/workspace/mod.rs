//! The workspace that the tests are about.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The source folders of the workspace's libraries and programs. A program of one file, which is
/// not called `main.rs`, has no modules that could form a circle.
pub(crate) fn sources(project: &Path) -> Vec<PathBuf> {
    let metadata = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(project)
        .output()
        .expect("cargo tells the workspace's members");
    assert!(metadata.status.success(), "{metadata:?}");
    let metadata: Value = serde_json::from_slice(&metadata.stdout).expect("metadata is JSON");
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let targets = packages.flat_map(|package| package["targets"].as_array().into_iter().flatten());
    let is_built = |target: &&Value| ["lib", "bin"].iter().any(|kind| target["kind"][0] == *kind);
    let roots = targets.filter(is_built).map(root);
    let roots = roots.filter(|root| root.ends_with("lib.rs") || root.ends_with("main.rs"));
    let folders: BTreeSet<PathBuf> = roots.map(|root| folder(&root)).collect();
    Vec::from_iter(folders)
}

fn root(target: &Value) -> PathBuf {
    target["src_path"]
        .as_str()
        .expect("a target has a root")
        .into()
}

fn folder(root: &Path) -> PathBuf {
    root.parent().expect("a root is in a folder").to_owned()
}

pub(crate) fn project() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("the project's folder")
        .to_owned()
}

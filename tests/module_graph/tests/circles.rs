//! The project's crates hold no circle of modules, neither between files nor between folders.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use module_graph::{Circle, Crate, Graph, circles, files, siblings};
use serde_json::Value;

#[test]
fn no_modules_form_a_circle() {
    let project = project();
    let sources = sources(&project);
    // A list that had become empty would prove nothing.
    assert!(sources.len() > 20, "{sources:?}");
    let found = sources.iter().flat_map(|sources| {
        let name = sources.strip_prefix(&project).expect("a member's folder");
        circles_of(&name.display().to_string(), sources)
    });
    let found: Vec<String> = found
        .map(|(name, circle)| format!("{name}\n{circle}"))
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The source folders of the workspace's libraries and programs. A program of one file, which is
/// not called `main.rs`, has no modules that could form a circle.
fn sources(project: &Path) -> Vec<PathBuf> {
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

fn project() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("the project's folder")
        .to_owned()
}

/// The circles of one crate, with their names in the list.
fn circles_of(name: &str, sources: &Path) -> Vec<(String, Circle)> {
    let read = Crate::read(sources).expect("the crate's sources");
    let below = |(parent, graph)| (format!("below crate::{parent}"), graph);
    let mut levels = vec![("files".to_owned(), files(&read))];
    levels.extend(siblings(&read).into_iter().map(below));
    let named = |(level, graph): &(String, Graph)| {
        let found = circles(graph).into_iter();
        let place = format!("{name}, {level}");
        found.map(move |circle| (format!("{place}: {}", members(&circle)), circle))
    };
    levels.iter().flat_map(named).collect()
}

fn members(circle: &Circle) -> String {
    let members: Vec<&str> = circle.members.iter().map(String::as_str).collect();
    members.join(", ")
}

//! The checkout that a command runs in: its folder, its commit, and `make dist` in it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

/// The checkout that the working folder is in.
pub(super) fn checkout() -> Option<PathBuf> {
    let current = std::env::current_dir().ok()?;
    let is_root = |folder: &&Path| {
        ["template.yaml", "Makefile", "functions/reconcile"]
            .iter()
            .all(|part| folder.join(part).exists())
    };
    current.ancestors().find(is_root).map(Path::to_owned)
}

/// The commit of a checkout, marked when something was changed since; as `make build` tells the functions.
pub(super) fn build_of(root: &Path) -> Option<String> {
    let git = |arguments: &[&str]| {
        let mut git = std::process::Command::new("git");
        git.args(arguments).current_dir(root).output().ok()
    };
    let head = git(&["rev-parse", "--short=12", "HEAD"]).filter(|head| head.status.success())?;
    let head = String::from_utf8_lossy(&head.stdout).trim().to_owned();
    let is_changed = git(&["diff", "--quiet", "HEAD"]).is_some_and(|diff| !diff.status.success());
    Some(if is_changed {
        format!("{head}-changed")
    } else {
        head
    })
}

/// Makes the packages of an architecture.
pub(super) async fn build(root: &Path, architecture: &str) -> Result<(), String> {
    let made = tokio::process::Command::new("make")
        .args(["--no-print-directory", "dist"])
        .arg(format!("ARCHS={architecture}"))
        .current_dir(root)
        .stdin(Stdio::null())
        // Our stdout holds data only.
        .stdout(Stdio::from(std::io::stderr()))
        .kill_on_drop(true)
        .status()
        .await;
    match made {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("make dist: {status}")),
        Err(error) => Err(format!("make: {error}")),
    }
}

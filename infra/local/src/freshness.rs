//! Refuses functions that are older than their sources: a test would pass, or fail, for code that nobody has any more.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::StackError;

/// Written by `build-functions.sh local` when it begins, and put in place when all functions are built.
const STAMP: &str = "target/lambda/.built";

/// Compares the sources that cargo lists for each function of the project with the moment of the last build.
///
/// # Errors
/// Names the first file that was changed since, and the command that builds anew.
pub(crate) fn check(root: &Path) -> Result<(), StackError> {
    let stamp = root.join(STAMP);
    let built = modified(&stamp).map_err(|_| StackError::Missing {
        what: "the functions' build".to_owned(),
        path: stamp.clone(),
        remedy: "make build-local",
    })?;
    let functions = root.join("functions");
    for function in std::fs::read_dir(&functions).map_err(StackError::file(&functions))? {
        let function = function.map_err(StackError::file(&functions))?.file_name();
        let name = function.to_string_lossy();
        let list = root.join(format!("target/debug/{name}.d"));
        // Not built by cargo here: whoever put the function there knows how old it is.
        let Ok(text) = std::fs::read_to_string(&list) else {
            continue;
        };
        if let Some(source) = newer(&text, built, &root.join("target")) {
            return Err(StackError::Stale {
                function: name.into_owned(),
                source_file: source,
            });
        }
    }
    Ok(())
}

/// The first source of a dependency list that was changed, or removed, after a moment.
/// Files that the build itself writes are newer than its beginning, and no sources.
fn newer(list: &str, built: SystemTime, target: &Path) -> Option<PathBuf> {
    sources(list)
        .into_iter()
        .filter(|source| !source.starts_with(target))
        .find(|source| modified(source).is_ok_and(|when| when > built) || !source.exists())
}

/// `target: source source`, where a backslash stands before each blank of a path.
fn sources(list: &str) -> Vec<PathBuf> {
    let Some((_, sources)) = list.lines().next().unwrap_or_default().split_once(": ") else {
        return Vec::new();
    };
    sources
        .replace("\\ ", "\0")
        .split_whitespace()
        .map(|path| PathBuf::from(path.replace('\0', " ")))
        .collect()
}

fn modified(path: &Path) -> std::io::Result<SystemTime> {
    path.metadata()?.modified()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn write(path: &Path, text: &str, age: u64) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        let when = SystemTime::now() - Duration::from_secs(age);
        std::fs::File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(when)
            .unwrap();
    }

    #[test]
    fn function_older_than_one_of_its_sources_is_refused() {
        let project = tempfile::tempdir().unwrap();
        let root = project.path();
        let source = root.join("a folder/main.rs");
        std::fs::create_dir_all(root.join("functions/audit")).unwrap();
        let written = root.join("target/debug/build/audit/out/files.rs");
        let blank = |path: &Path| path.display().to_string().replace(' ', "\\ ");
        let list = format!("x: {} {}\n", blank(&source), blank(&written));
        write(&written, "", 10);
        write(&root.join("target/debug/audit.d"), &list, 100);
        write(&source, "", 60);
        let missing = check(root).unwrap_err().to_string();
        assert!(missing.contains("make build-local"), "{missing}");

        write(&root.join(STAMP), "", 50);
        check(root).unwrap();

        write(&source, "", 40);
        let stale = check(root).unwrap_err().to_string();
        assert!(
            stale.contains("audit")
                && stale.contains("main.rs")
                && stale.contains("make build-local"),
            "{stale}"
        );

        std::fs::remove_file(&source).unwrap();
        assert!(check(root).is_err(), "a source has gone");
    }
}

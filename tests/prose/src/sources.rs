//! The project's files.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold no text of ours.
const OTHERS: [&str; 3] = ["target", "node_modules", "dist"];

/// A file's path in the project, and its text.
pub type SourceFile = (String, String);

/// The folder of the workspace.
///
/// # Panics
/// When this crate stands somewhere else.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = here.ancestors().nth(2).expect("the workspace");
    workspace.to_owned()
}

/// The files below a folder of the project whose names have this extension, by path.
///
/// # Panics
/// When one of them cannot be read.
pub fn files(folder: &str, extension: &str) -> Vec<SourceFile> {
    let root = root();
    let mut paths = Vec::new();
    collect(&root.join(folder), &mut paths);
    paths.sort();
    paths
        .into_iter()
        .filter(|path| path.extension().is_some_and(|it| it == extension))
        .map(|path| read(&root, &path))
        .collect()
}

/// One file of the project.
///
/// # Panics
/// When it cannot be read.
pub fn file(path: &str) -> SourceFile {
    let root = root();
    read(&root, &root.join(path))
}

fn read(root: &Path, path: &Path) -> SourceFile {
    let text = fs::read_to_string(path).expect("a text");
    let name = path.strip_prefix(root).expect("a file of the project");
    (name.display().to_string(), text)
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || OTHERS.contains(&name.as_str()) {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            found.push(path);
        }
    }
}

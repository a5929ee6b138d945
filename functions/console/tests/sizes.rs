//! The page stays small: what is loaded before the first picture, and all of it.

#![expect(clippy::unwrap_used, reason = "the whole file is a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

/// Bytes of gzip.
const FIRST: u64 = 50_000;
const ALL: u64 = 140_000;

/// A file as the builder tells it.
#[derive(Deserialize)]
struct Chunk {
    file: String,
    #[serde(default)]
    imports: Vec<String>,
}

fn dist() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist"))
}

fn manifest() -> BTreeMap<String, Chunk> {
    let text = std::fs::read_to_string(dist().join(".manifest.json"));
    serde_json::from_str(&text.expect("the page is built: run `make console`")).unwrap()
}

fn compressed(file: &str) -> u64 {
    let path = dist().join(format!("{file}.gz"));
    path.metadata().unwrap().len()
}

/// The files that a chunk cannot begin without.
fn needed<'a>(manifest: &'a BTreeMap<String, Chunk>, name: &str, found: &mut BTreeSet<&'a str>) {
    let chunk = &manifest[name];
    if found.insert(&chunk.file) {
        for import in &chunk.imports {
            needed(manifest, import, found);
        }
    }
}

#[test]
fn the_first_picture_needs_few_bytes() {
    let manifest = manifest();
    let mut files = BTreeSet::new();
    needed(&manifest, "index.html", &mut files);
    let bytes: u64 = files.iter().map(|file| compressed(file)).sum();
    assert!(bytes > 10_000, "{files:?} are not all");
    assert!(bytes <= FIRST, "{bytes} bytes of {files:?}");
}

#[test]
fn all_of_the_page_is_small() {
    let assets = std::fs::read_dir(dist().join("assets")).unwrap();
    let sizes = assets.map(|entry| entry.unwrap()).filter_map(|entry| {
        let is_compressed = entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "gz");
        is_compressed.then(|| entry.metadata().unwrap().len())
    });
    let bytes: u64 = sizes.sum();
    assert!(bytes > 10_000 && bytes <= ALL, "{bytes} bytes");
}

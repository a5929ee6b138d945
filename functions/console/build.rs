//! Writes the table of the page's files, which `src/files.rs` includes.
//!
//! `web/dist` is what `make console` has built. Without it the table is empty, so that cargo needs no npm.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use sha2::{Digest as _, Sha256};

fn main() -> io::Result<()> {
    let dist = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("web/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut files = Vec::new();
    if dist.is_dir() {
        collect(&dist, &mut files)?;
    }
    files.sort();
    let mut table = String::from("&[\n");
    for file in &files {
        table.push_str(&entry(&dist, file)?);
    }
    table.push(']');
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it")).join("files.rs");
    // A newer file of the same content would make the function look older than its sources.
    if fs::read_to_string(&out).is_ok_and(|written| written == table) {
        return Ok(());
    }
    fs::write(out, table)
}

/// All files that are served. The compressed ones lie beside them, the placeholder is hidden.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
            continue;
        }
        println!("cargo::rerun-if-changed={}", path.display());
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let extension = path.extension().unwrap_or_default();
        if !name.starts_with('.') && extension != "br" && extension != "gz" {
            files.push(path);
        }
    }
    Ok(())
}

fn entry(dist: &Path, file: &Path) -> io::Result<String> {
    let name = file.strip_prefix(dist).expect("it was found there");
    let hash = hex::encode(Sha256::digest(fs::read(file)?));
    let beside = |ending: &str| {
        let path = PathBuf::from(format!("{}.{ending}", file.display()));
        if path.exists() {
            format!("Some(include_bytes!({path:?}))")
        } else {
            "None".to_owned()
        }
    };
    let mut entry = String::new();
    writeln!(
        entry,
        "    EmbeddedFile {{ name: {:?}, hash: {:?}, plain: include_bytes!({file:?}), brotli: {}, gzip: {} }},",
        name.to_string_lossy(),
        &hash[..32],
        beside("br"),
        beside("gz"),
    )
    .expect("a string takes everything");
    Ok(entry)
}

//! Embeds the project's migrations, so that the command works without a checkout.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../supabase/migrations");
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut files = fs::read_dir(&folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<PathBuf>>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    let entries: String = files.iter().map(|file| embedded(file)).collect();
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("migrations.rs"), format!("&[{entries}]"))
}

fn embedded(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let path = file.display().to_string();
    format!("({name:?}, include_str!({path:?})),\n")
}

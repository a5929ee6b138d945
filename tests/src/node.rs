//! Programs for Node.js that use Supabase's official SDK.

use std::path::{Path, PathBuf};

/// The JavaScript of a page, its blocks one after another.
///
/// # Panics
/// When a block does not end.
pub fn blocks(page: &str) -> String {
    let blocks = page.split("```js\n").skip(1);
    blocks
        .map(|block| block.split_once("```").expect("the block ends").0)
        .collect()
}

/// Writes a module where Node.js finds the SDK, and answers its path.
///
/// # Panics
/// When the SDK is not installed, or the file cannot be written.
pub fn module(name: &str, text: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../target/tmp/node")
        .join(name);
    std::fs::create_dir_all(&folder).expect("a folder for the module");
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/node/node_modules");
    assert!(
        modules.join("@supabase/supabase-js").exists(),
        "supabase-js is missing: run `make setup`"
    );
    let link = folder.join("node_modules");
    let _made_before = std::fs::remove_file(&link);
    std::os::unix::fs::symlink(modules, link).expect("a link to the modules");
    let file = folder.join("page.mjs");
    std::fs::write(&file, text).expect("the module is written");
    file
}

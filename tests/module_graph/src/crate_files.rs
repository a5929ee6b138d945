//! Reads a crate's files, from `lib.rs` or `main.rs` on along its `mod` declarations.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use proc_macro2::LexError;

use crate::file_names::FileNames;

/// A module's place in its crate, `sync::plan`; the root's is empty.
pub(crate) type ModulePath = String;

/// A crate that cannot be taken apart. Paths are below its `src`.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("cannot read {path}")]
    File { path: String, source: io::Error },
    #[error("{path} is no Rust")]
    Syntax { path: String, source: LexError },
}

#[derive(Debug)]
pub(crate) struct ModuleFile {
    /// Below `src`.
    pub(crate) path: String,
    pub(crate) names: FileNames,
}

/// A crate's modules without its tests.
#[derive(Debug, Default)]
pub struct Crate {
    pub(crate) modules: BTreeMap<ModulePath, ModuleFile>,
}

impl Crate {
    /// Reads the library below `sources`, a crate's `src`, or its program if it has no library.
    ///
    /// # Errors
    /// A file cannot be read, or is no Rust.
    pub fn read(sources: &Path) -> Result<Self, ReadError> {
        Self::take_apart(|path| fs::read_to_string(sources.join(path)))
    }

    /// Takes a crate apart whose files come from anywhere, by their paths below `src`.
    ///
    /// # Errors
    /// A file cannot be read, or is no Rust.
    pub fn take_apart(source: impl Fn(&str) -> io::Result<String>) -> Result<Self, ReadError> {
        let mut read = Self::default();
        let mut waiting = vec![ModulePath::new()];
        while let Some(module) = waiting.pop() {
            let file = read_module(&module, &source)?;
            let children = file.names.children.iter();
            waiting.extend(children.map(|child| join(&module, child)));
            read.modules.insert(module, file);
        }
        Ok(read)
    }

    /// The file of a module, below `src`.
    pub(crate) fn file(&self, module: &str) -> &str {
        self.modules.get(module).map_or("", |file| &file.path)
    }
}

/// The path of a module's child.
pub(crate) fn join(module: &str, child: &str) -> ModulePath {
    if module.is_empty() {
        child.to_owned()
    } else {
        format!("{module}::{child}")
    }
}

fn read_module(
    module: &str,
    source: impl Fn(&str) -> io::Result<String>,
) -> Result<ModuleFile, ReadError> {
    let (path, text) = find_module(module, source)?;
    match FileNames::parse(&text) {
        Ok(names) => Ok(ModuleFile { path, names }),
        Err(source) => Err(ReadError::Syntax { path, source }),
    }
}

fn find_module(
    module: &str,
    source: impl Fn(&str) -> io::Result<String>,
) -> Result<(String, String), ReadError> {
    let [first, second] = places(module);
    if let Ok(text) = source(&first) {
        return Ok((first, text));
    }
    match source(&second) {
        Ok(text) => Ok((second, text)),
        Err(source) => Err(ReadError::File {
            path: second,
            source,
        }),
    }
}

/// The files in which a module may lie.
fn places(module: &str) -> [String; 2] {
    if module.is_empty() {
        return ["lib.rs".to_owned(), "main.rs".to_owned()];
    }
    let path = module.replace("::", "/");
    [format!("{path}/mod.rs"), format!("{path}.rs")]
}

//! Follows a path to the module that defines what it names.

use std::collections::BTreeSet;

use crate::crate_files::{Crate, join};

/// One module's code names something that another one defines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependency {
    /// The module that names it.
    pub from: String,
    /// The module that defines it.
    pub to: String,
    /// The path as it is written.
    pub path: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Module(String),
    Item { module: String },
    Elsewhere,
}

impl Crate {
    /// Every dependency between two modules of the crate.
    #[must_use]
    pub fn dependencies(&self) -> BTreeSet<Dependency> {
        self.modules
            .keys()
            .flat_map(|module| self.dependencies_of(module))
            .collect()
    }

    fn dependencies_of(&self, module: &str) -> Vec<Dependency> {
        let names = &self.modules[module].names;
        let found = |path: &Vec<String>| {
            let Target::Item { module: to } = self.resolve(module, path) else {
                return None;
            };
            (to != module).then(|| Dependency {
                from: module.to_owned(),
                to,
                path: path.join("::"),
            })
        };
        let mentioned = names.mentions.iter().filter_map(found);
        let reexported = names
            .reexports
            .iter()
            .filter_map(found)
            .filter(|dependency| !is_below(&dependency.to, module));
        let globs = names
            .globs
            .iter()
            .filter_map(|path| self.whole_module(module, path));
        mentioned.chain(reexported).chain(globs).collect()
    }

    /// A dependency on all that a module holds, `use path::*`.
    fn whole_module(&self, from: &str, path: &[String]) -> Option<Dependency> {
        let to = match self.resolve(from, path) {
            Target::Module(module) | Target::Item { module } => module,
            Target::Elsewhere => return None,
        };
        (to != from).then(|| Dependency {
            from: from.to_owned(),
            to,
            path: format!("{}::*", path.join("::")),
        })
    }

    fn resolve(&self, from: &str, path: &[String]) -> Target {
        self.resolve_unseen(from, path, &mut BTreeSet::new())
    }

    /// A name that leads to itself (`use tracing::{self}`) is another crate's.
    fn resolve_unseen(
        &self,
        from: &str,
        path: &[String],
        seen: &mut BTreeSet<(String, Vec<String>)>,
    ) -> Target {
        if !seen.insert((from.to_owned(), path.to_vec())) {
            return Target::Elsewhere;
        }
        let Some((first, rest)) = path.split_first() else {
            return Target::Elsewhere;
        };
        match first.as_str() {
            "crate" => self.walk("", rest, seen),
            "self" => self.walk(from, rest, seen),
            "super" => self.walk(parent(from), rest, seen),
            _ if self.is_known(from, first) => self.walk(from, path, seen),
            _ => Target::Elsewhere,
        }
    }

    fn walk(
        &self,
        module: &str,
        path: &[String],
        seen: &mut BTreeSet<(String, Vec<String>)>,
    ) -> Target {
        let Some((first, rest)) = path.split_first() else {
            return Target::Module(module.to_owned());
        };
        if first == "super" {
            return self.walk(parent(module), rest, seen);
        }
        let names = &self.modules[module].names;
        let child = join(module, first);
        // `restore::restore` may be re-exported as `restore`, which is the child's name, too.
        let is_item = rest.is_empty()
            && (names.imports.contains_key(first) || names.functions.contains(first));
        if !is_item && self.modules.contains_key(&child) {
            return self.walk(&child, rest, seen);
        }
        match names.imports.get(first) {
            Some(imported) => {
                let full: Vec<String> = imported.iter().chain(rest).cloned().collect();
                self.resolve_unseen(module, &full, seen)
            }
            None => Target::Item {
                module: module.to_owned(),
            },
        }
    }

    /// The file declares or imports the name, so that it is not another crate's.
    fn is_known(&self, module: &str, name: &str) -> bool {
        self.modules.contains_key(&join(module, name))
            || self.modules[module].names.imports.contains_key(name)
    }
}

fn parent(module: &str) -> &str {
    module.rsplit_once("::").map_or("", |(parent, _)| parent)
}

/// The module lies in the other one's folder.
pub(crate) fn is_below(module: &str, ancestor: &str) -> bool {
    ancestor.is_empty()
        || module
            .strip_prefix(ancestor)
            .is_some_and(|rest| rest.starts_with("::"))
}

//! The graphs in which circles are looked for.

use std::collections::BTreeMap;

use crate::circles::Graph;
use crate::crate_files::{Crate, ModulePath, join};
use crate::resolve::Dependency;

/// The graph of all files.
#[must_use]
pub fn files(of: &Crate) -> Graph {
    let name = |module: &str| of.file(module).to_owned();
    let mut graph = Graph::default();
    for dependency in of.dependencies() {
        graph.add(
            name(&dependency.from),
            name(&dependency.to),
            reason(of, &dependency),
        );
    }
    graph
}

/// For each module with children, the graph of these: what lies in a child's folder counts as the child's.
#[must_use]
pub fn siblings(of: &Crate) -> BTreeMap<ModulePath, Graph> {
    let mut graphs: BTreeMap<ModulePath, Graph> = BTreeMap::new();
    for dependency in of.dependencies() {
        if let Some((parent, from, to)) = fork(&dependency) {
            let graph = graphs.entry(parent).or_default();
            graph.add(from, to, reason(of, &dependency));
        }
    }
    graphs
}

/// The module under which both ends part, and the child on either side.
///
/// None if one end is the other one's ancestor.
fn fork(dependency: &Dependency) -> Option<(ModulePath, String, String)> {
    let mut parent = ModulePath::new();
    let from = dependency.from.split("::");
    let to = dependency.to.split("::");
    for (from, to) in from.zip(to) {
        if from.is_empty() || to.is_empty() {
            return None;
        }
        if from != to {
            return Some((parent, from.to_owned(), to.to_owned()));
        }
        parent = join(&parent, from);
    }
    None
}

fn reason(of: &Crate, dependency: &Dependency) -> String {
    format!("{} names {}", of.file(&dependency.from), dependency.path)
}

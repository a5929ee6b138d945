//! The project's crates hold no circle of modules, neither between files nor between folders.

use std::path::Path;

use module_graph::{Circle, Crate, Graph, circles, files, siblings};

/// The crates that are held to it. `infra/cli`, `infra/local` and the functions are not yet.
const CRATES: &[&str] = &[
    "shared",
    "infra/cloudinary-local",
    "tests",
    "tests/chaos",
    "tests/module_graph",
];

#[test]
fn no_modules_form_a_circle() {
    let found = CRATES.iter().flat_map(|name| circles_of(name));
    let found: Vec<String> = found
        .map(|(name, circle)| format!("{name}\n{circle}"))
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The circles of one crate, with their names in the list.
fn circles_of(name: &str) -> Vec<(String, Circle)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let project = here.ancestors().nth(2).expect("the project's folder");
    let read = Crate::read(&project.join(name).join("src")).expect("the crate's sources");
    let below = |(parent, graph)| (format!("below crate::{parent}"), graph);
    let mut levels = vec![("files".to_owned(), files(&read))];
    levels.extend(siblings(&read).into_iter().map(below));
    let named = |(level, graph): &(String, Graph)| {
        let found = circles(graph).into_iter();
        let place = format!("{name}, {level}");
        found.map(move |circle| (format!("{place}: {}", members(&circle)), circle))
    };
    levels.iter().flat_map(named).collect()
}

fn members(circle: &Circle) -> String {
    let members: Vec<&str> = circle.members.iter().map(String::as_str).collect();
    members.join(", ")
}

//! The project's crates hold no circle of modules, neither between files nor between folders.

mod workspace;

use std::path::Path;

use module_graph::{Circle, Crate, Graph, circles, files, siblings};

use self::workspace::{project, sources};

#[test]
fn no_modules_form_a_circle() {
    let project = project();
    let sources = sources(&project);
    // A list that had become empty would prove nothing.
    assert!(sources.len() > 20, "{sources:?}");
    let found = sources.iter().flat_map(|sources| {
        let name = sources.strip_prefix(&project).expect("a member's folder");
        circles_of(&name.display().to_string(), sources)
    });
    let found: Vec<String> = found
        .map(|(name, circle)| format!("{name}\n{circle}"))
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The circles of one crate, with their names in the list.
fn circles_of(name: &str, sources: &Path) -> Vec<(String, Circle)> {
    let read = Crate::read(sources).expect("the crate's sources");
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

//! Small crates, taken apart: paths lead to the files that define what they name.

use std::io;

use module_graph::{Crate, circles, siblings};

/// A crate of these files, by their paths below `src`.
fn take_apart(files: &[(&str, &str)]) -> Crate {
    let source = |path: &str| {
        let found = files.iter().find(|(known, _)| *known == path);
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        found
            .map(|(_, text)| (*text).to_owned())
            .ok_or_else(missing)
    };
    Crate::take_apart(source).expect("the files of a crate")
}

/// Each dependency, `from -> to`.
fn dependencies(files: &[(&str, &str)]) -> Vec<String> {
    let found = take_apart(files).dependencies();
    let mut told: Vec<String> = found
        .iter()
        .map(|one| format!("{} -> {}", one.from, one.to))
        .collect();
    told.dedup();
    told
}

#[test]
fn a_name_leads_to_the_file_that_defines_it() {
    let cases: &[(&str, &[&str])] = &[
        ("use crate::b::Item;", &["a -> b::deep"]),
        ("use crate::b::Own;", &["a -> b"]),
        (
            "use crate::b; fn f() { b::Item::new(); }",
            &["a -> b::deep"],
        ),
        (
            "use crate::b::deep; fn f() { deep::g(); }",
            &["a -> b::deep"],
        ),
        ("fn f() { crate::b::deep() }", &["a -> b::deep"]),
        (
            "use super::b::Item as Other; fn f() { Other::new() }",
            &["a -> b::deep"],
        ),
        ("use crate::b::*;", &["a -> b"]),
        ("use crate::Renamed;", &["a -> b::deep"]),
        (
            "use std::fmt; fn f() { fmt::format(); other::g(); Vec::new(); }",
            &[],
        ),
        ("use crate::b;", &[]),
    ];
    for (text, expected) in cases {
        let found = dependencies(&[
            ("lib.rs", "mod a; mod b; pub use b::Item as Renamed;"),
            ("a.rs", text),
            (
                "b/mod.rs",
                "mod deep; pub use deep::{Item, deep}; pub struct Own;",
            ),
            (
                "b/deep.rs",
                "pub struct Item; pub fn deep() {} pub fn g() {}",
            ),
        ]);
        assert_eq!(found, *expected, "{text}");
    }
}

#[test]
fn a_parent_that_only_reexports_does_not_depend_on_its_children() {
    let lib = ("lib.rs", "mod a;");
    let child = ("a/child.rs", "use super::Own; pub struct Item;");
    let found = dependencies(&[
        lib,
        ("a/mod.rs", "mod child; pub use child::Item; struct Own;"),
        child,
    ]);
    assert_eq!(found, ["a::child -> a"]);
    let found = dependencies(&[
        lib,
        ("a/mod.rs", "mod child; use child::Item; struct Own;"),
        child,
    ]);
    assert_eq!(found, ["a -> a::child", "a::child -> a"]);
}

#[test]
fn a_parent_that_reexports_from_elsewhere_depends_on_it() {
    let found = dependencies(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "pub use crate::b::Item;"),
        ("b.rs", "pub struct Item;"),
    ]);
    assert_eq!(found, ["a -> b"]);
}

#[test]
fn what_lies_in_a_folder_counts_as_the_folders_among_siblings() {
    let read = take_apart(&[
        ("lib.rs", "mod a; mod b;"),
        ("a/mod.rs", "mod one; mod two;"),
        ("a/one.rs", "use super::two::Two; pub struct One;"),
        (
            "a/two.rs",
            "use crate::b::B; use super::one::One; pub struct Two;",
        ),
        ("b.rs", "use crate::a::one::One; pub struct B;"),
    ]);
    let found = siblings(&read).into_iter().flat_map(|(parent, graph)| {
        let told = circles(&graph).into_iter();
        told.map(move |circle| {
            (
                parent.clone(),
                circle.members.into_iter().collect::<Vec<_>>(),
            )
        })
    });
    let found: Vec<(String, Vec<String>)> = found.collect();
    let expected = [("", ["a", "b"]), ("a", ["one", "two"])];
    assert_eq!(found.len(), expected.len());
    for ((parent, members), (expected_parent, expected_members)) in found.iter().zip(expected) {
        assert_eq!(parent, expected_parent);
        assert_eq!(*members, expected_members);
    }
}

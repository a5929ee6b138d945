//! Public types have names that tell a reader of a diff what they are.

mod workspace;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use self::workspace::{project, sources};

/// One in so many public types may be called by one word: those that the field itself calls so.
const ONE_WORD_IN: usize = 4;

#[test]
fn every_public_type_has_a_name_of_its_own() {
    let twice: Vec<_> = public_types()
        .into_iter()
        .filter(|(_, places)| places.len() > 1)
        .collect();
    assert!(twice.is_empty(), "{twice:#?}");
}

#[test]
fn few_public_types_are_called_by_one_word() {
    let types = public_types();
    // A search that had become blind would prove nothing.
    assert!(types.len() > 200, "{}", types.len());
    let one_word: Vec<&String> = types.keys().filter(|name| is_one_word(name)).collect();
    println!(
        "{} of {} public types: {one_word:?}",
        one_word.len(),
        types.len()
    );
    assert!(one_word.len() * ONE_WORD_IN < types.len(), "{one_word:?}");
}

fn is_one_word(name: &str) -> bool {
    name.chars().skip(1).all(|c| !c.is_uppercase())
}

/// The workspace's public types outside tests: by name, the files that define them.
fn public_types() -> BTreeMap<String, Vec<String>> {
    let mut types: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for folder in sources(&project()) {
        visit(&folder, &mut |path, text| {
            for name in text.lines().filter_map(public_type) {
                let places = types.entry(name.to_owned()).or_default();
                places.push(path.display().to_string());
            }
        });
    }
    types
}

/// The name in a line such as `pub struct Name {`. Types within modules of tests are indented.
fn public_type(line: &str) -> Option<&str> {
    let kinds = ["struct ", "enum ", "trait ", "type "];
    let rest = line.strip_prefix("pub ")?;
    let rest = kinds.iter().find_map(|kind| rest.strip_prefix(kind))?;
    rest.split(|c: char| !c.is_alphanumeric()).next()
}

fn visit(folder: &Path, read: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            visit(&path, read);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            read(&path, &fs::read_to_string(&path).expect("a source"));
        }
    }
}

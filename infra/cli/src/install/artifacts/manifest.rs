//! Texts of a package: its checksums, and the files that its template names (pure).

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

/// The checksum of a file's content.
pub(super) fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Names to checksums, as `sha256sum` writes them.
pub(super) fn parse_sums(text: &str) -> Option<BTreeMap<&str, &str>> {
    text.lines()
        .map(|line| {
            let (sum, name) = line.split_once("  ")?;
            let is_name = !name.is_empty() && !name.contains(['/', '\\']) && !name.starts_with('.');
            (sum.len() == 64 && is_name).then_some((name, sum))
        })
        .collect()
}

const CODE: &str = "CodeUri: ";

/// The files that a packaged template names.
pub(super) fn code_of(template: &str) -> Vec<&str> {
    let lines = template.lines().map(str::trim);
    lines.filter_map(|line| line.strip_prefix(CODE)).collect()
}

/// The template with each file's place in the bucket.
pub(super) fn place(template: &str, places: &BTreeMap<String, String>) -> String {
    let mut placed = String::with_capacity(template.len());
    for line in template.lines() {
        let name = line.trim().strip_prefix(CODE);
        match name.and_then(|name| places.get(name)) {
            Some(uri) => {
                let indent = line.len() - line.trim_start().len();
                placed.push_str(&format!("{}{CODE}{uri}", &line[..indent]));
            }
            None => placed.push_str(line),
        }
        placed.push('\n');
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_out_of_the_folder_are_refused() {
        let sum = "0".repeat(64);
        for name in ["../a", "/a", "a/b", ".a", ""] {
            assert_eq!(parse_sums(&format!("{sum}  {name}\n")), None, "{name}");
        }
        assert_eq!(parse_sums("abc  a.zip\n"), None);
        assert!(parse_sums(&format!("{sum}  a.zip\n")).is_some());
    }

    #[test]
    fn files_are_replaced_by_their_places_and_nothing_else_is() {
        let template =
            "Resources:\n  A:\n    Properties:\n      CodeUri: a.zip\n      CodeUri: b.zip\n";
        assert_eq!(code_of(template), ["a.zip", "b.zip"]);
        let places = [("a.zip".to_owned(), "s3://b/k".to_owned())].into();
        let placed = template.replace("a.zip", "s3://b/k");
        assert_eq!(place(template, &places), placed);
    }
}

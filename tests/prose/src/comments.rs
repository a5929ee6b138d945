//! Doc comments of Rust sources.

/// The doc comments of a source, each with its first line's number.
pub fn doc_comments(source: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut open: Option<&str> = None;
    for (at, line) in source.lines().enumerate() {
        let Some((marker, text)) = marked(line) else {
            open = None;
            continue;
        };
        match found.last_mut().filter(|_| open == Some(marker)) {
            Some((_, comment)) => {
                comment.push('\n');
                comment.push_str(text);
            }
            None => found.push((at + 1, text.to_owned())),
        }
        open = Some(marker);
    }
    found
}

fn marked(line: &str) -> Option<(&'static str, &str)> {
    let line = line.trim_start();
    let (marker, text) = ["///", "//!"]
        .into_iter()
        .find_map(|marker| Some((marker, line.strip_prefix(marker)?)))?;
    let is_ruler = text.starts_with('/');
    (!is_ruler).then(|| (marker, text.strip_prefix(' ').unwrap_or(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_one_marker_are_one_comment() {
        let source = "//! A module.\n//! Of its own.\n\n/// A thing.\nstruct Thing; // not this\n\
                      ///////\n    /// A field.\n    ///\n    /// Long.\n    field: u8,\n";
        let expected = [
            (1, "A module.\nOf its own."),
            (4, "A thing."),
            (7, "A field.\n\nLong."),
        ];
        let expected = expected.map(|(line, text)| (line, text.to_owned()));
        assert_eq!(doc_comments(source), expected);
    }
}

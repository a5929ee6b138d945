//! Sentences of Markdown.

/// The sentences of a page, each with the number of the line where its text block begins.
pub fn sentences(page: &str) -> Vec<(usize, String)> {
    blocks(page)
        .into_iter()
        .flat_map(|(line, block)| {
            let parts = split(&plain(&block));
            parts.into_iter().map(move |sentence| (line, sentence))
        })
        .collect()
}

/// Paragraphs, items of lists and cells of tables.
fn blocks(page: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut is_code = false;
    let mut is_open = false;
    for (at, line) in page.lines().enumerate() {
        let text = line.trim();
        if text.starts_with("```") {
            is_code = !is_code;
            is_open = false;
            continue;
        }
        if is_code || text.is_empty() || text.starts_with('#') {
            is_open = false;
        } else if text.starts_with('|') {
            let cells = text.trim_matches('|').split('|').map(str::trim);
            let told = cells.filter(|cell| cell.contains(char::is_alphanumeric));
            found.extend(told.map(|cell| (at + 1, cell.to_owned())));
            is_open = false;
        } else if !is_open && line.starts_with("    ") {
            // A block of code without a fence.
        } else if let Some(item) = item(text) {
            found.push((at + 1, item.to_owned()));
            is_open = true;
        } else if is_open && let Some((_, block)) = found.last_mut() {
            block.push(' ');
            block.push_str(text);
        } else {
            found.push((at + 1, text.to_owned()));
            is_open = true;
        }
    }
    found
}

/// The text of a list's item.
fn item(line: &str) -> Option<&str> {
    let bullet = line.strip_prefix("* ").or_else(|| line.strip_prefix("- "));
    bullet.or_else(|| {
        let (number, rest) = line.split_once(". ")?;
        let is_number = number.len() < 3 && number.parse::<u8>().is_ok();
        is_number.then_some(rest)
    })
}

/// The text without marks: links are their texts, and a piece of code is the word `code`.
fn plain(block: &str) -> String {
    let mut text = String::new();
    for (at, piece) in block.split('`').enumerate() {
        text.push_str(if at % 2 == 0 { piece } else { "code" });
    }
    let mut plain = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("](") {
        plain.push_str(&rest[..at]);
        rest = rest[at..].split_once(')').map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    plain.replace(['[', ']', '*'], "")
}

/// Ends a sentence at a full stop, a question mark or an exclamation mark before a blank.
fn split(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut sentence = String::new();
    for word in text.split_whitespace() {
        sentence.push_str(word);
        let bare = word.trim_end_matches(['"', '”', ')', '_']);
        let is_abbreviation = ["e.g.", "i.e.", "etc."].contains(&bare);
        if bare.ends_with(['.', '?', '!']) && !bare.ends_with("..") && !is_abbreviation {
            found.push(std::mem::take(&mut sentence));
        } else {
            sentence.push(' ');
        }
    }
    found.push(sentence.trim_end().to_owned());
    found.retain(|sentence| sentence.contains(char::is_alphanumeric));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_part_into_sentences() {
        let cases: &[(&str, &[(usize, &str)])] = &[
            (
                "One. Two?\nThree!",
                &[(1, "One."), (1, "Two?"), (1, "Three!")],
            ),
            ("It goes\non here", &[(1, "It goes on here")]),
            ("One\n\nTwo", &[(1, "One"), (3, "Two")]),
            ("# Title\nText", &[(2, "Text")]),
            ("* one\n  more\n* two", &[(1, "one more"), (3, "two")]),
            ("1. one\n2. two", &[(1, "one"), (2, "two")]),
            (
                "| a | b |\n|---|--:|\n| One. Two | |",
                &[(1, "a"), (1, "b"), (3, "One."), (3, "Two")],
            ),
            ("```\ncode. Code\n```\nText", &[(4, "Text")]),
            ("Sum:\n\n    a = b. C\n", &[(1, "Sum:")]),
            ("Version 0.2.0 of `a. b`.", &[(1, "Version 0.2.0 of code.")]),
            (
                "See [this. Page](a.md#b).",
                &[(1, "See this."), (1, "Page.")],
            ),
            (
                "**Bold.** Plain (in brackets.)",
                &[(1, "Bold."), (1, "Plain (in brackets.)")],
            ),
            ("and so on ... here", &[(1, "and so on ... here")]),
        ];
        for (page, expected) in cases {
            let expected: Vec<_> = expected
                .iter()
                .map(|(line, text)| (*line, (*text).to_owned()))
                .collect();
            assert_eq!(sentences(page), expected, "{page}");
        }
    }
}

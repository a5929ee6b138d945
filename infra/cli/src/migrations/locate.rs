//! Finds the line of a migration that an error is about.
//!
//! A migration is one `do` statement that executes a dollar-quoted text, so the server's own positions are
//! relative to that text, to the whole file, or missing. The text is therefore taken apart into statements:
//! run one by one they say which of them fails, and where in it.

/// One statement of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statement<'a> {
    pub(super) text: &'a str,
    /// The line of the file on which it begins, from 1.
    pub(super) line: usize,
}

impl Statement<'_> {
    /// The line of the file for a position that PostgreSQL counts in characters from 1.
    pub(super) fn line_of(&self, position: Option<u32>) -> usize {
        let before = position.map_or(0, |position| (position as usize).saturating_sub(1));
        let newlines = self.text.chars().take(before).filter(|one| *one == '\n');
        self.line + newlines.count()
    }
}

/// The statements that a migration executes: those between its marks, or else all of the file.
pub(super) fn statements(file: &str) -> Vec<Statement<'_>> {
    const MARK: &str = "$migration$";
    let body = file.find(MARK).and_then(|first| {
        let begin = first + MARK.len();
        let length = file[begin..].rfind(MARK)?;
        Some((begin, begin + length))
    });
    let (begin, end) = body.unwrap_or((0, file.len()));
    let first_line = 1 + count_newlines(&file[..begin]);
    split(&file[begin..end], first_line)
}

fn split(text: &str, first_line: usize) -> Vec<Statement<'_>> {
    let mut statements = Vec::new();
    let mut start = None;
    let mut at = 0;
    while at < text.len() {
        let (kind, length) = token(&text[at..]);
        match kind {
            Token::Blank => {}
            Token::End => {
                statements.extend(start.take().map(|start| (start, at)));
            }
            Token::Part => {
                start.get_or_insert(at);
            }
        }
        at += length;
    }
    statements.extend(start.map(|start| (start, text.len())));
    statements
        .into_iter()
        .map(|(start, end)| Statement {
            text: &text[start..end],
            line: first_line + count_newlines(&text[..start]),
        })
        .collect()
}

fn count_newlines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

enum Token {
    /// White space or a comment.
    Blank,
    /// A semicolon.
    End,
    /// Anything else: a quoted text as a whole, otherwise a character.
    Part,
}

/// The kind of a text's first piece, and its length in bytes; the text is not empty.
fn token(text: &str) -> (Token, usize) {
    let first = text.chars().next().unwrap_or(' ');
    let through = |end: Option<usize>| end.unwrap_or(text.len());
    match first {
        ';' => (Token::End, 1),
        '-' if text.starts_with("--") => (Token::Blank, through(text.find('\n'))),
        '/' if text.starts_with("/*") => (Token::Blank, comment(text)),
        '\'' | '"' => {
            let end = text[1..].find(first).map(|end| end + 2);
            (Token::Part, through(end))
        }
        '$' => (Token::Part, dollar_quoted(text).unwrap_or(1)),
        'a'..='z' | 'A'..='Z' | '_' => (Token::Part, word(text)),
        _ if first.is_whitespace() => (Token::Blank, first.len_utf8()),
        _ => (Token::Part, first.len_utf8()),
    }
}

/// The length of a word, with the string that follows `e` or `E` and takes backslashes.
fn word(text: &str) -> usize {
    let is_word = |one: char| one.is_alphanumeric() || one == '_' || one == '$';
    let length = text.find(|one| !is_word(one)).unwrap_or(text.len());
    if !text[..length].eq_ignore_ascii_case("e") || !text[length..].starts_with('\'') {
        return length;
    }
    let mut escaped = false;
    for (at, one) in text.char_indices().skip(length + 1) {
        match one {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a comment that may have others inside.
fn comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of `$tag$ ... $tag$`, if it is one and not a parameter.
fn dollar_quoted(text: &str) -> Option<usize> {
    let tag_end = text[1..].find('$')? + 2;
    let tag = &text[..tag_end];
    let name = &tag[1..tag_end - 1];
    let is_tag = name.chars().all(|one| one.is_alphanumeric() || one == '_')
        && !name.starts_with(|one: char| one.is_ascii_digit());
    let length = text[tag_end..].find(tag)? + 2 * tag_end;
    is_tag.then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<(usize, &str)> {
        statements(sql)
            .iter()
            .map(|one| (one.line, one.text))
            .collect()
    }

    #[test]
    fn statements_end_at_semicolons_outside_of_quotes_and_comments() {
        let sql = "-- a; comment\nselect ';', \"a;b\", 'it''s;';\n\n/* ; /* ; */ ; */\nselect e'\\';', $$;$$, $1;\n\
                   select $x$ ; $$ ; $x$;\nselect 1";
        assert_eq!(
            texts(sql),
            [
                (2, "select ';', \"a;b\", 'it''s;'"),
                (5, "select e'\\';', $$;$$, $1"),
                (6, "select $x$ ; $$ ; $x$"),
                (7, "select 1"),
            ]
        );
    }

    #[test]
    fn only_what_stands_between_the_marks_is_executed() {
        let sql = "-- Topic.\ndo $once$ begin if f('1', 'x') then execute $migration$\n\ncreate table a ();\n\
                   create function b() returns int language sql as $$ select 1; $$;\n$migration$; end if; end $once$;\n\
                   notify pgrst, 'reload schema';\n";
        assert_eq!(
            texts(sql),
            [
                (4, "create table a ()"),
                (
                    5,
                    "create function b() returns int language sql as $$ select 1; $$"
                ),
            ]
        );
    }

    #[test]
    fn position_in_characters_becomes_a_line_of_the_file() {
        let found = statements("select 1;\nselect 'ü',\n  oops");
        let oops = found[1].text.chars().take_while(|one| *one != 'o').count() + 1;
        assert_eq!(found[1].line_of(u32::try_from(oops).ok()), 3);
        assert_eq!(found[1].line_of(Some(1)), 2);
        assert_eq!(found[1].line_of(None), 2);
    }

    #[test]
    fn unfinished_texts_are_one_statement() {
        for sql in [
            "'abc",
            "/* abc",
            "$$ abc",
            "select $tag",
            "e'abc",
            "\"",
            "ü'",
        ] {
            assert!(statements(sql).len() <= 1, "{sql}");
        }
    }
}

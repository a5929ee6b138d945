//! Rules of the values that people may write, as one table (pure).
//!
//! The database holds the same table, `media_sync.text_rules`, since values reach rows past the
//! API too. A test runs every case against both, and compares the tables.

use serde::Serialize;
use serde_json::Value;

/// Tags that an asset may have, by Cloudinary's own limit.
pub const MOST_TAGS: usize = 1_000;

/// Choices that a metadata field may hold.
pub const MOST_CHOICES: usize = 3_000;

/// Numbers of metadata are smaller than this, by their amount: a 64-bit float holds them.
pub const NUMBER_BOUND: f64 = 1e300;

/// The reason for which PostgreSQL refuses a text before any rule is asked.
const NUL: &str = "must not contain NUL";

/// The rule of one kind of text.
#[derive(Debug, PartialEq, Serialize)]
pub struct TextRule {
    pub rule: &'static str,
    /// Characters.
    pub shortest: usize,
    pub longest: usize,
    /// Characters that it must not contain.
    pub forbidden: &'static str,
    pub takes_controls: bool,
    /// True for parts between slashes, none of which is empty, `.` or `..`, or has blank ends.
    pub is_path: bool,
    /// True if neither its first nor its last character may be a blank.
    pub is_trimmed: bool,
    /// The rule as a person reads it, behind the value's name.
    pub requirement: &'static str,
}

/// Cloudinary's published naming rules forbid these characters. An address would leave out some
/// parts, or climb out of them.
pub const PUBLIC_ID: TextRule = TextRule {
    rule: "public_id",
    shortest: 1,
    longest: 255,
    forbidden: "?&#\\%<>+",
    takes_controls: false,
    is_path: true,
    is_trimmed: false,
    requirement: "must have 1 to 255 characters, no control characters and none of ? & # \\ % < > +, \
                  and no empty parts, dots as parts, or blanks at the ends of a part",
};

/// As long as an index takes, of any characters. An empty one is the root.
pub const FOLDER: TextRule = TextRule {
    rule: "folder",
    shortest: 0,
    longest: 500,
    forbidden: "",
    takes_controls: false,
    is_path: true,
    is_trimmed: false,
    requirement: "must have 500 characters at most, no control characters, \
                  and no empty parts, dots as parts, or blanks at the ends of a part",
};

pub const DISPLAY_NAME: TextRule = TextRule {
    rule: "display_name",
    shortest: 1,
    longest: 255,
    forbidden: "/",
    takes_controls: false,
    is_path: false,
    is_trimmed: false,
    requirement: "must have 1 to 255 characters, and no slash or control character",
};

/// Cloudinary separates tags by commas.
pub const TAG: TextRule = TextRule {
    rule: "tag",
    shortest: 1,
    longest: 255,
    forbidden: ",",
    takes_controls: true,
    is_path: false,
    is_trimmed: true,
    requirement: "must have 1 to 255 characters, no comma, and no blanks at its ends",
};

/// A key of context or metadata.
pub const PAIR_KEY: TextRule = TextRule {
    rule: "pair_key",
    shortest: 1,
    longest: 255,
    forbidden: "",
    takes_controls: true,
    is_path: false,
    is_trimmed: false,
    requirement: "must have a key of 1 to 255 characters",
};

pub const CONTEXT_VALUE: TextRule = TextRule {
    rule: "context_value",
    shortest: 0,
    longest: 1_024,
    forbidden: "",
    takes_controls: true,
    is_path: false,
    is_trimmed: false,
    requirement: "must be text of 1,024 characters at most",
};

pub const METADATA_TEXT: TextRule = TextRule {
    rule: "metadata_text",
    shortest: 0,
    longest: 10_000,
    forbidden: "",
    takes_controls: true,
    is_path: false,
    is_trimmed: false,
    requirement: "must be text of 10,000 characters at most",
};

/// One choice of a metadata field with several.
pub const METADATA_CHOICE: TextRule = TextRule {
    rule: "metadata_choice",
    shortest: 1,
    longest: 255,
    forbidden: "",
    takes_controls: true,
    is_path: false,
    is_trimmed: false,
    requirement: "must be text of 1 to 255 characters",
};

/// A text that only this side knows: the description, and the text in place of an image.
pub const DESCRIPTION: TextRule = TextRule {
    rule: "description",
    shortest: 0,
    longest: 10_000,
    forbidden: "",
    takes_controls: true,
    is_path: false,
    is_trimmed: false,
    requirement: "must be text of 10,000 characters at most",
};

/// The bound of one whole value, in bytes of its JSON. A row of users' values stays so small that
/// fifty fit into one answer.
#[derive(Debug, PartialEq, Serialize)]
pub struct SizeRule {
    pub rule: &'static str,
    pub most_bytes: usize,
    /// The rule as a person reads it, behind the value's name.
    pub requirement: &'static str,
}

/// All tags of an asset.
pub const TAGS_SIZE: SizeRule = SizeRule {
    rule: "tags",
    most_bytes: 16_384,
    requirement: "must have 16 KiB at most as JSON, all together",
};

/// All pairs of an asset's context, or of its metadata.
pub const PAIRS_SIZE: SizeRule = SizeRule {
    rule: "pairs",
    most_bytes: 16_384,
    requirement: "must have 16 KiB at most as JSON, all together",
};

/// A text that only this side knows.
pub const DESCRIPTION_SIZE: SizeRule = SizeRule {
    rule: "description",
    most_bytes: 12_000,
    requirement: "must have 12,000 bytes at most as JSON",
};

/// Every bound of a whole value.
pub const SIZE_RULES: [&SizeRule; 3] = [&TAGS_SIZE, &PAIRS_SIZE, &DESCRIPTION_SIZE];

impl SizeRule {
    /// Names the fault of a value that is too large.
    pub fn fault_of(&self, value: &Value) -> Option<&'static str> {
        (json_bytes(value) > self.most_bytes).then_some(self.requirement)
    }
}

/// The bytes of a value as the database prints it: with a blank behind each comma and colon. It
/// writes numbers in full, which only its own count knows.
fn json_bytes(value: &Value) -> usize {
    const SEPARATOR: usize = 2;
    match value {
        Value::Array(items) if !items.is_empty() => {
            let items = items.iter().map(|item| json_bytes(item) + SEPARATOR);
            items.sum()
        }
        Value::Object(pairs) if !pairs.is_empty() => {
            let pairs = pairs
                .iter()
                .map(|(key, value)| text_bytes(key) + SEPARATOR + json_bytes(value) + SEPARATOR);
            pairs.sum()
        }
        Value::String(text) => text_bytes(text),
        other => other.to_string().len(),
    }
}

/// The bytes of a text in quotes, with its escapes.
fn text_bytes(text: &str) -> usize {
    let escaped = text.bytes().map(|byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..=0x1f => 6,
        _ => 1,
    });
    escaped.sum::<usize>() + 2
}

/// Every rule.
pub const TEXT_RULES: [&TextRule; 9] = [
    &PUBLIC_ID,
    &FOLDER,
    &DISPLAY_NAME,
    &TAG,
    &PAIR_KEY,
    &CONTEXT_VALUE,
    &METADATA_TEXT,
    &METADATA_CHOICE,
    &DESCRIPTION,
];

impl TextRule {
    /// Names the fault of a text, if it has one.
    pub fn fault_of(&self, text: &str) -> Option<&'static str> {
        if text.contains('\0') {
            return Some(NUL);
        }
        let is_forbidden =
            |c: char| self.forbidden.contains(c) || !self.takes_controls && c.is_control();
        let keeps = (self.shortest..=self.longest).contains(&text.chars().count())
            && !text.contains(is_forbidden)
            && (!self.is_path || text.is_empty() || !text.split('/').any(is_odd_part))
            && (!self.is_trimmed || text.trim() == text);
        (!keeps).then_some(self.requirement)
    }
}

fn is_odd_part(part: &str) -> bool {
    part.is_empty() || part.trim() != part || matches!(part, "." | "..")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_rule_names_itself_and_has_room_for_a_text() {
        let mut names: Vec<&str> = TEXT_RULES.iter().map(|rule| rule.rule).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TEXT_RULES.len());
        for rule in TEXT_RULES {
            assert_eq!(rule.fault_of("Tasse"), None, "{}", rule.rule);
            assert_eq!(rule.fault_of("a\0"), Some(NUL), "{}", rule.rule);
            let longest = "ß".repeat(rule.longest);
            assert_eq!(rule.fault_of(&longest), None, "{}", rule.rule);
            assert_eq!(rule.fault_of(&(longest + "ß")), Some(rule.requirement));
        }
    }

    #[test]
    fn a_whole_value_is_counted_with_its_escapes() {
        for (value, bytes) in [
            (json!([]), 2),
            (json!({}), 2),
            (json!(["a", "ß"]), r#"["a", "ß"]"#.len()),
            (json!({"a": "b", "c": [1]}), r#"{"a": "b", "c": [1]}"#.len()),
            (json!("\u{1}\n\""), r#""\u0001\n\"""#.len()),
        ] {
            assert_eq!(json_bytes(&value), bytes, "{value}");
        }
        for rule in SIZE_RULES {
            let fits = json!("x".repeat(rule.most_bytes - 2));
            assert_eq!(rule.fault_of(&fits), None, "{}", rule.rule);
            let escaped = json!("\n".repeat(rule.most_bytes / 2));
            assert_eq!(rule.fault_of(&escaped), Some(rule.requirement));
        }
    }

    #[test]
    fn blanks_of_every_script_count_at_the_ends() {
        for blank in ['\u{a0}', '\u{1680}', '\u{2003}', '\u{202f}', '\u{3000}'] {
            assert!(TAG.fault_of(&format!("sale{blank}")).is_some());
            assert!(PUBLIC_ID.fault_of(&format!("shop/{blank}mug")).is_some());
            assert!(TAG.fault_of(&format!("summer{blank}sale")).is_none());
        }
    }
}

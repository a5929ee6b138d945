//! Writes `context` and `metadata` the way Cloudinary's form parameters want them (pure).

use serde_json::Value;

/// Joins `key=value` pairs by `|`, escaping characters that would end a key or a value.
///
/// Backslashes are doubled too: the official SDKs leave them, and so lose them on the way.
pub fn pairs<K: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (K, V)>) -> String {
    let mut text = String::new();
    for (key, value) in pairs {
        if !text.is_empty() {
            text.push('|');
        }
        push_escaped(&mut text, key.as_ref());
        text.push('=');
        push_escaped(&mut text, value.as_ref());
    }
    text
}

/// The text of one structured metadata value: strings bare, lists as JSON, null as nothing, which
/// clears the field.
pub fn metadata_value(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn push_escaped(text: &mut String, part: &str) {
    for character in part.chars() {
        if matches!(character, '=' | '|' | '\\') {
            text.push('\\');
        }
        text.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn separators_in_values_are_escaped_and_quotes_are_not() {
        assert_eq!(
            pairs([("alt", r#"a=b|c\d "q""#), ("owner", "new")]),
            r#"alt=a\=b\|c\\d "q"|owner=new"#
        );
    }

    #[test]
    fn empty_value_deletes_the_key() {
        assert_eq!(pairs([("alt", ""), ("owner", "new")]), "alt=|owner=new");
    }

    #[test]
    fn metadata_lists_are_json_text() {
        assert_eq!(metadata_value(&json!(["a", "b"])), r#"["a","b"]"#);
        assert_eq!(metadata_value(&json!(5)), "5");
        assert_eq!(metadata_value(&json!("x")), "x");
        assert_eq!(metadata_value(&Value::Null), "");
    }

    /// Reads the form back as its description says: a backslash takes the next character as it is.
    fn read(text: &str) -> Vec<(String, String)> {
        let mut pairs = vec![(String::new(), None::<String>)];
        let mut characters = text.chars();
        while let Some(mut character) = characters.next() {
            let escaped = character == '\\';
            if escaped {
                character = characters.next().unwrap();
            }
            let last = pairs.last_mut().unwrap();
            match (character, escaped) {
                ('|', false) => pairs.push((String::new(), None)),
                ('=', false) => last.1 = Some(String::new()),
                _ => last.1.as_mut().unwrap_or(&mut last.0).push(character),
            }
        }
        pairs
            .into_iter()
            .map(|(key, value)| (key, value.unwrap()))
            .collect()
    }

    proptest! {
        #[test]
        fn every_pair_is_read_back_as_written(
            given in prop::collection::vec(("[a-z=|\\\\]{1,6}", "[a-z=|\\\\\" ]{0,9}"), 1..5)
        ) {
            prop_assert_eq!(read(&pairs(given.clone())), given);
        }
    }
}

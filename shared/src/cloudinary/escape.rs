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

/// Reads such a text as Cloudinary does: a backslash takes the next character as it is, and further
/// `=` belong to the value. `None` for a part that is no pair.
pub fn read_pairs(text: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = vec![(String::new(), None::<String>)];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let (key, value) = pairs.last_mut()?;
        match (character, &value) {
            ('|', _) => pairs.push((String::new(), None)),
            ('=', None) => *value = Some(String::new()),
            ('\\', _) => value.as_mut().unwrap_or(key).push(characters.next()?),
            _ => value.as_mut().unwrap_or(key).push(character),
        }
    }
    pairs
        .into_iter()
        .map(|(key, value)| Some((key, value?)).filter(|(key, _)| !key.is_empty()))
        .collect()
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
    fn a_backslash_takes_the_next_character_as_it_is() {
        let text = r"a\lt=x=y\|z|owner=";
        let read = read_pairs(text).unwrap();
        assert_eq!(pairs(read), r"alt=x\=y\|z|owner=");
        for no_pairs in ["alt", "alt=A|", "|alt=A", r"alt=A\", "", "=A"] {
            assert_eq!(read_pairs(no_pairs), None, "{no_pairs}");
        }
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

    proptest! {
        #[test]
        fn every_pair_is_read_back_as_written(
            given in prop::collection::vec(("[a-z=|\\\\]{1,6}", "[a-z=|\\\\\" ]{0,9}"), 1..5)
        ) {
            prop_assert_eq!(read_pairs(&pairs(given.clone())), Some(given));
        }
    }
}

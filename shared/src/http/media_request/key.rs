//! The key that makes a request safe to repeat (pure).

use http::{HeaderMap, HeaderName};

use crate::parameter::ParameterError;

/// A repeat with the same key gets the first answer, and has no further effect.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// As many characters as the database takes for a key.
const LONGEST_KEY: usize = 255;

/// The key of a request, if it has one.
pub(super) fn parse_key(headers: &HeaderMap) -> Result<Option<&str>, ParameterError> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = value.to_str().ok().filter(|key| {
        (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    });
    match (key, values.next()) {
        (Some(key), None) => Ok(Some(key)),
        _ => Err(ParameterError::new(
            "Idempotency-Key",
            format!(
                "must be one header of 1 to {LONGEST_KEY} visible ASCII characters, such as a UUID"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(values: &[&str]) -> Result<Option<String>, ParameterError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IDEMPOTENCY_KEY, value.parse().unwrap());
        }
        parse_key(&headers).map(|key| key.map(str::to_owned))
    }

    #[test]
    fn a_key_is_one_short_visible_text() {
        assert_eq!(key(&[]), Ok(None));
        assert_eq!(
            key(&["\"8e03978e\""]),
            Ok(Some("\"8e03978e\"".to_owned())),
            "quotes belong to it"
        );
        let longest = "k".repeat(LONGEST_KEY);
        assert_eq!(key(&[&longest]), Ok(Some(longest.clone())));
        for values in [&[""][..], &["a b"], &["a", "a"], &[&(longest + "k")]] {
            let error = key(values).unwrap_err();
            assert_eq!(error.name, "Idempotency-Key", "{values:?}");
        }
    }
}

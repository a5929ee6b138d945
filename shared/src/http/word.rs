//! Words of closed sets: the variants of an enum, by their names in serde (pure).

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned};

/// A text that is no word of the set; it holds the set.
#[derive(Debug)]
pub(super) struct UnknownWord(pub(super) &'static [&'static str]);

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

impl std::error::Error for UnknownWord {}

impl de::Error for UnknownWord {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&[])
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self(expected)
    }
}

/// Reads a word of an enum without fields.
pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, UnknownWord> {
    T::deserialize(StrDeserializer::new(text))
}

/// The words of an enum without fields, aliases included, in the order of its variants.
pub fn words_of<T: DeserializeOwned>() -> &'static [&'static str] {
    // No variant has an empty name.
    match parse::<T>("") {
        Ok(_) => &[],
        Err(UnknownWord(words)) => words,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Colour {
        Red,
        #[serde(alias = "azure")]
        DarkBlue,
    }

    #[test]
    fn words_are_the_names_of_the_variants() {
        assert_eq!(words_of::<Colour>(), ["red", "azure", "dark_blue"]);
        assert_eq!(parse::<Colour>("azure").unwrap(), Colour::DarkBlue);
        for text in ["Red", "DarkBlue", "red ", "", "0"] {
            let unknown = parse::<Colour>(text).unwrap_err();
            assert_eq!(unknown.to_string(), "red, azure, dark_blue", "{text}");
        }
    }
}

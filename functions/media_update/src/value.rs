//! Values of an edit's fields, each parsed within its limits (pure).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use media_sync::asset::{
    AssetId, LONGEST_NAME, MOST_TAGS, fault_of_display_name, fault_of_folder, fault_of_public_id,
    fault_of_tag,
};
use serde::Serialize;
use serde_json::{Number, Value};

/// Commonly told limits of Cloudinary's; its own verdict comes later, and into the row.
const NAME: RangeInclusive<usize> = 1..=LONGEST_NAME;
const CONTEXT_VALUE: RangeInclusive<usize> = 0..=1_024;

/// A multi-select field holds no more.
const MOST_VALUES: usize = 3_000;

/// Texts that only this side knows.
const DESCRIPTION: RangeInclusive<usize> = 0..=10_000;

/// The reason why a value is refused, and the place below its field's name.
#[derive(Debug)]
pub(crate) struct ValueFault {
    pub(crate) below: String,
    pub(crate) reason: String,
}

/// The wanted value of a metadata field.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum MetadataValue {
    /// `null`: the field is emptied.
    Removed,
    Number(Number),
    Text(String),
    Choices(Vec<String>),
}

type Parsed<T> = Result<T, ValueFault>;

pub(crate) fn asset_id(value: &Value) -> Parsed<AssetId> {
    let id = value.as_str().and_then(|text| AssetId::parse(text).ok());
    id.ok_or_else(|| ValueFault::new("must be 32 hex digits"))
}

pub(crate) fn public_id(value: Value) -> Parsed<String> {
    ruled_text(value, fault_of_public_id)
}

pub(crate) fn display_name(value: Value) -> Parsed<String> {
    ruled_text(value, fault_of_display_name)
}

/// Slashes at the ends stay: the database takes them off.
pub(crate) fn folder(value: Value) -> Parsed<String> {
    ruled_text(value, |folder| match folder.trim_matches('/') {
        "" => None,
        folder => fault_of_folder(folder),
    })
}

pub(crate) fn tags(value: Value) -> Parsed<Vec<String>> {
    match value {
        Value::Array(tags) if tags.len() <= MOST_TAGS => {
            each_item(tags, |tag| ruled_text(tag, fault_of_tag))
        }
        _ => Err(ValueFault::new(format!(
            "must be a list of at most {MOST_TAGS} tags"
        ))),
    }
}

pub(crate) fn context(value: Value) -> Parsed<BTreeMap<String, Option<String>>> {
    each_pair(value, |value| text_or_null(value, CONTEXT_VALUE))
}

pub(crate) fn metadata(value: Value) -> Parsed<BTreeMap<String, MetadataValue>> {
    each_pair(value, metadata_value)
}

/// The text, or `None` to remove it.
pub(crate) fn description(value: Value) -> Parsed<Option<String>> {
    text_or_null(value, DESCRIPTION)
}

fn metadata_value(value: Value) -> Parsed<MetadataValue> {
    match value {
        Value::Null => Ok(MetadataValue::Removed),
        Value::Number(number) => Ok(MetadataValue::Number(number)),
        Value::String(_) => text(value, DESCRIPTION).map(MetadataValue::Text),
        Value::Array(values) if values.len() <= MOST_VALUES => {
            each_item(values, |value| text(value, NAME)).map(MetadataValue::Choices)
        }
        _ => Err(ValueFault::new(format!(
            "must be text, a number, a list of at most {MOST_VALUES} texts, or null to remove it"
        ))),
    }
}

fn each_item(values: Vec<Value>, parse: impl Fn(Value) -> Parsed<String>) -> Parsed<Vec<String>> {
    let items = values
        .into_iter()
        .enumerate()
        .map(|(index, value)| parse(value).map_err(|fault| fault.below(format!("[{index}]"))));
    items.collect()
}

/// Parses an object whose keys are the account's own, each value by `parse`.
fn each_pair<T>(value: Value, parse: impl Fn(Value) -> Parsed<T>) -> Parsed<BTreeMap<String, T>> {
    let Value::Object(pairs) = value else {
        let reason = "must be an object; null as a value removes its key";
        return Err(ValueFault::new(reason));
    };
    let pairs = pairs.into_iter().map(|(key, value)| {
        let parsed = match is_text_of(&key, &NAME) {
            true => parse(value),
            false => Err(ValueFault::new(format!(
                "must have a key of {}",
                words(&NAME)
            ))),
        };
        let value = parsed.map_err(|fault| fault.below(format!(".{}", shown(&key))))?;
        Ok((key, value))
    });
    pairs.collect()
}

/// Text that keeps to a rule of its own.
fn ruled_text(value: Value, fault_of: impl Fn(&str) -> Option<&'static str>) -> Parsed<String> {
    let Value::String(text) = value else {
        return Err(ValueFault::new("must be text"));
    };
    match fault_of(&text) {
        Some(reason) => Err(ValueFault::new(reason)),
        None => Ok(text),
    }
}

fn text_or_null(value: Value, length: RangeInclusive<usize>) -> Parsed<Option<String>> {
    match value {
        Value::Null => Ok(None),
        value => text(value, length).map(Some),
    }
}

/// The text, if it is one of so many characters.
fn text(value: Value, length: RangeInclusive<usize>) -> Parsed<String> {
    match value {
        Value::String(text) if is_text_of(&text, &length) => Ok(text),
        _ => Err(ValueFault::new(format!(
            "must be text of {}",
            words(&length)
        ))),
    }
}

/// PostgreSQL cannot hold NUL.
fn is_text_of(text: &str, length: &RangeInclusive<usize>) -> bool {
    length.contains(&text.chars().count()) && !text.contains('\0')
}

fn words(length: &RangeInclusive<usize>) -> String {
    format!(
        "{} to {} characters, without NUL",
        length.start(),
        length.end()
    )
}

/// As much of a name that a caller invented as an error repeats.
pub(crate) fn shown(name: &str) -> String {
    name.chars().take(64).collect()
}

impl ValueFault {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self {
            below: String::new(),
            reason: reason.into(),
        }
    }

    fn below(self, part: String) -> Self {
        Self {
            below: part + &self.below,
            ..self
        }
    }
}

//! Values of an edit's fields, each parsed within its limits (pure).

use std::collections::BTreeMap;

use media_sync::asset::AssetKey;
use media_sync::parameter::ParameterError;
use media_sync::value_rules::{
    CONTEXT_VALUE, DESCRIPTION, DESCRIPTION_SIZE, DISPLAY_NAME, FOLDER, METADATA_CHOICE,
    METADATA_TEXT, MOST_CHOICES, MOST_TAGS, NUMBER_BOUND, PAIR_KEY, PAIRS_SIZE, PUBLIC_ID,
    SizeRule, TAG, TAGS_SIZE, TextRule,
};
use serde::Serialize;
use serde_json::{Number, Value};

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

pub(crate) fn asset_id(value: &Value) -> Parsed<AssetKey> {
    let id = AssetKey::parse(value.as_str().unwrap_or_default());
    id.map_err(|wanted| ValueFault::new(wanted.to_string()))
}

/// The tag of a state, as an answer told it in `etag`.
pub(crate) fn if_match(value: Value) -> Parsed<String> {
    text(value, &TAG)
}

pub(crate) fn public_id(value: Value) -> Parsed<String> {
    text(value, &PUBLIC_ID)
}

pub(crate) fn display_name(value: Value) -> Parsed<String> {
    text(value, &DISPLAY_NAME)
}

/// Slashes at the ends stay: the database takes them off.
pub(crate) fn folder(value: Value) -> Parsed<String> {
    let folder = any_text(value)?;
    match FOLDER.fault_of(folder.trim_matches('/')) {
        Some(reason) => Err(ValueFault::new(reason)),
        None => Ok(folder),
    }
}

pub(crate) fn tags(value: Value) -> Parsed<Vec<String>> {
    let value = sized(value, &TAGS_SIZE)?;
    match value {
        Value::Array(tags) if tags.len() <= MOST_TAGS => each_item(tags, &TAG),
        _ => Err(ValueFault::new(format!(
            "must be a list of at most {MOST_TAGS} tags"
        ))),
    }
}

pub(crate) fn context(value: Value) -> Parsed<BTreeMap<String, Option<String>>> {
    let value = sized(value, &PAIRS_SIZE)?;
    each_pair(value, |value| text_or_null(value, &CONTEXT_VALUE))
}

pub(crate) fn metadata(value: Value) -> Parsed<BTreeMap<String, MetadataValue>> {
    let value = sized(value, &PAIRS_SIZE)?;
    each_pair(value, metadata_value)
}

/// The text, or `None` to remove it.
pub(crate) fn description(value: Value) -> Parsed<Option<String>> {
    let text = text_or_null(value, &DESCRIPTION)?;
    let text = text.map(|text| sized(Value::String(text), &DESCRIPTION_SIZE));
    text.transpose()?.map(any_text).transpose()
}

/// The value, if the whole of it is within its bound. Of pairs the database counts those that stay,
/// too.
fn sized(value: Value, rule: &SizeRule) -> Parsed<Value> {
    match rule.fault_of(&value) {
        Some(reason) => Err(ValueFault::new(reason)),
        None => Ok(value),
    }
}

fn metadata_value(value: Value) -> Parsed<MetadataValue> {
    match value {
        Value::Null => Ok(MetadataValue::Removed),
        Value::Number(number) if is_bounded(&number) => Ok(MetadataValue::Number(number)),
        Value::String(_) => text(value, &METADATA_TEXT).map(MetadataValue::Text),
        Value::Array(values) if values.len() <= MOST_CHOICES => {
            each_item(values, &METADATA_CHOICE).map(MetadataValue::Choices)
        }
        _ => Err(ValueFault::new(format!(
            "must be text, a number below {NUMBER_BOUND:e}, a list of at most {MOST_CHOICES} texts, \
             or null to remove it"
        ))),
    }
}

fn is_bounded(number: &Number) -> bool {
    number.as_f64().is_some_and(|it| it.abs() < NUMBER_BOUND)
}

fn each_item(values: Vec<Value>, rule: &TextRule) -> Parsed<Vec<String>> {
    let items = values
        .into_iter()
        .enumerate()
        .map(|(index, value)| text(value, rule).map_err(|fault| fault.below(format!("[{index}]"))));
    items.collect()
}

/// Parses an object whose keys are the account's own, each value by `parse`.
fn each_pair<T>(value: Value, parse: impl Fn(Value) -> Parsed<T>) -> Parsed<BTreeMap<String, T>> {
    let Value::Object(pairs) = value else {
        let reason = "must be an object; null as a value removes its key";
        return Err(ValueFault::new(reason));
    };
    let pairs = pairs.into_iter().map(|(key, value)| {
        let parsed = match PAIR_KEY.fault_of(&key) {
            None => parse(value),
            Some(reason) => Err(ValueFault::new(reason)),
        };
        let value = parsed.map_err(|fault| fault.below(format!(".{}", shown(&key))))?;
        Ok((key, value))
    });
    pairs.collect()
}

fn text_or_null(value: Value, rule: &TextRule) -> Parsed<Option<String>> {
    match value {
        Value::Null => Ok(None),
        value => text(value, rule).map(Some),
    }
}

/// The text, if it keeps the rule.
fn text(value: Value, rule: &TextRule) -> Parsed<String> {
    let text = any_text(value)?;
    match rule.fault_of(&text) {
        Some(reason) => Err(ValueFault::new(reason)),
        None => Ok(text),
    }
}

fn any_text(value: Value) -> Parsed<String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(ValueFault::new("must be text")),
    }
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

    /// The same about a field, at its place in the body.
    pub(crate) fn at(self, at: &str, field: &str) -> ParameterError {
        let place = format!("{at}{}{}", shown(field), self.below);
        ParameterError::new(place, self.reason)
    }

    fn below(self, part: String) -> Self {
        Self {
            below: part + &self.below,
            ..self
        }
    }
}

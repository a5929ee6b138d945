//! Edits, with each field checked against Cloudinary's limits (pure).

use std::collections::HashMap;
use std::ops::RangeInclusive;

use media_sync::asset::{
    AssetId, LONGEST_NAME, MOST_TAGS, fault_of_display_name, fault_of_folder, fault_of_public_id,
    fault_of_tag,
};
use media_sync::parameter::ParameterError;
use serde_json::{Map, Value};

/// The number of edits that one request may hold.
const MOST_ITEMS: usize = 1_000;

/// The fields that may be changed.
const FIELDS: &str =
    "tags, context, metadata, display_name, folder, public_id, description, alt_text";

/// Commonly told limits of Cloudinary's; its own verdict comes later, and into the row.
const NAME: RangeInclusive<usize> = 1..=LONGEST_NAME;
const CONTEXT_VALUE: RangeInclusive<usize> = 0..=1_024;

/// A multi-select field holds no more.
const MOST_VALUES: usize = 3_000;

/// Texts that only this side knows.
const DESCRIPTION: RangeInclusive<usize> = 0..=10_000;

/// The reason why a field is refused, and the place below its name.
struct Fault {
    below: String,
    reason: String,
}

type Checked = Result<(), Fault>;

/// The edits of a body: one by itself, or several as `items`.
pub(crate) fn parse_edits(body: Value) -> Result<Vec<Value>, ParameterError> {
    let Value::Object(mut body) = body else {
        let reason = "must be a JSON object: one edit, or {\"items\": [...]}";
        return Err(ParameterError::new("body", reason));
    };
    let Some(items) = body.remove("items") else {
        return Ok(vec![parse_edit(body, "")?.into()]);
    };
    if let Some(other) = body.keys().next() {
        return Err(ParameterError::new(
            shown(other),
            "does not belong beside `items`",
        ));
    }
    let items = match items {
        Value::Array(items) if (1..=MOST_ITEMS).contains(&items.len()) => items,
        _ => {
            let reason = format!("must be a list of 1 to {MOST_ITEMS} edits");
            return Err(ParameterError::new("items", reason));
        }
    };
    let mut edits = Vec::with_capacity(items.len());
    let mut seen = HashMap::new();
    for (index, item) in items.into_iter().enumerate() {
        let at = format!("items[{index}]");
        let Value::Object(item) = item else {
            return Err(ParameterError::new(at, "must be a JSON object"));
        };
        let edit = parse_edit(item, &format!("{at}."))?;
        if let Some(first) = seen.insert(edit["asset_id"].to_string(), index) {
            return Err(ParameterError::new(
                format!("{at}.asset_id"),
                format!("is the asset of items[{first}] too: put both edits into one"),
            ));
        }
        edits.push(edit.into());
    }
    Ok(edits)
}

/// `at` stands before the names of this edit's fields.
fn parse_edit(
    mut edit: Map<String, Value>,
    at: &str,
) -> Result<Map<String, Value>, ParameterError> {
    for (name, value) in &edit {
        check_field(name, value).map_err(|fault| {
            ParameterError::new(format!("{at}{}{}", shown(name), fault.below), fault.reason)
        })?;
    }
    let Some(Value::String(id)) = edit.get_mut("asset_id") else {
        let reason = "must name the asset to edit";
        return Err(ParameterError::new(format!("{at}asset_id"), reason));
    };
    id.make_ascii_lowercase();
    if edit.len() == 1 {
        let name = if at.is_empty() {
            "body"
        } else {
            &at[..at.len() - 1]
        };
        let reason = format!("names nothing to change: there are {FIELDS}");
        return Err(ParameterError::new(name, reason));
    }
    Ok(edit)
}

fn check_field(name: &str, value: &Value) -> Checked {
    match name {
        "asset_id" => match value.as_str().map(AssetId::parse) {
            Some(Ok(_)) => Ok(()),
            _ => fault("must be 32 hex digits"),
        },
        "public_id" => any_text(value, fault_of_public_id),
        "display_name" => any_text(value, fault_of_display_name),
        "folder" => check_folder(value),
        "tags" => check_tags(value),
        "context" => each_pair(value, |value| match value {
            Value::Null => Ok(()),
            value => text(value, CONTEXT_VALUE).map(drop),
        }),
        "metadata" => each_pair(value, check_metadata),
        "description" | "alt_text" => match value {
            Value::Null => Ok(()),
            value => text(value, DESCRIPTION).map(drop),
        },
        _ => fault(format!(
            "is not a field of an edit; there are asset_id, {FIELDS}"
        )),
    }
}

/// Text that keeps to a rule of its own.
fn any_text(value: &Value, fault_of: impl Fn(&str) -> Option<&'static str>) -> Checked {
    let text = value.as_str().ok_or_else(|| Fault::new("must be text"))?;
    fault_of(text).map_or(Ok(()), fault)
}

fn check_folder(value: &Value) -> Checked {
    any_text(value, |folder| match folder.trim_matches('/') {
        "" => None,
        folder => fault_of_folder(folder),
    })
}

fn check_tags(value: &Value) -> Checked {
    let tags = match value {
        Value::Array(tags) if tags.len() <= MOST_TAGS => tags,
        _ => return fault(format!("must be a list of at most {MOST_TAGS} tags")),
    };
    for (index, tag) in tags.iter().enumerate() {
        any_text(tag, fault_of_tag).map_err(|fault| fault.below(format!("[{index}]")))?;
    }
    Ok(())
}

fn check_metadata(value: &Value) -> Checked {
    match value {
        Value::Null | Value::Number(_) => Ok(()),
        Value::String(_) => text(value, DESCRIPTION).map(drop),
        Value::Array(values) if values.len() <= MOST_VALUES => {
            for (index, value) in values.iter().enumerate() {
                text(value, NAME).map_err(|fault| fault.below(format!("[{index}]")))?;
            }
            Ok(())
        }
        _ => fault(format!(
            "must be text, a number, a list of at most {MOST_VALUES} texts, or null to remove it"
        )),
    }
}

/// Checks an object whose keys are the account's own, each value by `check`.
fn each_pair(value: &Value, check: impl Fn(&Value) -> Checked) -> Checked {
    let Value::Object(pairs) = value else {
        return fault("must be an object; null as a value removes its key");
    };
    for (key, value) in pairs {
        let below = |fault: Fault| fault.below(format!(".{}", shown(key)));
        if !NAME.contains(&key.chars().count()) || key.contains('\0') {
            return fault(format!("must have a key of {}", words(&NAME))).map_err(below);
        }
        check(value).map_err(below)?;
    }
    Ok(())
}

/// The text, if it is one of so many characters; PostgreSQL cannot hold NUL.
fn text(value: &Value, length: RangeInclusive<usize>) -> Result<&str, Fault> {
    value
        .as_str()
        .filter(|text| length.contains(&text.chars().count()) && !text.contains('\0'))
        .ok_or_else(|| Fault::new(format!("must be text of {}", words(&length))))
}

fn words(length: &RangeInclusive<usize>) -> String {
    format!(
        "{} to {} characters, without NUL",
        length.start(),
        length.end()
    )
}

/// As much of a name that a caller invented as an error repeats.
fn shown(name: &str) -> String {
    name.chars().take(64).collect()
}

fn fault(reason: impl Into<String>) -> Checked {
    Err(Fault::new(reason))
}

impl Fault {
    fn new(reason: impl Into<String>) -> Self {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef";

    fn edit(name: &str, value: Value) -> Value {
        json!({"asset_id": ID, name: value})
    }

    #[test]
    fn one_edit_and_several_are_taken_as_they_are() {
        let whole = json!({
            "asset_id": ID, "tags": [], "context": {"alt": null, "a=b|c\\d": "'; drop table"},
            "metadata": {"sku": "M-1", "size": 3, "colours": ["red"], "old": null}, "display_name": "Mug, blue",
            "folder": "/shop/sale/", "public_id": "shop/Tasse, groß", "description": null, "alt_text": "",
        });
        assert_eq!(
            parse_edits(whole.clone()).unwrap(),
            std::slice::from_ref(&whole)
        );
        let mut other = whole.clone();
        other["asset_id"] = ID.to_uppercase().replace('0', "1").into();
        let edits = parse_edits(json!({"items": [whole, other]})).unwrap();
        assert_eq!(edits.len(), 2);
        assert_eq!(edits[1]["asset_id"], ID.replace('0', "1"), "ids are folded");
    }

    #[test]
    fn every_refusal_names_the_field_and_says_what_it_must_be() {
        let long = "x".repeat(256);
        for (field, value, at, reason) in [
            ("tags", json!("sale"), "tags", "must be a list"),
            ("tags", json!(vec!["t"; 1001]), "tags", "at most 1000"),
            ("tags", json!(["ok", "a,b"]), "tags[1]", "comma"),
            ("tags", json!([" a"]), "tags[0]", "blank"),
            ("tags", json!([""]), "tags[0]", "1 to 255"),
            ("tags", json!([long]), "tags[0]", "1 to 255"),
            ("tags", json!([7]), "tags[0]", "must be text"),
            ("tags", json!(["a\0"]), "tags[0]", "NUL"),
            ("context", json!([]), "context", "must be an object"),
            ("context", json!({"alt": 7}), "context.alt", "must be text"),
            (
                "context",
                json!({"alt": "x".repeat(1025)}),
                "context.alt",
                "0 to 1024",
            ),
            ("context", json!({"": "x"}), "context.", "key"),
            ("context", json!({"a\0": "x"}), "context.a\0", "key"),
            (
                "metadata",
                json!({"a": {"b": 1}}),
                "metadata.a",
                "must be text, a number",
            ),
            (
                "metadata",
                json!({"a": true}),
                "metadata.a",
                "must be text, a number",
            ),
            (
                "metadata",
                json!({"a": ["b", 1]}),
                "metadata.a[1]",
                "must be text",
            ),
            ("metadata", json!({"a": "\0"}), "metadata.a", "NUL"),
            ("display_name", json!(null), "display_name", "must be text"),
            ("display_name", json!("a/b"), "display_name", "slash"),
            ("display_name", json!(""), "display_name", "1 to 255"),
            ("folder", json!("a//b"), "folder", "empty part"),
            ("folder", json!(null), "folder", "must be text"),
            ("public_id", json!(""), "public_id", "1 to 255"),
            ("public_id", json!("x".repeat(256)), "public_id", "1 to 255"),
            ("public_id", json!("a?b"), "public_id", "any of ? & #"),
            ("public_id", json!("a/"), "public_id", "parts"),
            ("public_id", json!(" a"), "public_id", "parts"),
            ("public_id", json!("../up"), "public_id", "parts"),
            ("folder", json!("shop/../../up"), "folder", "parts"),
            (
                "description",
                json!("x".repeat(10_001)),
                "description",
                "0 to 10000",
            ),
            ("alt_text", json!(["x"]), "alt_text", "must be text"),
            ("tag", json!(["x"]), "tag", "is not a field"),
            ("deleted_at", json!(null), "deleted_at", "is not a field"),
        ] {
            let error = parse_edits(edit(field, value.clone())).unwrap_err();
            assert_eq!(error.name, at, "{value}");
            assert!(error.reason.contains(reason), "{at}: {}", error.reason);
            let second = json!({"asset_id": ID.replace('0', "1"), "folder": ""});
            let error = parse_edits(json!({"items": [second, edit(field, value)]})).unwrap_err();
            assert_eq!(error.name, format!("items[1].{at}"));
        }
    }

    #[test]
    fn a_body_that_is_no_edit_is_refused() {
        let nothing = json!({"asset_id": ID});
        let many = vec![edit("folder", json!("")); MOST_ITEMS + 1];
        for (body, at) in [
            (json!([]), "body"),
            (json!({}), "asset_id"),
            (nothing.clone(), "body"),
            (json!({"asset_id": "abc", "folder": ""}), "asset_id"),
            (json!({"asset_id": null, "folder": ""}), "asset_id"),
            (json!({"items": []}), "items"),
            (json!({"items": {}}), "items"),
            (json!({"items": many}), "items"),
            (json!({"items": [1]}), "items[0]"),
            (json!({"items": [nothing]}), "items[0]"),
            (json!({"items": [{"folder": ""}]}), "items[0].asset_id"),
            (
                json!({"items": [edit("folder", json!(""))], "force": true}),
                "force",
            ),
            (
                json!({"items": [edit("folder", json!("")), edit("tags", json!([]))]}),
                "items[1].asset_id",
            ),
        ] {
            let shown = body.to_string();
            assert_eq!(parse_edits(body).unwrap_err().name, at, "{shown:.200}");
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_keeps_the_databases_rules(
            tags in prop::collection::vec("[a, \0]{0,4}", 0..4),
            name in "[a/ \0]{0,4}",
            folder in "[a/]{0,5}",
        ) {
            if parse_edits(edit("tags", json!(tags))).is_ok() {
                let keeps = |tag: &String| !tag.is_empty() && !tag.contains([',', '\0']);
                prop_assert!(tags.iter().all(keeps));
            }
            if parse_edits(edit("display_name", json!(name))).is_ok() {
                prop_assert!(!name.is_empty() && !name.contains(['/', '\0']));
            }
            if parse_edits(edit("folder", json!(folder))).is_ok() {
                prop_assert!(!folder.trim_matches('/').contains("//"));
            }
        }
    }
}

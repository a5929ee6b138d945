//! The edits of a request's body, each field parsed within Cloudinary's limits (pure).

use std::collections::{BTreeMap, HashMap};

use media_sync::asset::AssetKey;
use media_sync::http::OneAsset;
use media_sync::parameter::ParameterError;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::value::{
    MetadataValue, ValueFault, asset_id, context, description, display_name, folder, if_match,
    metadata, public_id, shown, tags,
};

/// The number of edits that one request may hold.
const MOST_ITEMS: usize = 200;

/// The fields that may be changed.
const FIELDS: &str = "tags, add_tags, remove_tags, context, metadata, display_name, folder, public_id, description, alt_text";

/// One asset, and its wanted values, as `media_request_edit` takes them.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct AssetEdit {
    #[serde(flatten)]
    asset: OneAsset,
    #[serde(flatten)]
    wanted: WantedValues,
}

/// The values to change; those that are not named stay as they are.
#[derive(Debug, Default, PartialEq, Serialize)]
struct WantedValues {
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    add_tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remove_tags: Option<Vec<String>>,
    /// A key without a value is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<BTreeMap<String, Option<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<BTreeMap<String, MetadataValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_id: Option<String>,
    /// `Some(None)` removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alt_text: Option<Option<String>>,
}

/// The edits of a body: one by itself, or several as `items`.
///
/// # Errors
/// Naming the field that cannot be used.
pub(crate) fn parse_edits(body: Value) -> Result<Vec<AssetEdit>, ParameterError> {
    let Value::Object(mut body) = body else {
        let reason = "must be a JSON object: one edit, or {\"items\": [...]}";
        return Err(ParameterError::new("body", reason));
    };
    let Some(items) = body.remove("items") else {
        return Ok(vec![parse_edit(body, "")?]);
    };
    if let Some(other) = body.keys().next() {
        let reason = "does not belong beside `items`";
        return Err(ParameterError::new(shown(other), reason));
    }
    match items {
        Value::Array(items) if (1..=MOST_ITEMS).contains(&items.len()) => parse_items(items),
        _ => {
            let reason = format!("must be a list of 1 to {MOST_ITEMS} edits");
            Err(ParameterError::new("items", reason))
        }
    }
}

fn parse_items(items: Vec<Value>) -> Result<Vec<AssetEdit>, ParameterError> {
    let mut edits: Vec<AssetEdit> = Vec::with_capacity(items.len());
    let mut seen = HashMap::new();
    for (index, item) in items.into_iter().enumerate() {
        let at = format!("items[{index}]");
        let Value::Object(item) = item else {
            return Err(ParameterError::new(at, "must be a JSON object"));
        };
        let edit = parse_edit(item, &format!("{at}."))?;
        if let Some(first) = seen.insert(edit.asset.asset_id.clone(), index) {
            return Err(ParameterError::new(
                format!("{at}.asset_id"),
                format!("is the asset of items[{first}] too: put both edits into one"),
            ));
        }
        edits.push(edit);
    }
    Ok(edits)
}

/// `at` stands before the names of this edit's fields.
fn parse_edit(mut edit: Map<String, Value>, at: &str) -> Result<AssetEdit, ParameterError> {
    let named = take_asset(&mut edit, at)?;
    let wanted = WantedValues::parse(edit, at, &format!("asset_id, if_match, {FIELDS}"))?;
    let Some(asset_id) = named.asset_id else {
        let reason = "must name the asset to edit";
        return Err(ParameterError::new(format!("{at}asset_id"), reason));
    };
    let if_match = named.if_match;
    wanted.check(at)?;
    let asset = OneAsset { asset_id, if_match };
    Ok(AssetEdit { asset, wanted })
}

/// The edit of the one asset that a path names: the body has its values only.
///
/// # Errors
/// Naming the field that cannot be used.
pub(crate) fn parse_edit_of(asset: OneAsset, body: Value) -> Result<AssetEdit, ParameterError> {
    let Value::Object(edit) = body else {
        return Err(ParameterError::new("body", "must be a JSON object"));
    };
    let wanted = WantedValues::parse(edit, "", FIELDS)?;
    wanted.check("")?;
    Ok(AssetEdit { asset, wanted })
}

/// The asset that an item names, and the state that it may have.
#[derive(Default)]
struct AssetOfItem {
    asset_id: Option<AssetKey>,
    if_match: Option<Vec<String>>,
}

fn take_asset(edit: &mut Map<String, Value>, at: &str) -> Result<AssetOfItem, ParameterError> {
    let mut named = AssetOfItem::default();
    if let Some(id) = edit.remove("asset_id") {
        let id = asset_id(&id).map_err(|fault| fault.at(at, "asset_id"))?;
        named.asset_id = Some(id);
    }
    if let Some(state) = edit.remove("if_match") {
        let state = if_match(state).map_err(|fault| fault.at(at, "if_match"))?;
        named.if_match = Some(vec![state]);
    }
    Ok(named)
}

impl WantedValues {
    /// `known` lists the fields for whoever writes another.
    fn parse(edit: Map<String, Value>, at: &str, known: &str) -> Result<Self, ParameterError> {
        let mut wanted = Self::default();
        for (name, value) in edit {
            let read = wanted.read(&name, value, known);
            read.map_err(|fault| fault.at(at, &name))?;
        }
        Ok(wanted)
    }

    /// Refuses an edit that changes nothing, or contradicts itself.
    fn check(&self, at: &str) -> Result<(), ParameterError> {
        if *self == Self::default() {
            let name = at.strip_suffix('.').unwrap_or("body");
            let reason = format!("names nothing to change: there are {FIELDS}");
            return Err(ParameterError::new(name, reason));
        }
        self.check_tags().map_err(|fault| fault.at(at, "tags"))
    }

    fn check_tags(&self) -> Result<(), ValueFault> {
        let added = self.add_tags.as_deref().unwrap_or_default();
        let removed = self.remove_tags.as_deref().unwrap_or_default();
        if self.tags.is_some() && (self.add_tags.is_some() || self.remove_tags.is_some()) {
            let reason = "names all tags: use either it, or `add_tags` and `remove_tags`";
            return Err(ValueFault::new(reason));
        }
        if added.iter().any(|tag| removed.contains(tag)) {
            let reason = "must not stand in `add_tags` and in `remove_tags` as well";
            return Err(ValueFault::new(reason));
        }
        Ok(())
    }

    fn read(&mut self, name: &str, value: Value, known: &str) -> Result<(), ValueFault> {
        match name {
            "tags" => self.tags = Some(tags(value)?),
            "add_tags" => self.add_tags = Some(tags(value)?),
            "remove_tags" => self.remove_tags = Some(tags(value)?),
            "context" => self.context = Some(context(value)?),
            "metadata" => self.metadata = Some(metadata(value)?),
            "display_name" => self.display_name = Some(display_name(value)?),
            "folder" => self.folder = Some(folder(value)?),
            "public_id" => self.public_id = Some(public_id(value)?),
            "description" => self.description = Some(description(value)?),
            "alt_text" => self.alt_text = Some(description(value)?),
            _ => {
                let reason = format!("is not a field of an edit; there are {known}");
                return Err(ValueFault::new(reason));
            }
        }
        Ok(())
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

    fn parsed(body: Value) -> Value {
        json!(parse_edits(body).unwrap())
    }

    #[test]
    fn one_edit_and_several_are_taken_as_they_are() {
        let whole = json!({
            "asset_id": ID, "tags": [], "context": {"alt": null, "a=b|c\\d": "'; drop table"},
            "metadata": {"sku": "M-1", "size": 3, "colours": ["red"], "old": null}, "display_name": "Mug, blue",
            "folder": "/shop/sale/", "public_id": "shop/Tasse, groß", "description": null, "alt_text": "",
        });
        assert_eq!(parsed(whole.clone()), json!([whole]));
        let mut other = whole.clone();
        other["asset_id"] = ID.to_uppercase().replace('0', "1").into();
        let edits = parsed(json!({"items": [whole, other]}));
        assert_eq!(edits[0], whole);
        assert_eq!(edits[1]["asset_id"], ID.replace('0', "1"), "ids are folded");
    }

    #[test]
    fn every_refusal_names_the_field_and_says_what_it_must_be() {
        let long = "x".repeat(256);
        for (field, value, at, reason) in [
            ("tags", json!("sale"), "tags", "must be a list"),
            ("tags", json!(vec!["t"; 1001]), "tags", "at most 1000"),
            (
                "tags",
                json!(vec!["t".repeat(250); 66]),
                "tags",
                "16 KiB at most",
            ),
            (
                "context",
                json!({"a": "\u{1}".repeat(1_000), "b": "\u{1}".repeat(1_000), "c": "\u{1}".repeat(1_000)}),
                "context",
                "16 KiB at most",
            ),
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
                "1,024 characters at most",
            ),
            ("context", json!({"": "x"}), "context.", "key"),
            ("context", json!({"a\0": "x"}), "context.a\0", "NUL"),
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
            ("metadata", json!({"a": 1e300}), "metadata.a", "below 1e300"),
            ("display_name", json!(null), "display_name", "must be text"),
            ("display_name", json!("a/b"), "display_name", "slash"),
            ("display_name", json!(""), "display_name", "1 to 255"),
            ("folder", json!("a//b"), "folder", "empty part"),
            ("folder", json!(null), "folder", "must be text"),
            ("public_id", json!(""), "public_id", "1 to 255"),
            ("public_id", json!("x".repeat(256)), "public_id", "1 to 255"),
            ("public_id", json!("a?b"), "public_id", "none of ? & #"),
            ("public_id", json!("a/"), "public_id", "parts"),
            ("public_id", json!(" a"), "public_id", "parts"),
            ("public_id", json!("../up"), "public_id", "parts"),
            ("folder", json!("shop/../../up"), "folder", "parts"),
            (
                "description",
                json!("x".repeat(10_001)),
                "description",
                "10,000 characters at most",
            ),
            ("alt_text", json!(["x"]), "alt_text", "must be text"),
            (
                "alt_text",
                json!("\u{1f600}".repeat(3_000)),
                "alt_text",
                "12,000 bytes at most",
            ),
            ("add_tags", json!("sale"), "add_tags", "must be a list"),
            ("add_tags", json!(["ok", "a,b"]), "add_tags[1]", "comma"),
            ("remove_tags", json!([7]), "remove_tags[0]", "must be text"),
            ("if_match", json!(7), "if_match", "must be text"),
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
    fn tags_are_named_as_a_whole_or_one_by_one() {
        let row = "00000000-0000-4000-8000-000000000007";
        let edit =
            json!({"asset_id": row, "if_match": "s1", "add_tags": ["a"], "remove_tags": ["b"]});
        let mut expected = edit.clone();
        expected["if_match"] = json!(["s1"]);
        assert_eq!(parsed(edit), json!([expected]));
        for (contradiction, reason) in [
            (json!({"tags": [], "add_tags": ["a"]}), "all tags"),
            (json!({"tags": [], "remove_tags": []}), "all tags"),
            (
                json!({"add_tags": ["a", "b"], "remove_tags": ["b"]}),
                "as well",
            ),
        ] {
            let mut edit = contradiction;
            edit["asset_id"] = row.into();
            let error = parse_edits(edit).unwrap_err();
            assert_eq!(error.name, "tags");
            assert!(error.reason.contains(reason), "{}", error.reason);
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

//! Structured metadata fields as an administrator defines them, and the values that they take.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The values of a `set` that one asset may have, by Cloudinary's own description of `metadata` (npm
/// `@cloudinary/asset-management-mcp` 0.11.0).
const SET_VALUES_AT_MOST: usize = 3000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FieldType {
    String,
    Integer,
    Date,
    Enum,
    Set,
}

impl FieldType {
    pub(crate) fn has_datasource(self) -> bool {
        matches!(self, Self::Enum | Self::Set)
    }
}

/// One value of a list, addressed by its id; a deleted one is kept inactive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DatasourceEntry {
    pub(crate) external_id: String,
    pub(crate) value: String,
    pub(crate) active: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MetadataField {
    pub(crate) external_id: String,
    pub(crate) label: String,
    #[serde(rename = "type")]
    pub(crate) kind: FieldType,
    pub(crate) mandatory: bool,
    /// Null when there is none.
    pub(crate) default_value: Value,
    pub(crate) default_disabled: bool,
    /// Null when every value of the type will do.
    pub(crate) validation: Value,
    pub(crate) restrictions: Value,
    pub(crate) allow_dynamic_list_values: bool,
    pub(crate) datasource: Vec<DatasourceEntry>,
}

impl MetadataField {
    /// Reads a value as the field's type has it; `None` when the field does not take it.
    pub(crate) fn read(&self, text: &str) -> Option<Value> {
        let value = match self.kind {
            FieldType::String => json!(text),
            FieldType::Integer => json!(text.trim().parse::<i64>().ok()?),
            FieldType::Date => json!(text.parse::<jiff::civil::Date>().ok()?.to_string()),
            FieldType::Enum => json!(self.listed(text)?),
            FieldType::Set => {
                let ids: Vec<String> = serde_json::from_str(text).ok()?;
                let ids = (ids.len() <= SET_VALUES_AT_MOST).then_some(ids)?;
                ids.iter()
                    .map(|id| self.listed(id))
                    .collect::<Option<_>>()?
            }
        };
        allows(&self.validation, &value).then_some(value)
    }

    /// The field with an option for each new value, where its list grows; the id of such an option is the value itself.
    /// Cloudinary says that options are added, and not under which id.
    pub(crate) fn grown_by(&self, value: &Value) -> Option<Self> {
        if !self.allow_dynamic_list_values || !self.kind.has_datasource() {
            return None;
        }
        let mut grown = self.clone();
        let values = value
            .as_array()
            .map_or(std::slice::from_ref(value), Vec::as_slice);
        for id in values.iter().filter_map(Value::as_str) {
            match grown
                .datasource
                .iter_mut()
                .find(|entry| entry.external_id == id)
            {
                Some(known) => known.active = true,
                None => grown.datasource.push(DatasourceEntry {
                    external_id: id.to_owned(),
                    value: id.to_owned(),
                    active: true,
                }),
            }
        }
        (grown != *self).then_some(grown)
    }

    /// The value that an asset gets which is uploaded without one.
    pub(crate) fn default_for_upload(&self) -> Option<&Value> {
        Some(&self.default_value).filter(|value| !value.is_null() && !self.default_disabled)
    }

    fn listed<'a>(&self, id: &'a str) -> Option<&'a str> {
        let known = |entry: &DatasourceEntry| entry.active && entry.external_id == id;
        (self.allow_dynamic_list_values || self.datasource.iter().any(known)).then_some(id)
    }
}

/// Judges a value by a validation: `strlen`, `greater_than`, `less_than`, or `and` of several.
fn allows(validation: &Value, value: &Value) -> bool {
    let at_limit = validation["equals"] == true;
    let order = || compare(value, &validation["value"]);
    match validation["type"].as_str() {
        Some("and") => {
            let rules = validation["rules"].as_array();
            rules.is_some_and(|rules| rules.iter().all(|rule| allows(rule, value)))
        }
        Some("greater_than") => match order() {
            Some(Ordering::Equal) => at_limit,
            order => order == Some(Ordering::Greater),
        },
        Some("less_than") => match order() {
            Some(Ordering::Equal) => at_limit,
            order => order == Some(Ordering::Less),
        },
        Some("strlen") => {
            let length = value.as_str().unwrap_or_default().chars().count() as u64;
            let bound = |name: &str, otherwise| validation[name].as_u64().unwrap_or(otherwise);
            (bound("min", 0)..=bound("max", u64::MAX)).contains(&length)
        }
        Some(_) => false,
        None => validation.is_null(),
    }
}

/// Numbers by size, dates by the calendar, whose texts sort alike.
fn compare(value: &Value, limit: &Value) -> Option<Ordering> {
    match (value.as_i64(), limit.as_i64()) {
        (Some(value), Some(limit)) => Some(value.cmp(&limit)),
        _ => Some(value.as_str()?.cmp(limit.as_str()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(kind: FieldType, validation: Value) -> MetadataField {
        let entry = |id: &str, active| DatasourceEntry {
            external_id: id.to_owned(),
            value: id.to_uppercase(),
            active,
        };
        MetadataField {
            external_id: "field".to_owned(),
            label: "Field".to_owned(),
            kind,
            mandatory: false,
            default_value: Value::Null,
            default_disabled: false,
            validation,
            restrictions: Value::Null,
            allow_dynamic_list_values: false,
            datasource: vec![entry("red", true), entry("blue", true), entry("old", false)],
        }
    }

    #[test]
    fn fields_take_the_values_of_their_type_and_no_others() {
        use FieldType::{Date, Enum, Integer, Set, String};
        let year = json!({"type": "and", "rules": [
            {"type": "greater_than", "equals": true, "value": "2026-01-01"},
            {"type": "less_than", "value": "2027-01-01"},
        ]});
        let at_most_5 = json!({"type": "less_than", "equals": true, "value": 5});
        let below_5 = json!({"type": "less_than", "value": 5});
        let short = json!({"type": "strlen", "min": 2, "max": 3});
        let any = Value::Null;
        let cases = [
            (String, &any, "007", Some(json!("007"))),
            (String, &short, "äöü", Some(json!("äöü"))),
            (String, &short, "a", None),
            (Integer, &any, "007", Some(json!(7))),
            (Integer, &any, "many", None),
            (Integer, &at_most_5, "5", Some(json!(5))),
            (Integer, &below_5, "5", None),
            (Integer, &json!({"type": "odd"}), "5", None),
            (Date, &any, "2026-02-30", None),
            (Date, &year, "2026-01-01", Some(json!("2026-01-01"))),
            (Date, &year, "2027-01-01", None),
            (Enum, &any, "red", Some(json!("red"))),
            (Enum, &any, "RED", None),
            (Enum, &any, "old", None),
            (Set, &any, r#"["red","blue"]"#, Some(json!(["red", "blue"]))),
            (Set, &any, r#"["red","green"]"#, None),
            (Set, &any, "red", None),
        ];
        for (kind, validation, text, wanted) in cases {
            let read = field(kind, validation.clone()).read(text);
            assert_eq!(read, wanted, "{kind:?} {validation} {text}");
        }
    }
}

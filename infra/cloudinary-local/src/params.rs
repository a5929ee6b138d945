//! Parameters of a request, whether they came as a query, a form, JSON or multipart.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::model::{DeliveryType, Id};

#[derive(Debug, Clone, PartialEq)]
enum Param {
    Text(String),
    List(Vec<String>),
    Json(Value),
}

/// A file sent with a request, in parts or by reference.
#[derive(Debug, Clone)]
pub(crate) struct SentFile {
    pub(crate) name: Option<String>,
    pub(crate) bytes: bytes::Bytes,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Params {
    fields: BTreeMap<String, Param>,
    pub(crate) file: Option<SentFile>,
}

impl Params {
    /// Adds `name=value`; `name[]` and `name[0]` collect into a list.
    pub(crate) fn add(&mut self, name: &str, value: String) {
        let Some((name, _)) = name.split_once('[') else {
            self.fields.insert(name.to_owned(), Param::Text(value));
            return;
        };
        match self.fields.get_mut(name) {
            Some(Param::List(list)) => list.push(value),
            _ => {
                self.fields
                    .insert(name.to_owned(), Param::List(vec![value]));
            }
        }
    }

    pub(crate) fn add_form(&mut self, encoded: &[u8]) {
        for (name, value) in url::form_urlencoded::parse(encoded) {
            self.add(&name, value.into_owned());
        }
    }

    pub(crate) fn add_json(&mut self, object: Map<String, Value>) {
        for (name, value) in object {
            let param = match value {
                Value::Null => continue,
                Value::String(text) => Param::Text(text),
                Value::Bool(_) | Value::Number(_) => Param::Text(value.to_string()),
                Value::Array(items)
                    if items
                        .iter()
                        .all(|item| !item.is_object() && !item.is_array()) =>
                {
                    Param::List(items.iter().map(scalar_text).collect())
                }
                other => Param::Json(other),
            };
            self.fields.insert(name, param);
        }
    }

    /// Adds the missing ones.
    pub(crate) fn default_from(&mut self, preset: &Map<String, Value>) {
        let mut defaults = Self::default();
        defaults.add_json(preset.clone());
        for (name, param) in defaults.fields {
            self.fields.entry(name).or_insert(param);
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.fields.get(name)? {
            Param::Text(text) => Some(text),
            Param::List(list) if list.len() == 1 => Some(&list[0]),
            _ => None,
        }
    }

    /// A text that is not empty.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.text(name).filter(|text| !text.is_empty())
    }

    pub(crate) fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.filled(name).ok_or_else(|| ApiError::missing(name))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        match self.text(name)?.to_ascii_lowercase().as_str() {
            "1" | "true" | "t" | "yes" => Some(true),
            "" => None,
            _ => Some(false),
        }
    }

    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.flag(name) == Some(true)
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.filled(name) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| ApiError::invalid(name))
    }

    /// A list sent as such, or as one text with commas.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<String>> {
        match self.fields.get(name)? {
            Param::List(list) => Some(list.clone()),
            Param::Text(text) => Some(
                text.split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
                    .map(str::to_owned)
                    .collect(),
            ),
            Param::Json(_) => None,
        }
    }

    /// Ids sent as a list, or one of them as text: never split, they may hold commas.
    pub(crate) fn ids(&self, name: &str) -> Option<Vec<String>> {
        let mut ids = match self.fields.get(name)? {
            Param::List(list) => list.clone(),
            Param::Text(text) if text.is_empty() => Vec::new(),
            Param::Text(text) => vec![text.clone()],
            Param::Json(_) => return None,
        };
        let mut seen = std::collections::HashSet::new();
        ids.retain(|id| seen.insert(id.clone()));
        Some(ids)
    }

    /// Splits the items of a list, or a text, at commas.
    pub(crate) fn split_at_commas(&mut self, name: &str) {
        if let Some(ids) = self.ids(name) {
            let parts = ids.iter().flat_map(|id| id.split(','));
            let parts = parts.map(str::to_owned).collect();
            self.fields.insert(name.to_owned(), Param::List(parts));
        }
    }

    /// A JSON value sent as such or as text.
    pub(crate) fn json(&self, name: &str) -> Option<Value> {
        match self.fields.get(name)? {
            Param::Json(value) => Some(value.clone()),
            Param::Text(text) => serde_json::from_str(text).ok(),
            Param::List(list) => Some(Value::from(list.clone())),
        }
    }

    /// `k=v|k2=v2` with `\` escapes, or a JSON object.
    pub(crate) fn pairs(&self, name: &str) -> Option<Vec<(String, String)>> {
        match self.fields.get(name)? {
            Param::Text(text) => match serde_json::from_str(text) {
                Ok(Value::Object(map)) => Some(object_pairs(&map)),
                _ => Some(split_pairs(text)),
            },
            Param::Json(Value::Object(map)) => Some(object_pairs(map)),
            Param::Json(_) => None,
            Param::List(list) => Some(list.iter().flat_map(|text| split_pairs(text)).collect()),
        }
    }

    pub(crate) fn delivery_type(&self, name: &str) -> Result<DeliveryType, ApiError> {
        match self.filled(name) {
            None => Ok(DeliveryType::Upload),
            Some(text) => text.parse().map_err(|()| ApiError::invalid(name)),
        }
    }

    pub(crate) fn asset_id(&self, name: &str) -> Result<Id, ApiError> {
        self.required(name)?
            .parse()
            .map_err(|()| ApiError::invalid(name))
    }

    /// The parameters that a signature covers: all but the given names and empty values.
    pub(crate) fn to_sign(&self, except: &[&str]) -> Vec<(String, String)> {
        let value = |param: &Param| match param {
            Param::Text(text) => text.clone(),
            Param::List(list) => list.join(","),
            Param::Json(value) => value.to_string(),
        };
        self.fields
            .iter()
            .filter(|(name, _)| !except.contains(&name.as_str()))
            .map(|(name, param)| (name.clone(), value(param)))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }

    /// A text that tells queries apart, for binding a cursor to one.
    pub(crate) fn fingerprint(&self, except: &[&str]) -> String {
        let pairs = self.to_sign(except);
        pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}\n"))
            .collect()
    }
}

fn scalar_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn object_pairs(map: &Map<String, Value>) -> Vec<(String, String)> {
    map.iter()
        .map(|(key, value)| (key.clone(), scalar_text(value)))
        .collect()
}

fn split_pairs(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let (mut key, mut current) = (None, String::new());
    let mut finish = |key: &mut Option<String>, current: &mut String| {
        if let Some(key) = key.take() {
            pairs.push((key, std::mem::take(current)));
        }
        current.clear();
    };
    let mut chars = text.chars();
    while let Some(next) = chars.next() {
        match next {
            '\\' => current.extend(chars.next()),
            '=' if key.is_none() => key = Some(std::mem::take(&mut current)),
            '|' => finish(&mut key, &mut current),
            other => current.push(other),
        }
    }
    finish(&mut key, &mut current);
    pairs
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form(text: &str) -> Params {
        let mut params = Params::default();
        params.add_form(text.as_bytes());
        params
    }

    #[test]
    fn lists_are_understood_in_every_form_that_clients_send() {
        let wanted = Some(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(form("tags[]=a&tags[]=b").list("tags"), wanted);
        assert_eq!(form("tags[0]=a&tags[1]=b").list("tags"), wanted);
        assert_eq!(form("tags=a,b").list("tags"), wanted);
        assert_eq!(
            form("public_ids[]=a,b").ids("public_ids"),
            Some(vec!["a,b".to_owned()])
        );
        let mut params = Params::default();
        params.add_json(json!({"tags": ["a", "b"]}).as_object().unwrap().clone());
        assert_eq!(params.list("tags"), wanted);
    }

    #[test]
    fn context_pairs_honour_escapes() {
        let mut params = Params::default();
        params.add("context", r"a=1\|2|b=x\=y=z|c=|d\\=e".to_owned());
        let pairs = params.pairs("context").unwrap();
        let wanted = [("a", "1|2"), ("b", "x=y=z"), ("c", ""), (r"d\", "e")];
        assert_eq!(pairs, wanted.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }
}

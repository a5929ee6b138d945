//! Matches assets with an expression, and places them in an ordering.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::parse::{Expr, Test};
use crate::error::ApiError;
use crate::model::Asset;
use crate::moment::Moment;

/// The scope of every evaluation besides the asset.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    pub(super) now: Moment,
    pub(super) dynamic_folders: bool,
}

/// A value as it is compared and sorted.
#[derive(Debug, Clone, PartialEq, PartialOrd, Serialize, Deserialize)]
pub(super) enum Key {
    None,
    Number(f64),
    Text(String),
}

impl Key {
    pub(super) fn order(&self, other: &Self) -> Ordering {
        self.partial_cmp(other).unwrap_or(Ordering::Equal)
    }
}

enum FieldKind {
    /// Compared as a whole.
    Whole(String),
    /// Any of these, compared by their words.
    Words(Vec<String>),
    Number(f64),
    Time(Option<Moment>),
}

fn field(asset: &Asset, name: &str, scope: Scope) -> Option<FieldKind> {
    use FieldKind::{Number, Time, Whole, Words};
    let times = &asset.last_updated;
    Some(match name {
        "public_id" => Whole(asset.public_id.clone()),
        "asset_id" => Whole(asset.asset_id.to_string()),
        "resource_type" => Whole(asset.resource_type.as_str().to_owned()),
        "type" => Whole(asset.delivery_type.as_str().to_owned()),
        "folder" | "asset_folder" => Whole(asset.folder(scope.dynamic_folders).to_owned()),
        "format" => Whole(asset.media.format.clone().unwrap_or_default()),
        "status" => Whole(asset.status().to_owned()),
        "etag" => Whole(asset.media.content.etag()),
        "tags" => Words(asset.tags.clone()),
        "filename" => Words(vec![asset.filename().to_owned()]),
        "display_name" => Words(vec![asset.display_name.clone()]),
        "bytes" => Number(asset.media.content.bytes() as f64),
        "width" => Number(f64::from(asset.media.width.unwrap_or(0))),
        "height" => Number(f64::from(asset.media.height.unwrap_or(0))),
        "version" => Number(asset.media.version as f64),
        "created_at" => Time(Some(asset.created_at)),
        "uploaded_at" => Time(Some(asset.media.uploaded_at)),
        "updated_at" | "last_updated.updated_at" | "last_updated" => Time(Some(times.updated_at)),
        "last_updated.tags_updated_at" => Time(times.tags),
        "last_updated.context_updated_at" => Time(times.context),
        "last_updated.metadata_updated_at" => Time(times.metadata),
        "last_updated.public_id_updated_at" => Time(times.public_id),
        "last_updated.access_control_updated_at" => Time(times.access_control),
        _ => return custom(asset, name),
    })
}

fn custom(asset: &Asset, name: &str) -> Option<FieldKind> {
    if let Some(key) = name.strip_prefix("context.") {
        return Some(FieldKind::Words(
            asset.context.get(key).cloned().into_iter().collect(),
        ));
    }
    let key = name.strip_prefix("metadata.")?;
    Some(match asset.metadata.get(key) {
        Some(Value::Number(number)) => FieldKind::Number(number.as_f64().unwrap_or(0.0)),
        Some(Value::Array(items)) => FieldKind::Words(items.iter().map(plain).collect()),
        Some(value) => FieldKind::Words(vec![plain(value)]),
        None => FieldKind::Words(Vec::new()),
    })
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Refuses a question that no asset could answer, before any is looked at.
pub(super) fn check(expr: &Expr, example: &Asset, scope: Scope) -> Result<(), ApiError> {
    match expr {
        Expr::All | Expr::Word(_) => Ok(()),
        Expr::And(parts) | Expr::Or(parts) => parts
            .iter()
            .try_for_each(|part| check(part, example, scope)),
        Expr::Not(part) => check(part, example, scope),
        Expr::Clause { field: name, test } => {
            let kind = field(example, name, scope)
                .ok_or_else(|| ApiError::bad_request(format!("Unknown field: {name}")))?;
            let readable = |text: &String| match kind {
                FieldKind::Number(_) => number(text).is_some(),
                FieldKind::Time(_) => time(text, scope.now).is_some(),
                FieldKind::Whole(_) | FieldKind::Words(_) => true,
            };
            let readable = match test {
                Test::Token(text) | Test::Exact(text) => readable(text),
                Test::Less { than, .. } | Test::Greater { than, .. } => readable(than),
                Test::Range { from, to, .. } => readable(from) && readable(to),
            };
            if readable {
                Ok(())
            } else {
                Err(ApiError::bad_request(format!(
                    "Invalid value for field {name}"
                )))
            }
        }
    }
}

pub(super) fn matches(expr: &Expr, asset: &Asset, scope: Scope) -> bool {
    match expr {
        Expr::All => true,
        Expr::And(parts) => parts.iter().all(|part| matches(part, asset, scope)),
        Expr::Or(parts) => parts.iter().any(|part| matches(part, asset, scope)),
        Expr::Not(part) => !matches(part, asset, scope),
        Expr::Word(word) => {
            let mut texts = asset.tags.clone();
            texts.extend([asset.public_id.clone(), asset.display_name.clone()]);
            texts.extend(asset.context.values().cloned());
            texts.iter().any(|text| has_words(text, word))
        }
        Expr::Clause { field: name, test } => match field(asset, name, scope) {
            Some(FieldKind::Whole(value)) => whole(name, &value, test),
            Some(FieldKind::Words(values)) => values.iter().any(|value| words(value, test)),
            Some(FieldKind::Number(value)) => {
                ordered(value, test, |text| number(text).map(|n| (n, n)))
            }
            Some(FieldKind::Time(Some(at))) => ordered(at, test, |text| time(text, scope.now)),
            Some(FieldKind::Time(None)) | None => false,
        },
    }
}

fn whole(name: &str, value: &str, test: &Test) -> bool {
    match test {
        Test::Token(text) => match text.strip_suffix('*') {
            // A folder and everything below it.
            Some(prefix) if name.ends_with("folder") => {
                crate::store::is_within(value, prefix.trim_end_matches('/'))
            }
            Some(prefix) => value.to_lowercase().starts_with(&prefix.to_lowercase()),
            None => value.eq_ignore_ascii_case(text),
        },
        Test::Exact(text) => value == text,
        _ => ordered(value.to_owned(), test, |text| {
            Some((text.to_owned(), text.to_owned()))
        }),
    }
}

fn words(value: &str, test: &Test) -> bool {
    match test {
        Test::Token(text) => has_words(value, text),
        Test::Exact(text) => value == text,
        _ => ordered(value.to_owned(), test, |text| {
            Some((text.to_owned(), text.to_owned()))
        }),
    }
}

/// Tells whether every word of `wanted` is a word of `value`; a trailing `*` stands for any ending.
fn has_words(value: &str, wanted: &str) -> bool {
    let split = |text: &str| -> Vec<String> {
        let text = text.to_lowercase();
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let own = split(value);
    let wildcard = wanted.ends_with('*');
    let mut wanted = split(wanted);
    let last = if wildcard { wanted.pop() } else { None };
    wanted.iter().all(|word| own.contains(word))
        && last.is_none_or(|start| own.iter().any(|word| word.starts_with(&start)))
}

/// `read` gives the first and last value that a text stands for: a day is a span of time.
fn ordered<T: PartialOrd>(value: T, test: &Test, read: impl Fn(&str) -> Option<(T, T)>) -> bool {
    let compare = |text: &String, holds: fn(&T, &(T, T)) -> bool| {
        read(text).is_some_and(|span| holds(&value, &span))
    };
    match test {
        Test::Token(text) | Test::Exact(text) => {
            compare(text, |v, (first, last)| v >= first && v <= last)
        }
        Test::Less {
            than,
            or_equal: false,
        } => compare(than, |v, (first, _)| v < first),
        Test::Less {
            than,
            or_equal: true,
        } => compare(than, |v, (_, last)| v <= last),
        Test::Greater {
            than,
            or_equal: false,
        } => compare(than, |v, (_, last)| v > last),
        Test::Greater {
            than,
            or_equal: true,
        } => compare(than, |v, (first, _)| v >= first),
        Test::Range {
            from,
            to,
            inclusive: true,
        } => compare(from, |v, (first, _)| v >= first) && compare(to, |v, (_, last)| v <= last),
        Test::Range {
            from,
            to,
            inclusive: false,
        } => compare(from, |v, (_, last)| v > last) && compare(to, |v, (first, _)| v < first),
    }
}

fn number(text: &str) -> Option<f64> {
    let text = text.to_ascii_lowercase();
    let (digits, factor) = match text
        .strip_suffix("kb")
        .map(|d| (d, 1e3))
        .or(text.strip_suffix("mb").map(|d| (d, 1e6)))
    {
        Some(scaled) => scaled,
        None => (text.as_str(), 1.0),
    };
    digits.parse::<f64>().ok().map(|number| number * factor)
}

/// `1h`, `2d` and `3w` are that long ago; a date without a time is the whole day.
fn time(text: &str, now: Moment) -> Option<(Moment, Moment)> {
    let unit_ms = match text.chars().last()? {
        'h' => Some(3_600_000),
        'd' => Some(86_400_000),
        'w' => Some(7 * 86_400_000),
        _ => None,
    };
    if let Some(unit) = unit_ms {
        let count: i64 = text[..text.len() - 1].parse().ok()?;
        let at = now.plus_millis(-count.checked_mul(unit)?);
        return Some((at, at));
    }
    let at = Moment::parse(text)?;
    let day = text.len() == "2026-01-01".len() && text.contains('-');
    // Texts have whole seconds at most; stored moments have microseconds within that second.
    let last = if day {
        at.0 + 86_400_000_000 - 1
    } else if text.contains('.') {
        at.0
    } else {
        at.0 + 999_999
    };
    Some((at, Moment(last)))
}

/// Where the asset stands when sorted by `name`.
pub(super) fn key(asset: &Asset, name: &str, scope: Scope) -> Option<Key> {
    Some(match field(asset, name, scope)? {
        FieldKind::Whole(text) => Key::Text(text),
        FieldKind::Words(texts) => texts.into_iter().next().map_or(Key::None, Key::Text),
        FieldKind::Number(number) => Key::Number(number),
        FieldKind::Time(at) => at.map_or(Key::None, |at| Key::Number(at.0 as f64)),
    })
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;
    use crate::model::{DeliveryType, ResourceType, SeedSpec};

    fn example() -> Asset {
        let spec = SeedSpec {
            count: 1,
            resource_types: vec![ResourceType::Image],
            delivery_type: DeliveryType::Upload,
            folder: "shop/mugs".to_owned(),
            tags: vec!["full-analysis".to_owned(), "sale".to_owned()],
            prefix: "mug".to_owned(),
            spread_seconds: 0,
            at: Moment(1_767_225_600_500_000),
            first_sequence: 1,
            salt: 1,
            dynamic_folders: true,
            backups: false,
        };
        let mut asset = spec.assets().next().unwrap();
        asset
            .context
            .insert("alt".to_owned(), "A red mug".to_owned());
        asset
    }

    fn holds(expression: &str) -> bool {
        let scope = Scope {
            now: Moment(1_767_225_600_500_000).plus_millis(7_200_000),
            dynamic_folders: true,
        };
        let expr = parse(expression).unwrap();
        check(&expr, &example(), scope).unwrap();
        matches(&expr, &example(), scope)
    }

    #[test]
    fn expressions_select_as_documented() {
        let yes = [
            "tags:analysis",
            "tags=sale",
            "tags:full-analysis",
            "public_id:shop/mugs/mug0000001",
            "public_id:shop/*",
            "asset_folder:shop/mugs",
            "asset_folder:shop/*",
            "format:png",
            "resource_type:image AND -tags:old",
            "context.alt:red",
            "bytes>100",
            "bytes:[1 TO 1mb]",
            "created_at:2026-01-01",
            "created_at=\"2026-01-01T00:00:00Z\"",
            "uploaded_at>1d",
            "uploaded_at<1h",
            "status:active",
            "created_at:[2025-12-31 TO 2026-01-01]",
            "red",
            "last_updated.updated_at>=\"2026-01-01T00:00:00Z\"",
        ];
        for expression in yes {
            assert!(holds(expression), "{expression} should match");
        }
        let no = [
            "tags=analysis",
            "public_id:mug0000001",
            "format:jpg",
            "bytes<100",
            "context.missing:x",
            "created_at>2026-01-01",
            "uploaded_at>1h",
            "asset_folder:sho*",
            "last_updated.tags_updated_at>1w",
            "status:deleted",
            "created_at:{2025-12-31 TO 2026-01-01}",
        ];
        for expression in no {
            assert!(!holds(expression), "{expression} should not match");
        }
    }

    #[test]
    fn unknown_fields_and_unreadable_values_are_refused() {
        let scope = Scope {
            now: Moment(0),
            dynamic_folders: true,
        };
        for bad in ["nonsense:1", "bytes>many", "created_at>soon"] {
            assert_eq!(
                check(&parse(bad).unwrap(), &example(), scope)
                    .unwrap_err()
                    .status,
                400,
                "{bad}"
            );
        }
    }
}

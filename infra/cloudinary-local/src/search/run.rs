//! Answers a search: filter, sort, page, count.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::eval::{self, Key, Scope};
use super::parse::{self, Expr, Test};
use crate::admin::shown_in_listing;
use crate::app::App;
use crate::cursor::Binding;
use crate::error::ApiError;
use crate::model::{Asset, Id};
use crate::moment::Moment;
use crate::params::Params;
use crate::settings::ServerSettings;
use crate::view::{self, Shown};

const PAGE: i64 = 50;
const PAGE_AT_MOST: i64 = 500;

/// Where an asset stands: its sort keys, then its id, so that no two stand equal.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Place {
    keys: Vec<Key>,
    id: Id,
}

#[derive(Debug, Clone)]
struct SortBy {
    field: String,
    ascending: bool,
}

pub(crate) fn search(app: &App, params: &Params) -> Result<Value, ApiError> {
    let started = Instant::now();
    let (assets, settings, epoch) = app.store.read_index(|state| {
        let assets: Vec<Arc<Asset>> = state.index.assets.values().cloned().collect();
        (assets, state.settings.clone(), state.cursor_epoch)
    });
    let scope = Scope {
        now: Moment::now(settings.clock_skew_ms),
        dynamic_folders: settings.dynamic_folders(),
    };
    let expr = expression(params)?;
    let sort = sorting(params)?;
    if let Some(example) = assets.first() {
        eval::check(&expr, example, scope)?;
        for by in &sort {
            eval::key(example, &by.field, scope).ok_or_else(|| ApiError::invalid("sort_by"))?;
        }
    }
    let size = page_size(params)?;
    let binding = Binding {
        secret: &app.account.api_secret,
        query: format!(
            "search\n{}",
            params.fingerprint(&["next_cursor", "max_results", "fields", "with_field"])
        ),
        epoch,
        now: scope.now,
        ttl_ms: settings.cursor_ttl_ms,
    };
    let after: Option<Place> = match params.filled("next_cursor") {
        Some(cursor) => Some(binding.open(cursor)?),
        None => None,
    };
    let matching: Vec<&Arc<Asset>> = assets
        .iter()
        .filter(|asset| eval::matches(&expr, asset, scope))
        .collect();
    let total = matching.len();
    let aggregations = aggregate(params, &matching);
    let mut page = first_after(matching, after.as_ref(), &sort, size + 1, scope);
    let more = page.len() > size;
    page.truncate(size);

    let mut answer = Map::new();
    answer.insert("total_count".into(), json!(total));
    answer.insert("time".into(), json!(started.elapsed().as_millis()));
    if let Some((place, _)) = page.last().filter(|_| more) {
        answer.insert("next_cursor".into(), json!(binding.seal(place)));
    }
    answer.insert("resources".into(), resources(app, &settings, params, &page));
    if let Some(aggregations) = aggregations {
        answer.insert("aggregations".into(), aggregations);
    }
    Ok(Value::Object(answer))
}

/// Without a word on status, only active assets are found.
fn expression(params: &Params) -> Result<Expr, ApiError> {
    let expr = parse::parse(params.text("expression").unwrap_or_default())?;
    if expr.mentions("status") {
        return Ok(expr);
    }
    let active = Expr::Clause {
        field: "status".to_owned(),
        test: Test::Exact("active".to_owned()),
    };
    Ok(Expr::And(vec![active, expr]))
}

/// `[{"field": "asc"}, ...]`, or `field:asc` texts as a GET sends them.
fn sorting(params: &Params) -> Result<Vec<SortBy>, ApiError> {
    let refused = || ApiError::invalid("sort_by");
    let by = |field: &str, direction: &str| match direction.to_ascii_lowercase().as_str() {
        "asc" => Ok(SortBy {
            field: field.to_owned(),
            ascending: true,
        }),
        "desc" => Ok(SortBy {
            field: field.to_owned(),
            ascending: false,
        }),
        _ => Err(refused()),
    };
    let one = |item: &Value| match item {
        Value::Object(map) if map.len() == 1 => {
            let (field, direction) = map.iter().next().ok_or_else(refused)?;
            by(field, direction.as_str().ok_or_else(refused)?)
        }
        Value::String(text) => {
            let (field, direction) = text.split_once(':').unwrap_or((text, "asc"));
            by(field, direction)
        }
        _ => Err(refused()),
    };
    let default = vec![SortBy {
        field: "created_at".to_owned(),
        ascending: false,
    }];
    if !params.has("sort_by") {
        return Ok(default);
    }
    let sort = match params.json("sort_by") {
        Some(Value::Array(items)) => items.iter().map(one).collect::<Result<Vec<_>, _>>()?,
        Some(item @ Value::Object(_)) => vec![one(&item)?],
        _ => vec![one(&json!(params.text("sort_by").ok_or_else(refused)?))?],
    };
    Ok(if sort.is_empty() { default } else { sort })
}

fn page_size(params: &Params) -> Result<usize, ApiError> {
    match params.number("max_results")?.unwrap_or(PAGE) {
        size @ 0..=PAGE_AT_MOST => Ok(usize::try_from(size).unwrap_or(0)),
        _ => Err(ApiError::invalid("max_results")),
    }
}

fn place(asset: &Asset, sort: &[SortBy], scope: Scope) -> Place {
    let keys = sort
        .iter()
        .map(|by| eval::key(asset, &by.field, scope).unwrap_or(Key::None))
        .collect();
    Place {
        keys,
        id: asset.asset_id,
    }
}

fn compare(a: &Place, b: &Place, sort: &[SortBy]) -> Ordering {
    for (by, (a, b)) in sort.iter().zip(a.keys.iter().zip(&b.keys)) {
        let order = if by.ascending { a.order(b) } else { b.order(a) };
        if order.is_ne() {
            return order;
        }
    }
    a.id.cmp(&b.id)
}

/// The `count` assets that follow `after`; the rest is never sorted.
fn first_after<'a>(
    matching: Vec<&'a Arc<Asset>>,
    after: Option<&Place>,
    sort: &[SortBy],
    count: usize,
    scope: Scope,
) -> Vec<(Place, &'a Arc<Asset>)> {
    let mut placed: Vec<(Place, &Arc<Asset>)> = matching
        .into_iter()
        .map(|asset| (place(asset, sort, scope), asset))
        .filter(|(place, _)| after.is_none_or(|after| compare(place, after, sort).is_gt()))
        .collect();
    if placed.len() > count && count > 0 {
        placed.select_nth_unstable_by(count - 1, |(a, _), (b, _)| compare(a, b, sort));
        placed.truncate(count);
    }
    placed.sort_by(|(a, _), (b, _)| compare(a, b, sort));
    placed
}

fn resources(
    app: &App,
    settings: &ServerSettings,
    params: &Params,
    page: &[(Place, &Arc<Asset>)],
) -> Value {
    let with = params.list("with_field").unwrap_or_default();
    let wants = |name: &str| with.iter().any(|field| field == name);
    let shown = Shown {
        tags: wants("tags"),
        context: wants("context"),
        metadata: wants("metadata"),
        moderation: false,
        fields: shown_in_listing(params).fields,
    };
    page.iter()
        .map(|(_, asset)| view::found(asset, &app.account, settings, &shown))
        .collect()
}

fn aggregate(params: &Params, matching: &[&Arc<Asset>]) -> Option<Value> {
    let fields = params.list("aggregate")?;
    let mut all = Map::new();
    for field in fields {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for asset in matching {
            let value = match field.as_str() {
                "format" => asset.media.format.clone(),
                "resource_type" => Some(asset.resource_type.as_str().to_owned()),
                "type" => Some(asset.delivery_type.as_str().to_owned()),
                _ => None,
            };
            if let Some(value) = value {
                *counts.entry(value).or_default() += 1;
            }
        }
        all.insert(field, json!(counts));
    }
    Some(Value::Object(all))
}

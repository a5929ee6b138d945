//! Listings: by type, by tag, by context, by folder, by ids; paged by sealed cursors.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::app::App;
use crate::cursor::Binding;
use crate::error::ApiError;
use crate::model::{Asset, DeliveryType, Id, ResourceType};
use crate::moment::Moment;
use crate::params::Params;
use crate::store::{Position, State};
use crate::view::{self, Shown};

const PAGE: i64 = 10;
const PAGE_AT_MOST: i64 = 500;
pub(crate) const IDS_AT_MOST: usize = 100;

pub(crate) fn shown_in_listing(params: &Params) -> Shown {
    Shown {
        tags: params.is_set("tags"),
        context: params.is_set("context"),
        metadata: params.is_set("metadata"),
        moderation: params.is_set("moderations"),
        fields: params.list("fields"),
    }
}

pub(crate) fn list(
    app: &App,
    kind: ResourceType,
    delivery: Option<DeliveryType>,
    params: &Params,
) -> Result<Value, ApiError> {
    if let Some(ids) = params.ids("public_ids") {
        let delivery = delivery.ok_or_else(|| ApiError::missing("type"))?;
        return by_public_ids(app, kind, delivery, ids, params);
    }
    let prefix = params.filled("prefix");
    if prefix.is_some() && delivery.is_none() {
        return Err(ApiError::missing("type"));
    }
    let start_at = match params.filled("start_at").filter(|_| prefix.is_none()) {
        Some(text) => Some(Moment::parse(text).ok_or_else(|| ApiError::invalid("start_at"))?),
        None => None,
    };
    let wanted = |asset: &Asset| {
        delivery.is_none_or(|delivery| asset.delivery_type == delivery)
            && prefix.is_none_or(|prefix| asset.public_id.starts_with(prefix))
    };
    let query = format!("list {kind:?} {delivery:?}");
    page(app, &[kind], params, &query, start_at, wanted)
}

pub(crate) fn by_tag(
    app: &App,
    kind: ResourceType,
    tag: &str,
    params: &Params,
) -> Result<Value, ApiError> {
    let query = format!("tag {kind:?} {tag}");
    page(app, &[kind], params, &query, None, |asset| {
        asset.is_live() && asset.tags.iter().any(|own| own == tag)
    })
}

pub(crate) fn by_context(
    app: &App,
    kind: ResourceType,
    params: &Params,
) -> Result<Value, ApiError> {
    let key = params.required("key")?;
    let value = params.filled("value");
    page(
        app,
        &[kind],
        params,
        &format!("context {kind:?}"),
        None,
        |asset| {
            let own = asset.context.get(key);
            asset.is_live() && own.is_some_and(|own| value.is_none_or(|value| own == value))
        },
    )
}

pub(crate) fn by_moderation(
    app: &App,
    kind: ResourceType,
    status: &str,
    params: &Params,
) -> Result<Value, ApiError> {
    page(
        app,
        &[kind],
        params,
        &format!("moderation {kind:?} {status}"),
        None,
        |asset| asset.is_live() && asset.moderation_status.as_deref() == Some(status),
    )
}

pub(crate) fn by_asset_folder(app: &App, params: &Params) -> Result<Value, ApiError> {
    let folder = params
        .text("asset_folder")
        .ok_or_else(|| ApiError::missing("asset_folder"))?
        .trim_matches('/');
    let kinds = match params.filled("resource_type") {
        Some(kind) => vec![
            kind.parse()
                .map_err(|()| ApiError::invalid("resource_type"))?,
        ],
        None => ResourceType::ALL.to_vec(),
    };
    if !app.store.read(|state| state.settings.dynamic_folders()) {
        return Err(ApiError::bad_request(
            "by_asset_folder is available in dynamic folder mode only",
        ));
    }
    page(app, &kinds, params, "asset_folder", None, |asset| {
        asset.is_live() && asset.asset_folder == folder
    })
}

/// Answered in the order asked for; deleted and unknown ids are left out.
pub(crate) fn by_asset_ids(app: &App, params: &Params) -> Result<Value, ApiError> {
    let ids = params
        .ids("asset_ids")
        .ok_or_else(|| ApiError::missing("asset_ids"))?;
    at_most_100(&ids, "asset_ids")?;
    let shown = shown_in_listing(params);
    let (assets, settings) = app.store.read(|state| {
        let found = ids
            .iter()
            .filter_map(|id| id.parse::<Id>().ok())
            .filter_map(|id| state.live(id).cloned());
        (found.collect::<Vec<_>>(), state.settings.clone())
    });
    let resources: Vec<Value> = assets
        .iter()
        .map(|asset| view::listed(asset, &app.account, &settings, &shown))
        .collect();
    if settings.by_asset_ids_in_pages {
        return part(&resources, params);
    }
    Ok(json!({"resources": resources}))
}

/// The part of an answer from where the cursor says; a cursor is the number of assets before it.
fn part(resources: &[Value], params: &Params) -> Result<Value, ApiError> {
    let size = max_results(params, PAGE, 1)?;
    let from = params.filled("next_cursor").unwrap_or("0");
    let from: usize = from.parse().map_err(|_| ApiError::invalid("next_cursor"))?;
    let until = from.saturating_add(size).min(resources.len());
    let mut answer = json!({"resources": resources.get(from..until).unwrap_or_default()});
    if until < resources.len() {
        answer["next_cursor"] = until.to_string().into();
    }
    Ok(answer)
}

fn by_public_ids(
    app: &App,
    kind: ResourceType,
    delivery: DeliveryType,
    ids: Vec<String>,
    params: &Params,
) -> Result<Value, ApiError> {
    at_most_100(&ids, "public_ids")?;
    let shown = shown_in_listing(params);
    let (assets, settings) = app.store.read(|state| {
        let hidden =
            |asset: &&Arc<Asset>| asset.is_live() || state.settings.placeholder_in_listings;
        let find = |id| state.by_name(&(kind, delivery, id)).filter(hidden).cloned();
        (
            ids.into_iter().filter_map(find).collect::<Vec<_>>(),
            state.settings.clone(),
        )
    });
    let resources: Vec<Value> = assets
        .iter()
        .map(|asset| view::listed(asset, &app.account, &settings, &shown))
        .collect();
    Ok(json!({"resources": resources}))
}

pub(crate) fn at_most_100(ids: &[String], name: &str) -> Result<(), ApiError> {
    if ids.is_empty() {
        return Err(ApiError::missing(name));
    }
    if ids.len() > IDS_AT_MOST {
        return Err(ApiError::bad_request(format!(
            "Too many {name}: the maximum is {IDS_AT_MOST}"
        )));
    }
    Ok(())
}

pub(crate) fn max_results(params: &Params, default: i64, least: i64) -> Result<usize, ApiError> {
    let asked = params.number("max_results")?.unwrap_or(default);
    if asked < least {
        return Err(ApiError::invalid("max_results"));
    }
    Ok(usize::try_from(asked.min(PAGE_AT_MOST)).unwrap_or(0))
}

/// One page of the assets that `wanted` lets through. The cursor is the place of the last asset
/// shown. Assets added or deleted elsewhere meanwhile neither shift nor repeat anything.
fn page(
    app: &App,
    kinds: &[ResourceType],
    params: &Params,
    query: &str,
    start_at: Option<Moment>,
    wanted: impl Fn(&Asset) -> bool,
) -> Result<Value, ApiError> {
    let size = max_results(params, PAGE, 1)?;
    let ascending = match params.filled("direction") {
        None | Some("desc" | "-1") => false,
        Some("asc" | "1") => true,
        Some(_) => return Err(ApiError::invalid("direction")),
    };
    let (mut assets, binding, settings) = app.store.read(|state| {
        let binding = bind(app, state, query, params);
        let after: Option<Position> = match params.filled("next_cursor") {
            Some(cursor) => Some(binding.open(cursor)?),
            None => None,
        };
        let hidden = state.settings.placeholder_in_listings;
        let shows = |asset: &Asset| {
            (asset.is_live() || (hidden && asset.is_placeholder()))
                && start_at.is_none_or(|start| asset.created_at >= start)
                && wanted(asset)
        };
        let assets = take(state, kinds, after, ascending, size + 1, shows);
        Ok::<_, ApiError>((assets, binding, state.settings.clone()))
    })?;
    let more = assets.len() > size;
    assets.truncate(size);
    let shown = shown_in_listing(params);
    let resources: Vec<Value> = assets
        .iter()
        .map(|asset| view::listed(asset, &app.account, &settings, &shown))
        .collect();
    let mut answer = Map::new();
    answer.insert("resources".into(), json!(resources));
    if let Some(last) = assets.last().filter(|_| more) {
        answer.insert("next_cursor".into(), json!(binding.seal(&position(last))));
    }
    Ok(Value::Object(answer))
}

pub(crate) fn bind<'a>(app: &'a App, state: &State, query: &str, params: &Params) -> Binding<'a> {
    let query = format!(
        "{query}\n{}",
        params.fingerprint(&["next_cursor", "max_results", "fields"])
    );
    Binding {
        secret: &app.account.api_secret,
        query,
        epoch: state.cursor_epoch,
        now: Moment::now(state.settings.clock_skew_ms),
        ttl_ms: state.settings.cursor_ttl_ms,
    }
}

fn position(asset: &Asset) -> Position {
    (asset.created_at, asset.sequence)
}

fn take(
    state: &State,
    kinds: &[ResourceType],
    after: Option<Position>,
    ascending: bool,
    count: usize,
    shows: impl Fn(&Asset) -> bool,
) -> Vec<Arc<Asset>> {
    use std::ops::Bound::{Excluded, Unbounded};
    let mut all = Vec::new();
    for order in kinds.iter().filter_map(|kind| state.order.get(kind)) {
        let asset =
            |(_, id): (&Position, &Id)| state.assets.get(id).filter(|asset| shows(asset)).cloned();
        if ascending {
            let from = after.map_or(Unbounded, Excluded);
            all.extend(order.range((from, Unbounded)).filter_map(asset).take(count));
        } else {
            let until = after.map_or(Unbounded, Excluded);
            all.extend(
                order
                    .range((Unbounded, until))
                    .rev()
                    .filter_map(asset)
                    .take(count),
            );
        }
    }
    if kinds.len() > 1 {
        all.sort_by_key(|asset| position(asset));
        if !ascending {
            all.reverse();
        }
        all.truncate(count);
    }
    all
}

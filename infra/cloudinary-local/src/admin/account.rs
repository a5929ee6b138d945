//! The account itself: ping, usage, configuration, resource types and the tags in use.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::listing::{bind, max_results};
use crate::app::App;
use crate::error::ApiError;
use crate::model::ResourceType;
use crate::moment::Moment;
use crate::params::Params;

pub(crate) fn ping() -> Value {
    json!({"status": "ok"})
}

pub(crate) fn usage(app: &App) -> Value {
    let requests = app.traffic.total();
    app.store.read(|state| {
        let live = state.assets.values().filter(|asset| asset.is_live());
        let (resources, bytes) = live.fold((0u64, 0u64), |(count, bytes), asset| {
            (count + 1, bytes + asset.media.content.bytes())
        });
        json!({
            "plan": "Local",
            "last_updated": Moment::now(state.settings.clock_skew_ms).date(),
            "transformations": {"usage": 0},
            "objects": {"usage": resources},
            "bandwidth": {"usage": 0},
            "storage": {"usage": bytes},
            "requests": requests,
            "resources": resources,
            "derived_resources": 0,
            "media_limits": {
                "image_max_size_bytes": 209_715_200,
                "video_max_size_bytes": 209_715_200,
                "raw_max_size_bytes": 209_715_200,
                "image_max_px": 100_000_000,
            },
        })
    })
}

pub(crate) fn config(app: &App, params: &Params) -> Value {
    app.store.read(|state| {
        let mut answer =
            json!({"cloud_name": app.account.cloud, "created_at": "2024-07-01T00:00:00Z"});
        if params.is_set("settings") {
            answer["settings"] = json!({"folder_mode": state.settings.folder_mode});
        }
        answer
    })
}

pub(crate) fn resource_types(app: &App) -> Value {
    app.store.read(|state| {
        let holds =
            |kind: &ResourceType| state.order.get(kind).is_some_and(|order| !order.is_empty());
        let kinds: Vec<ResourceType> = ResourceType::ALL.into_iter().filter(holds).collect();
        json!({"resource_types": kinds})
    })
}

pub(crate) fn tags(app: &App, kind: ResourceType, params: &Params) -> Result<Value, ApiError> {
    let size = max_results(params, 10, 1)?;
    let prefix = params.filled("prefix").unwrap_or("");
    app.store.read(|state| {
        let binding = bind(app, state, &format!("tags {kind:?}"), params);
        let after: Option<String> = match params.filled("next_cursor") {
            Some(cursor) => Some(binding.open(cursor)?),
            None => None,
        };
        let live = state
            .assets
            .values()
            .filter(|asset| asset.is_live() && asset.resource_type == kind);
        let tags: BTreeSet<&String> = live
            .flat_map(|asset| &asset.tags)
            .filter(|tag| tag.starts_with(prefix))
            .collect();
        let later = |tag: &&String| after.as_ref().is_none_or(|after| *tag > after);
        let page: Vec<&String> = tags.into_iter().filter(later).take(size + 1).collect();
        let mut answer = json!({"tags": page.iter().take(size).collect::<Vec<_>>()});
        if page.len() > size {
            answer["next_cursor"] = json!(binding.seal(page[size - 1]));
        }
        Ok(answer)
    })
}

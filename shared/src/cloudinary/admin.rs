//! The Admin API: listings, reads, updates, bulk deletes and restores, on an hourly quota.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::call::{Body, Call};
use super::name_lists::{address_segments, check_names, may_be_split};
use super::resource::ON_REQUEST;
use super::{CloudinaryAnswer, CloudinaryClient, CloudinaryError, CloudinaryResource, RefusalKind};
use crate::asset::{AssetId, ResourceType};
use crate::time::Timestamp;

/// The most asset ids that one call takes.
pub const MAX_ASSET_IDS: usize = 100;

/// The most public ids that one listing takes.
pub const MAX_PUBLIC_IDS: usize = 100;

/// The most assets that one page of a listing or search holds.
pub const MAX_PAGE: u16 = 500;

/// Which page of a listing is wanted.
#[derive(Debug, Clone, Copy)]
pub struct ListPage<'a> {
    /// At most [`MAX_PAGE`].
    pub max_results: u16,
    pub next_cursor: Option<&'a str>,
}

impl Default for ListPage<'_> {
    fn default() -> Self {
        Self {
            max_results: MAX_PAGE,
            next_cursor: None,
        }
    }
}

/// One page of a listing.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ListingPage {
    pub resources: Vec<CloudinaryResource>,
    /// Absent on the last page.
    #[serde(default)]
    pub next_cursor: Option<String>,
}

/// Changes of one asset; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResourceUpdate {
    /// Dynamic folder mode only.
    pub display_name: Option<String>,
    /// Dynamic folder mode only.
    pub asset_folder: Option<String>,
    /// Replaces the whole list.
    pub tags: Option<Vec<String>>,
    /// The whole context, since it may replace the present one. An empty value removes its key.
    pub context: Option<BTreeMap<String, String>>,
    /// Merges; null clears a field.
    pub metadata: Option<Map<String, Value>>,
}

/// The outcome of one asset's restore. Cloudinary says 200 to all of them.
#[derive(Debug, Clone, PartialEq)]
pub enum RestoreOutcome {
    Restored(Box<CloudinaryResource>),
    NoBackup,
    Failed(String),
}

/// The outcomes of a bulk delete.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct BulkDeleted {
    /// By public id or by asset id: which of them is not documented, so look for both.
    #[serde(default)]
    pub deleted: BTreeMap<String, String>,
    /// There is more to do: call again.
    #[serde(default)]
    pub partial: bool,
}

impl BulkDeleted {
    /// Tells whether the asset is gone (deleted now, or not there), by either of its names; `None`
    /// when the answer does not speak of it.
    pub fn is_gone(&self, asset_id: &AssetId, public_id: &str) -> Option<bool> {
        let outcome = self
            .deleted
            .get(asset_id.as_str())
            .or_else(|| self.deleted.get(public_id))?;
        Some(matches!(outcome.as_str(), "deleted" | "not_found"))
    }
}

impl CloudinaryClient {
    /// One page of all assets of a resource type, of every delivery type, newest first, with
    /// tags, context and metadata. Placeholders of deleted assets may be among them.
    ///
    /// # Errors
    /// See [`CloudinaryError`]; [`CloudinaryError::is_cursor_expired`] means begin again.
    pub async fn list_resources(
        &self,
        resource_type: ResourceType,
        page: ListPage<'_>,
    ) -> Result<CloudinaryAnswer<ListingPage>, CloudinaryError> {
        let mut call = Call::get(
            format!("list {resource_type} assets"),
            ["resources", resource_type.as_str()],
        );
        call.query = with_everything();
        call.query
            .push(("max_results", page.max_results.to_string()));
        if let Some(cursor) = page.next_cursor {
            call.query.push(("next_cursor", cursor.to_owned()));
        }
        self.call(call).await
    }

    /// The assets of one resource and delivery type that have one of these public ids; at most
    /// [`MAX_PUBLIC_IDS`]. Placeholders of deleted assets may be among them. A name that a list may
    /// be split within is asked for by itself, and by its address.
    ///
    /// # Errors
    /// See [`CloudinaryError`]; such a name among others is refused here.
    pub async fn list_named(
        &self,
        resource_type: ResourceType,
        delivery_type: &str,
        public_ids: &[String],
    ) -> Result<CloudinaryAnswer<Vec<CloudinaryResource>>, CloudinaryError> {
        let doing = format!("list {resource_type} assets by name");
        check_count(&doing, public_ids, MAX_PUBLIC_IDS, "public ids")?;
        let mut call = Call::get(
            doing.clone(),
            ["resources", resource_type.as_str(), delivery_type],
        );
        if let [name] = public_ids
            && may_be_split(name)
        {
            call.path.extend(address_segments(name));
            return Ok(self.read_one(call).await?.map(Vec::from_iter));
        }
        check_names(&doing, public_ids)?;
        call.query = with_everything();
        call.query.push(("max_results", MAX_PUBLIC_IDS.to_string()));
        call.query
            .extend(public_ids.iter().map(|id| ("public_ids[]", id.clone())));
        let answer = self.call::<ListingPage>(call).await?;
        Ok(answer.map(|listing| listing.resources))
    }

    /// The assets of these ids that exist, with tags, context and metadata; at most
    /// [`MAX_ASSET_IDS`]. Deleted assets are left out, also where a backup exists. An answer in pages is read to its end.
    ///
    /// # Errors
    /// See [`CloudinaryError`].
    pub async fn fetch_by_asset_ids(
        &self,
        ids: &[AssetId],
    ) -> Result<CloudinaryAnswer<Vec<CloudinaryResource>>, CloudinaryError> {
        let doing = format!("fetch {} assets by id", ids.len());
        check_count(&doing, ids, MAX_ASSET_IDS, "asset ids")?;
        let mut found = CloudinaryAnswer {
            value: Vec::new(),
            observed_at: Timestamp::from_micros(i64::MAX),
        };
        let mut cursor: Option<String> = None;
        // More pages than assets would have no end.
        for _ in ids {
            let mut call = Call::get(doing.clone(), ["resources", "by_asset_ids"]);
            call.query = with_everything();
            call.query.push(("max_results", MAX_ASSET_IDS.to_string()));
            call.query
                .extend(ids.iter().map(|id| ("asset_ids[]", id.to_string())));
            call.query
                .extend(cursor.take().map(|cursor| ("next_cursor", cursor)));
            let answer = self.call::<ListingPage>(call).await?;
            found.observed_at = found.observed_at.min(answer.observed_at);
            found.value.extend(answer.value.resources);
            cursor = answer.value.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// One asset, or `None` where there is none. A placeholder is an asset that is gone.
    ///
    /// # Errors
    /// See [`CloudinaryError`].
    pub async fn fetch_resource(
        &self,
        id: &AssetId,
    ) -> Result<CloudinaryAnswer<Option<CloudinaryResource>>, CloudinaryError> {
        let call = Call::get(format!("fetch asset {id}"), ["resources", id.as_str()]);
        self.read_one(call).await
    }

    /// Makes a call that reads one asset, which need not be there.
    async fn read_one(
        &self,
        call: Call,
    ) -> Result<CloudinaryAnswer<Option<CloudinaryResource>>, CloudinaryError> {
        match self.call::<CloudinaryResource>(call).await {
            Ok(answer) => Ok(answer.map(Some)),
            Err(CloudinaryError::Refused(refused)) if refused.refusal == RefusalKind::NotFound => {
                Ok(CloudinaryAnswer {
                    value: None,
                    observed_at: refused.observed_at,
                })
            }
            Err(error) => Err(error),
        }
    }

    /// Changes one asset by its id.
    ///
    /// # Errors
    /// See [`CloudinaryError`]; a tag with a comma cannot be written and is refused here.
    pub async fn update_resource(
        &self,
        id: &AssetId,
        update: &ResourceUpdate,
    ) -> Result<CloudinaryAnswer<CloudinaryResource>, CloudinaryError> {
        let doing = format!("update asset {id}");
        let mut body = Map::new();
        if let Some(name) = &update.display_name {
            body.insert("display_name".into(), name.as_str().into());
        }
        if let Some(folder) = &update.asset_folder {
            body.insert("asset_folder".into(), folder.as_str().into());
        }
        if let Some(tags) = &update.tags {
            body.insert(
                "tags".into(),
                super::upload::join_tags(&doing, tags)?.into(),
            );
        }
        if let Some(context) = &update.context {
            body.insert("context".into(), super::escape::pairs(context).into());
        }
        if let Some(metadata) = &update.metadata {
            let pairs = super::upload::metadata_pairs(metadata);
            body.insert("metadata".into(), pairs.into());
        }
        self.call(Call::new(
            doing,
            Method::PUT,
            ["resources", id.as_str()],
            Body::Json(Value::Object(body)),
            true,
        ))
        .await
    }

    /// Restores deleted assets from their backups; at most [`MAX_ASSET_IDS`]. Ids of which the
    /// answer does not speak are missing from the map.
    ///
    /// # Errors
    /// See [`CloudinaryError`].
    pub async fn restore(
        &self,
        ids: &[AssetId],
    ) -> Result<CloudinaryAnswer<BTreeMap<AssetId, RestoreOutcome>>, CloudinaryError> {
        let doing = format!("restore {} assets", ids.len());
        check_count(&doing, ids, MAX_ASSET_IDS, "asset ids")?;
        let call = Call::new(
            doing,
            Method::POST,
            ["resources", "restore"],
            Body::Json(json!({ "asset_ids": ids })),
            true,
        );
        let answer = self.call::<Map<String, Value>>(call).await?;
        Ok(answer.map(|outcomes| {
            outcomes
                .into_iter()
                .filter_map(|(id, outcome)| {
                    Some((AssetId::parse(&id).ok()?, read_restored(outcome)))
                })
                .collect()
        }))
    }

    /// Deletes assets of any type by their ids, at most [`MAX_ASSET_IDS`], with all derived files.
    ///
    /// # Errors
    /// See [`CloudinaryError`].
    pub async fn delete_by_asset_ids(
        &self,
        ids: &[AssetId],
        invalidate: bool,
    ) -> Result<CloudinaryAnswer<BulkDeleted>, CloudinaryError> {
        let doing = format!("delete {} assets", ids.len());
        check_count(&doing, ids, MAX_ASSET_IDS, "asset ids")?;
        self.call(Call::new(
            doing,
            Method::DELETE,
            ["resources"],
            Body::Json(json!({ "asset_ids": ids, "invalidate": invalidate })),
            true,
        ))
        .await
    }

    /// Asks if Cloudinary answers and takes the credentials.
    ///
    /// # Errors
    /// See [`CloudinaryError`].
    pub async fn ping(&self) -> Result<CloudinaryAnswer<()>, CloudinaryError> {
        Ok(self
            .call::<Value>(Call::get("ping", ["ping"]))
            .await?
            .map(drop))
    }

    /// Plan, limits and use of the product environment, as Cloudinary words them.
    ///
    /// # Errors
    /// See [`CloudinaryError`].
    pub async fn usage(&self) -> Result<CloudinaryAnswer<Value>, CloudinaryError> {
        self.call(Call::get("read the usage", ["usage"])).await
    }
}

/// Without the flags the keys are missing, which is not the same as empty.
fn with_everything() -> Vec<(&'static str, String)> {
    ON_REQUEST.map(|flag| (flag, "true".to_owned())).into()
}

fn check_count<T>(doing: &str, ids: &[T], most: usize, what: &str) -> Result<(), CloudinaryError> {
    if (1..=most).contains(&ids.len()) {
        return Ok(());
    }
    Err(CloudinaryError::Invalid {
        doing: doing.to_owned(),
        reason: format!("one call takes 1 to {most} {what}"),
    })
}

fn read_restored(outcome: Value) -> RestoreOutcome {
    match outcome
        .get("error")
        .map(|error| error.as_str().unwrap_or("failed"))
    {
        Some("no_backup") => RestoreOutcome::NoBackup,
        Some(error) => RestoreOutcome::Failed(error.to_owned()),
        None => match serde_json::from_value(outcome) {
            Ok(resource) => RestoreOutcome::Restored(Box::new(resource)),
            Err(_) => RestoreOutcome::Failed("unreadable".to_owned()),
        },
    }
}

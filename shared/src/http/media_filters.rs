//! The filters of lists and menus of assets, read from query parameters (pure).

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::QueryParameters;
use crate::asset::ResourceType;
use crate::parameter::ParameterError;
use crate::row::SyncStatus;
use crate::time::Timestamp;

/// Values of one filter. The database has the same bound.
const MOST_VALUES: usize = 20;

/// Conditions that assets meet, as `media_list` and `media_facets` take them. `D` names the dates
/// that can be compared.
#[derive(Debug, Serialize)]
pub struct MediaFilters<D> {
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resource_type: Vec<ResourceType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_type: Option<Vec<String>>,
    /// Without slashes at its ends; the root's name is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<String>,
    /// The like, for a folder with everything below it. The root has no name here: it holds all.
    #[serde(skip_serializing_if = "Option::is_none")]
    below: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags_match: Option<TagsMatch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sync_status: Option<SyncStatus>,
    /// An open set: rules of the project's own are among the reasons.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uploaded_by: Option<Uuid>,
    /// The date that the period is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_field: Option<D>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_to: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_size: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_size: Option<i64>,
}

/// Tags that an asset must have, of those that are named.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TagsMatch {
    All,
    Any,
}

/// The parameters that [`MediaFilters::read`] reads.
pub const FILTER_PARAMETERS: [&str; 18] = [
    "search",
    "resource_type",
    "format",
    "delivery_type",
    "folder",
    "below",
    "context.KEY",
    "metadata.KEY",
    "tags",
    "tags_match",
    "sync_status",
    "error_code",
    "uploaded_by",
    "date_field",
    "date_from",
    "date_to",
    "min_size",
    "max_size",
];

impl<D: DeserializeOwned> MediaFilters<D> {
    /// Reads the filters of a request.
    ///
    /// # Errors
    /// Naming the parameter that cannot be used.
    pub fn read(query: &QueryParameters) -> Result<Self, ParameterError> {
        let tags = query.list("tags", 50, 255)?.filter(|tags| !tags.is_empty());
        let tags_match = query.word("tags_match")?.filter(|_| tags.is_some());
        let (date_from, date_to) = query.period("date_from", "date_to")?;
        let (min_size, max_size) = sizes(query)?;
        // The root's name is empty, and an empty value counts as not given: it is asked for as `/`.
        let folder_named = |name| {
            let folder = query.text(name, 1024)?;
            Ok(folder.map(|folder| folder.trim_matches('/').to_owned()))
        };
        Ok(Self {
            search: search(query)?,
            resource_type: resource_types(query)?,
            format: texts(query, "format")?,
            delivery_type: texts(query, "delivery_type")?,
            folder: folder_named("folder")?,
            below: folder_named("below")?.filter(|folder| !folder.is_empty()),
            context: query.family("context.", MOST_VALUES, 1024)?,
            metadata: query.family("metadata.", MOST_VALUES, 1024)?,
            tags,
            tags_match,
            sync_status: query.word("sync_status")?,
            error_code: query.text("error_code", 64)?.map(str::to_owned),
            uploaded_by: query.uuid("uploaded_by")?,
            date_field: query.word("date_field")?,
            date_from,
            date_to,
            min_size,
            max_size,
        })
    }
}

/// A filter that names nothing would answer with everything.
fn resource_types(query: &QueryParameters) -> Result<Vec<ResourceType>, ParameterError> {
    let types = query.words("resource_type")?;
    if types.is_empty() && query.text("resource_type", 100)?.is_some() {
        return Err(ParameterError::new("resource_type", "must name a type"));
    }
    Ok(types)
}

/// Formats and delivery types are open sets; Cloudinary writes both in lower case.
fn texts(query: &QueryParameters, name: &str) -> Result<Option<Vec<String>>, ParameterError> {
    let texts = query.list(name, MOST_VALUES, 64)?;
    let texts = texts.map(|texts| texts.iter().map(|text| text.to_lowercase()).collect());
    Ok(texts.filter(|texts: &Vec<String>| !texts.is_empty()))
}

/// Words, of which the database takes as many.
fn search(query: &QueryParameters) -> Result<Option<String>, ParameterError> {
    const MOST_WORDS: usize = 20;
    let text = query.text("search", 200)?;
    if text.is_some_and(|text| text.split_whitespace().count() > MOST_WORDS) {
        let wanted = format!("must have {MOST_WORDS} words at most");
        return Err(ParameterError::new("search", wanted));
    }
    Ok(text.map(str::to_owned))
}

fn sizes(query: &QueryParameters) -> Result<(Option<i64>, Option<i64>), ParameterError> {
    let sizes = 0..=i64::MAX;
    let min = query.integer("min_size", sizes.clone())?;
    let max = query.integer("max_size", sizes)?;
    if min.zip(max).is_some_and(|(min, max)| min > max) {
        return Err(ParameterError::new(
            "min_size",
            "must not be larger than max_size",
        ));
    }
    Ok((min, max))
}

//! The Search API: eventually consistent, so never a proof of absence.

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::call::{Body, Call};
use super::{CloudinaryAnswer, CloudinaryClient, CloudinaryError, CloudinaryResource};

/// One page of a search.
#[derive(Debug, Clone, Default)]
pub struct SearchQuery {
    /// Without a `status` clause Cloudinary answers only active assets.
    pub expression: String,
    /// Field and direction, most significant first; empty means newest first.
    pub sort_by: Vec<(String, SortOrder)>,
    /// At most 500.
    pub max_results: u16,
    pub next_cursor: Option<String>,
    /// The fields wanted; empty means the default ones with tags, context and metadata.
    pub fields: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortOrder {
    Ascending,
    Descending,
}

/// A page of found assets.
#[derive(Debug, Clone, Deserialize)]
pub struct SearchPage {
    pub resources: Vec<CloudinaryResource>,
    #[serde(default)]
    pub next_cursor: Option<String>,
    /// An estimate on large sets: follow `next_cursor`, not this.
    #[serde(default)]
    pub total_count: u64,
}

impl CloudinaryClient {
    /// Searches. Counts against the Admin API's quota.
    ///
    /// # Errors
    /// See [`CloudinaryError`]; a bad expression is [`super::RefusalKind::BadRequest`].
    pub async fn search(
        &self,
        query: &SearchQuery,
    ) -> Result<CloudinaryAnswer<SearchPage>, CloudinaryError> {
        let sort_by: Vec<_> = query
            .sort_by
            .iter()
            .map(|(field, order)| {
                let order = match order {
                    SortOrder::Ascending => "asc",
                    SortOrder::Descending => "desc",
                };
                json!({ field.as_str(): order })
            })
            .collect();
        let mut body = json!({ "expression": query.expression, "max_results": query.max_results });
        if !sort_by.is_empty() {
            body["sort_by"] = sort_by.into();
        }
        if let Some(cursor) = &query.next_cursor {
            body["next_cursor"] = cursor.as_str().into();
        }
        if query.fields.is_empty() {
            body["with_field"] = json!(["tags", "context", "metadata"]);
        } else {
            body["fields"] = json!(query.fields);
        }
        self.call(Call::new(
            "search",
            Method::POST,
            ["resources", "search"],
            Body::Json(body),
            true,
        ))
        .await
    }
}

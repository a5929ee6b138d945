//! The parameters of a list, read into types (pure).

use std::collections::BTreeMap;

use media_sync::asset::ResourceType;
use media_sync::http::QueryParameters;
use media_sync::parameter::ParameterError;
use media_sync::row::SyncStatus;
use media_sync::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const PARAMETERS: &[&str] = &[
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
    "uploaded_by",
    "date_field",
    "date_from",
    "date_to",
    "min_size",
    "max_size",
    "deleted",
    "sort_by",
    "sort_order",
    "page",
    "limit",
    "cursor",
];

/// A request for one page.
#[derive(Debug)]
pub(crate) struct PageRequest {
    pub(crate) query: ListQuery,
    pub(crate) page: Option<i64>,
    pub(crate) cursor: Option<String>,
}

/// The arguments of `media_list`, without the position. The database gets numbers, moments, UUIDs,
/// our own words, and texts that are bound as values.
#[derive(Debug, Serialize)]
pub(crate) struct ListQuery {
    #[serde(flatten)]
    filters: ListFilters,
    sort_by: SortColumn,
    sort_order: SortOrder,
    pub(crate) limit: i64,
}

#[derive(Debug, Serialize)]
struct ListFilters {
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
    #[serde(skip_serializing_if = "Option::is_none")]
    uploaded_by: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_field: Option<DateField>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_to: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_size: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_size: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<DeletedFilter>,
}

/// Deleted assets, which are listed by themselves.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DeletedFilter {
    Only,
}

/// Tags that an asset must have, of those that are named.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TagsMatch {
    All,
    Any,
}

/// The date that the period is about.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum DateField {
    #[serde(rename = "created_at")]
    Created,
    #[serde(rename = "updated_at")]
    Updated,
    #[serde(rename = "cloudinary_created_at")]
    CreatedInCloudinary,
    #[serde(rename = "deleted_at")]
    Deleted,
}

/// The columns by which a list can be sorted, as the database names them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SortColumn {
    #[default]
    CreatedAt,
    UpdatedAt,
    CloudinaryCreatedAt,
    FileSize,
    DisplayName,
    #[serde(alias = "public_id")]
    CloudinaryPublicId,
    DeletedAt,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SortOrder {
    Asc,
    #[default]
    Desc,
}

/// Assets before the farthest page that has a number. The database has the same bound.
const FARTHEST: i64 = 100_000;

/// Values of one filter. The database has the same bound.
const MOST_VALUES: usize = 20;

impl PageRequest {
    /// Reads a query string.
    ///
    /// # Errors
    /// Naming the parameter that cannot be used.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, ParameterError> {
        let query = QueryParameters::parse(query, PARAMETERS)?;
        let filters = ListFilters::read(&query)?;
        let asked = ListQuery {
            sort_by: sort_column(&query, filters.deleted)?,
            filters,
            sort_order: query.word("sort_order")?.unwrap_or_default(),
            limit: query.integer("limit", 1..=200)?.unwrap_or(50),
        };
        let page = query.integer("page", 1..=FARTHEST / asked.limit + 1)?;
        let cursor = query.text("cursor", 4096)?.map(str::to_owned);
        if page.is_some() && cursor.is_some() {
            return Err(ParameterError::new(
                "cursor",
                "cannot be combined with page",
            ));
        }
        Ok(Self {
            query: asked,
            page,
            cursor,
        })
    }

    /// Rows before the page, where a page was asked for by its number.
    pub(crate) fn offset(&self) -> Option<i64> {
        self.page.map(|page| (page - 1) * self.query.limit)
    }
}

/// Deleted assets have the order of their deletion alone, and others have no such moment.
fn sort_column(
    query: &QueryParameters,
    deleted: Option<DeletedFilter>,
) -> Result<SortColumn, ParameterError> {
    let given = query.word("sort_by")?;
    match (given, deleted) {
        (None, Some(_)) => Ok(SortColumn::DeletedAt),
        (Some(column), Some(_)) if column != SortColumn::DeletedAt => Err(ParameterError::new(
            "sort_by",
            "must be deleted_at where deleted=only is given",
        )),
        (Some(SortColumn::DeletedAt), None) => Err(ParameterError::new(
            "sort_by",
            "can be deleted_at only where deleted=only is given",
        )),
        (given, _) => Ok(given.unwrap_or_default()),
    }
}

impl ListFilters {
    fn read(query: &QueryParameters) -> Result<Self, ParameterError> {
        let tags = query.list("tags", 50, 255)?.filter(|tags| !tags.is_empty());
        let tags_match = query.word("tags_match")?.filter(|_| tags.is_some());
        let (date_from, date_to) = query.period("date_from", "date_to")?;
        let (min_size, max_size) = sizes(query)?;
        // The root's name is empty, and an empty value counts as not given: it is asked for as `/`.
        let deleted = query.word("deleted")?;
        let date_field = query.word("date_field")?;
        if deleted.is_none() && matches!(date_field, Some(DateField::Deleted)) {
            let wanted = "can be deleted_at only where deleted=only is given";
            return Err(ParameterError::new("date_field", wanted));
        }
        let folder_named = |name| {
            let folder = query.text(name, 1024)?;
            Ok(folder.map(|folder| folder.trim_matches('/').to_owned()))
        };
        let folder = folder_named("folder")?;
        Ok(Self {
            search: search(query)?,
            resource_type: resource_types(query)?,
            format: texts(query, "format")?,
            delivery_type: texts(query, "delivery_type")?,
            folder,
            below: folder_named("below")?.filter(|folder| !folder.is_empty()),
            context: query.family("context.", MOST_VALUES, 1024)?,
            metadata: query.family("metadata.", MOST_VALUES, 1024)?,
            tags,
            tags_match,
            sync_status: query.word("sync_status")?,
            uploaded_by: query.uuid("uploaded_by")?,
            date_field,
            date_from,
            date_to,
            min_size,
            max_size,
            deleted,
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use media_sync::http::words_of;
    use serde_json::{Value, json};

    use super::*;

    const DOCUMENT: &str = include_str!("../../../docs/reference/openapi.json");

    fn parse(query: &str) -> Result<PageRequest, ParameterError> {
        PageRequest::parse(Some(query))
    }

    fn arguments(query: &str) -> Value {
        json!(parse(query).unwrap().query)
    }

    #[test]
    fn without_parameters_the_newest_fifty_are_asked_for() {
        let asked = PageRequest::parse(None).unwrap();
        let expected = json!({"sort_by": "created_at", "sort_order": "desc", "limit": 50});
        assert_eq!(json!(asked.query), expected);
    }

    #[test]
    fn filters_are_passed_as_values() {
        let asked = arguments(
            "search=100%25_%2Cor%3D(a.eq.b)&tags=red,big&tags_match=any&resource_type=image&min_size=10&sort_by=public_id",
        );
        assert_eq!(asked["search"], "100%_,or=(a.eq.b)");
        assert_eq!(asked["tags"], json!(["red", "big"]));
        assert_eq!(asked["tags_match"], "any");
        assert_eq!(asked["min_size"], 10);
        assert_eq!(asked["sort_by"], "cloudinary_public_id");
    }

    #[test]
    fn days_are_whole_folders_have_no_outer_slashes_and_no_tags_are_no_filter() {
        let asked =
            arguments("date_from=2026-01-31&date_to=2026-01-31&folder=/a/b/&tags=,&tags_match=any");
        assert_eq!(asked["date_from"], "2026-01-31T00:00:00.000000Z");
        assert_eq!(asked["date_to"], "2026-01-31T23:59:59.999999Z");
        assert_eq!(asked["folder"], "a/b");
        assert!(asked.get("tags").is_none() && asked.get("tags_match").is_none());
        assert_eq!(arguments("folder=/")["folder"], "");
        assert_eq!(parse("page=3&limit=20").unwrap().offset(), Some(40));
    }

    #[test]
    fn filters_take_several_values_and_keys() {
        let asked = arguments(
            "resource_type=image,raw&format=PNG,jpg&delivery_type=private&below=/shop/&context.alt=cup&metadata.season=2",
        );
        assert_eq!(asked["resource_type"], json!(["image", "raw"]));
        assert_eq!(asked["format"], json!(["png", "jpg"]));
        assert_eq!(asked["delivery_type"], json!(["private"]));
        assert_eq!(asked["below"], "shop");
        assert_eq!(asked["context"], json!({"alt": "cup"}));
        assert_eq!(asked["metadata"], json!({"season": "2"}));
        let none = arguments("format=,&below=/&context.alt=");
        for name in ["format", "below", "context", "resource_type"] {
            assert!(none.get(name).is_none(), "{name}");
        }
    }

    #[test]
    fn deleted_assets_are_sorted_by_the_moment_of_their_deletion() {
        let asked = arguments("deleted=only&date_field=deleted_at&date_from=2026-01-31");
        assert_eq!(asked["deleted"], "only");
        assert_eq!(asked["sort_by"], "deleted_at");
        assert_eq!(asked["sort_order"], "desc");
        assert_eq!(asked["date_field"], "deleted_at");
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (query, name) in [
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("limit=ten", "limit"),
            ("page=0", "page"),
            ("page=1&cursor=abc", "cursor"),
            ("sort_by=secret", "sort_by"),
            ("sort_by=deleted_at", "sort_by"),
            ("sort_by=file_size&deleted=only", "sort_by"),
            ("deleted=true", "deleted"),
            ("sort_order=up", "sort_order"),
            ("tags_match=none", "tags_match"),
            ("resource_type=audio", "resource_type"),
            ("resource_type=,", "resource_type"),
            ("search=a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q+r+s+t+u", "search"),
            ("date_field=deleted_at", "date_field"),
            ("date_from=yesterday", "date_from"),
            ("date_from=2026-02-01&date_to=2026-01-31", "date_from"),
            ("min_size=2&max_size=1", "min_size"),
            ("uploaded_by=me", "uploaded_by"),
            ("colour=red", "colour"),
        ] {
            assert_eq!(parse(query).unwrap_err().name, name, "{query}");
        }
    }

    #[test]
    fn the_document_has_these_parameters_and_words() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let documented = document["paths"]["/api/cloudinary/media"]["get"]["parameters"]
            .as_array()
            .unwrap();
        let names: Vec<_> = documented.iter().map(|one| &one["name"]).collect();
        assert_eq!(names, PARAMETERS);
        for (name, words) in [
            ("resource_type", words_of::<ResourceType>()),
            ("tags_match", words_of::<TagsMatch>()),
            ("sync_status", words_of::<SyncStatus>()),
            ("date_field", words_of::<DateField>()),
            ("deleted", words_of::<DeletedFilter>()),
            ("sort_by", words_of::<SortColumn>()),
            ("sort_order", words_of::<SortOrder>()),
        ] {
            let schema = &documented.iter().find(|one| one["name"] == name).unwrap()["schema"];
            let schema = schema.get("items").unwrap_or(schema);
            let schema = match schema["$ref"].as_str() {
                Some(reference) => document.pointer(&reference[1..]).unwrap(),
                None => schema,
            };
            let listed: BTreeSet<&str> = schema["enum"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(Value::as_str)
                .collect();
            assert_eq!(listed, words.iter().copied().collect(), "{name}");
        }
    }
}

//! The parameters of a list, read into types (pure).

use media_sync::http::{FILTER_PARAMETERS, MediaFilters, QueryParameters};
use media_sync::parameter::ParameterError;
use serde::{Deserialize, Serialize};

/// The list's parameters besides the filters.
const PARAMETERS: [&str; 6] = [
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
    filters: MediaFilters<DateField>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<DeletedFilter>,
    sort_by: SortColumn,
    sort_order: SortOrder,
    pub(crate) limit: i64,
}

/// Deleted assets, which are listed by themselves.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DeletedFilter {
    Only,
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

impl PageRequest {
    /// Reads a query string.
    ///
    /// # Errors
    /// Naming the parameter that cannot be used.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, ParameterError> {
        let query = QueryParameters::parse(query, &parameters())?;
        let filters = MediaFilters::read(&query)?;
        let deleted = query.word("deleted")?;
        if deleted.is_none() && matches!(filters.date_field, Some(DateField::Deleted)) {
            let wanted = "can be deleted_at only where deleted=only is given";
            return Err(ParameterError::new("date_field", wanted));
        }
        let asked = ListQuery {
            sort_by: sort_column(&query, deleted)?,
            filters,
            deleted,
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

fn parameters() -> Vec<&'static str> {
    [&FILTER_PARAMETERS[..], &PARAMETERS].concat()
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use media_sync::asset::ResourceType;
    use media_sync::http::{TagsMatch, words_of};
    use media_sync::row::SyncStatus;
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
        let documented: Vec<&Value> =
            document["paths"]["/api/cloudinary/media"]["get"]["parameters"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| match one["$ref"].as_str() {
                    Some(reference) => document.pointer(&reference[1..]).unwrap(),
                    None => one,
                })
                .collect();
        let names: Vec<_> = documented.iter().map(|one| &one["name"]).collect();
        assert_eq!(names, parameters());
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

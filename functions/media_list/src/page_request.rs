//! The parameters of a list, checked (pure).

use media_sync::asset::ResourceType;
use media_sync::http::QueryParameters;
use media_sync::parameter::ParameterError;
use serde_json::{Map, Value, json};

const PARAMETERS: &[&str] = &[
    "search",
    "resource_type",
    "folder",
    "tags",
    "tags_match",
    "sync_status",
    "uploaded_by",
    "date_field",
    "date_from",
    "date_to",
    "min_size",
    "max_size",
    "sort_by",
    "sort_order",
    "page",
    "limit",
    "cursor",
];

/// Sortable columns: the parameter's word and the database's.
const SORTABLE: &[(&str, &str)] = &[
    ("created_at", "created_at"),
    ("updated_at", "updated_at"),
    ("cloudinary_created_at", "cloudinary_created_at"),
    ("file_size", "file_size"),
    ("display_name", "display_name"),
    ("public_id", "cloudinary_public_id"),
    ("cloudinary_public_id", "cloudinary_public_id"),
];

/// A request for one page, checked.
#[derive(Debug)]
pub(crate) struct PageRequest {
    /// The arguments of `media_list`, without the position.
    pub(crate) query: Map<String, Value>,
    pub(crate) limit: i64,
    pub(crate) page: Option<i64>,
    pub(crate) cursor: Option<String>,
}

impl PageRequest {
    /// Reads a query string. The database gets numbers, moments, UUIDs, our own words, and texts
    /// that are bound as values.
    ///
    /// # Errors
    /// Naming the parameter that cannot be used.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, ParameterError> {
        let query = QueryParameters::parse(query, PARAMETERS)?;
        let mut wanted = filters(&query)?;
        let sort_by = query.one_of("sort_by", SORTABLE)?.unwrap_or("created_at");
        let sort_order = one_of(&query, "sort_order", &["asc", "desc"])?.unwrap_or("desc");
        let limit = query.integer("limit", 1..=200)?.unwrap_or(50);
        let page = query.integer("page", 1..=1_000_000)?;
        let cursor = query.text("cursor", 4096)?.map(str::to_owned);
        if page.is_some() && cursor.is_some() {
            return Err(ParameterError::new(
                "cursor",
                "cannot be combined with page",
            ));
        }
        wanted.insert("sort_by".to_owned(), sort_by.into());
        wanted.insert("sort_order".to_owned(), sort_order.into());
        wanted.insert("limit".to_owned(), limit.into());
        Ok(Self {
            query: wanted,
            limit,
            page,
            cursor,
        })
    }

    /// Rows before the page, where a page was asked for by its number.
    pub(crate) fn offset(&self) -> Option<i64> {
        self.page.map(|page| (page - 1) * self.limit)
    }
}

fn filters(query: &QueryParameters) -> Result<Map<String, Value>, ParameterError> {
    let types = ResourceType::ALL.map(ResourceType::as_str);
    let sizes = 0..=i64::MAX;
    let tags = query.list("tags", 50, 255)?.filter(|tags| !tags.is_empty());
    let dates = ["created_at", "updated_at", "cloudinary_created_at"];
    let (date_from, date_to) = query.period("date_from", "date_to")?;
    let min_size = query.integer("min_size", sizes.clone())?;
    let max_size = query.integer("max_size", sizes)?;
    if min_size.zip(max_size).is_some_and(|(min, max)| min > max) {
        return Err(ParameterError::new(
            "min_size",
            "must not be larger than max_size",
        ));
    }
    // The root's name is empty, and an empty value counts as not given: it is asked for as `/`.
    let folder = query
        .text("folder", 1024)?
        .map(|folder| folder.trim_matches('/'));
    let given = [
        ("search", query.text("search", 200)?.map(Value::from)),
        (
            "resource_type",
            one_of(query, "resource_type", &types)?.map(Value::from),
        ),
        ("folder", folder.map(Value::from)),
        (
            "tags_match",
            one_of(query, "tags_match", &["all", "any"])?
                .filter(|_| tags.is_some())
                .map(Value::from),
        ),
        ("tags", tags.map(Value::from)),
        (
            "sync_status",
            one_of(query, "sync_status", &["synced", "pending", "error"])?.map(Value::from),
        ),
        (
            "uploaded_by",
            query.uuid("uploaded_by")?.map(|id| json!(id)),
        ),
        (
            "date_field",
            one_of(query, "date_field", &dates)?.map(Value::from),
        ),
        ("date_from", date_from.map(|moment| json!(moment))),
        ("date_to", date_to.map(|moment| json!(moment))),
        ("min_size", min_size.map(Value::from)),
        ("max_size", max_size.map(Value::from)),
    ];
    let given = given.into_iter();
    Ok(given
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect())
}

/// One of some words that stand for themselves.
fn one_of<'a>(
    query: &QueryParameters,
    name: &str,
    words: &[&'a str],
) -> Result<Option<&'a str>, ParameterError> {
    let words: Vec<_> = words.iter().map(|word| (*word, *word)).collect();
    query.one_of(name, &words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<PageRequest, ParameterError> {
        PageRequest::parse(Some(query))
    }

    #[test]
    fn without_parameters_the_newest_fifty_are_asked_for() {
        let asked = PageRequest::parse(None).unwrap();
        let expected = json!({"sort_by": "created_at", "sort_order": "desc", "limit": 50});
        assert_eq!(Value::Object(asked.query), expected);
    }

    #[test]
    fn filters_are_passed_as_values() {
        let asked = parse(
            "search=100%25_%2Cor%3D(a.eq.b)&tags=red,big&tags_match=any&resource_type=image&min_size=10&sort_by=public_id",
        )
        .unwrap();
        assert_eq!(asked.query["search"], "100%_,or=(a.eq.b)");
        assert_eq!(asked.query["tags"], json!(["red", "big"]));
        assert_eq!(asked.query["tags_match"], "any");
        assert_eq!(asked.query["min_size"], 10);
        assert_eq!(asked.query["sort_by"], "cloudinary_public_id");
    }

    #[test]
    fn days_are_whole_folders_have_no_outer_slashes_and_no_tags_are_no_filter() {
        let asked =
            parse("date_from=2026-01-31&date_to=2026-01-31&folder=/a/b/&tags=,&tags_match=any")
                .unwrap();
        assert_eq!(asked.query["date_from"], "2026-01-31T00:00:00.000000Z");
        assert_eq!(asked.query["date_to"], "2026-01-31T23:59:59.999999Z");
        assert_eq!(asked.query["folder"], "a/b");
        assert!(!asked.query.contains_key("tags") && !asked.query.contains_key("tags_match"));
        assert_eq!(parse("folder=/").unwrap().query["folder"], "");
        assert_eq!(parse("page=3&limit=20").unwrap().offset(), Some(40));
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
            ("sort_order=up", "sort_order"),
            ("tags_match=none", "tags_match"),
            ("resource_type=audio", "resource_type"),
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
}

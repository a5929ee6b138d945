//! `GET /api/cloudinary/media`: one page of assets, in one round trip to the database.

use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use media_sync::asset::ResourceType;
use media_sync::http::auth::authenticate;
use media_sync::http::{Cursor, CursorKey, ParameterError, Problem, Query, reply, respond};
use media_sync::supabase::Supabase;
use media_sync::supabase::jwt::TokenVerifier;
use media_sync::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

const PARAMETERS: &[&str] = &[
    "search",
    "resource_type",
    "folder",
    "tags",
    "sync_status",
    "uploaded_by",
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

/// What may be sorted by: the parameter's word and the column.
const SORTABLE: &[(&str, &str)] = &[
    ("created_at", "created_at"),
    ("updated_at", "updated_at"),
    ("file_size", "file_size"),
    ("display_name", "display_name"),
    ("public_id", "cloudinary_public_id"),
    ("cloudinary_public_id", "cloudinary_public_id"),
];

/// Lists assets in the name of the caller, so that row level security decides what is seen.
#[derive(Debug)]
pub(crate) struct MediaList {
    verifier: TokenVerifier,
    database: Supabase,
    cursor_key: CursorKey,
}

/// Where a page ended: the last row's sort value and id.
#[derive(Debug, Serialize, Deserialize)]
struct Position {
    value: Value,
    id: Value,
}

/// A request for one page, checked.
#[derive(Debug)]
struct PageRequest {
    /// The arguments of `media_list`, without the position.
    query: Map<String, Value>,
    sort_by: &'static str,
    limit: i64,
    page: Option<i64>,
    cursor: Option<String>,
}

/// What the database answers.
#[derive(Debug, Deserialize)]
struct Found {
    items: Vec<Value>,
    has_more: bool,
    total: i64,
    total_is_exact: bool,
    stats: Value,
    sync_status: Value,
}

impl MediaList {
    pub(crate) fn new(verifier: TokenVerifier, database: Supabase, cursor_key: CursorKey) -> Self {
        Self {
            verifier,
            database,
            cursor_key,
        }
    }

    pub(crate) async fn handle(&self, request: Request) -> Response<Body> {
        respond(request, async |request| self.list(request).await).await
    }

    async fn list(&self, request: &Request) -> Result<Response<Body>, Problem> {
        if request.method() != Method::GET {
            return Err(Problem::method_not_allowed("GET"));
        }
        let caller = authenticate(&self.verifier, request.headers(), Timestamp::now()).await?;
        let mut asked = parse_request(request.uri().query())?;
        // A cursor continues this query, for this caller, and no other.
        let fingerprint = format!("{} {}", caller.sub, json!(asked.query));
        if let Some(cursor) = &asked.cursor {
            let position =
                Cursor::<Position>::open(cursor, fingerprint.as_bytes(), &self.cursor_key)
                    .map_err(|error| ParameterError::new("cursor", error.to_string()))?;
            asked.query.insert("after".to_owned(), json!(position));
        } else if let Some(page) = asked.page {
            asked
                .query
                .insert("offset".to_owned(), json!((page - 1) * asked.limit));
        }
        let database = self.database.as_caller(&caller);
        let found: Found = database
            .rpc("media_list", &json!({"p_query": asked.query}))
            .await?;
        let next = found.items.last().filter(|_| found.has_more).map(|last| {
            let position = Position {
                value: sort_value(last, asked.sort_by),
                id: last["id"].clone(),
            };
            Cursor::seal(&position, fingerprint.as_bytes(), &self.cursor_key)
        });
        Ok(reply::json(StatusCode::OK, &answer(&asked, found, next)))
    }
}

fn answer(asked: &PageRequest, found: Found, next_cursor: Option<String>) -> Value {
    json!({
        "items": found.items,
        "pagination": {
            "page": asked.cursor.is_none().then(|| asked.page.unwrap_or(1)),
            "limit": asked.limit,
            "total": found.total,
            "total_is_exact": found.total_is_exact,
            "total_pages": found.total.saturating_add(asked.limit - 1) / asked.limit,
            "has_more": found.has_more,
            "next_cursor": next_cursor,
        },
        "stats": found.stats,
        "sync_status": found.sync_status,
    })
}

/// As the database sorts: what is missing counts as zero or as empty.
fn sort_value(item: &Value, column: &str) -> Value {
    match (&item[column], column) {
        (Value::Null, "file_size") => json!(0),
        (Value::Null, _) => json!(""),
        (value, _) => value.clone(),
    }
}

fn parse_request(query: Option<&str>) -> Result<PageRequest, ParameterError> {
    let query = Query::parse(query, PARAMETERS)?;
    let mut wanted = Map::new();
    let mut want = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            wanted.insert(name.to_owned(), value);
        }
    };
    let types = ResourceType::ALL.map(|kind| (kind.as_str(), kind.as_str()));
    let statuses = ["synced", "pending", "error"].map(|status| (status, status));
    let size = 0..=i64::MAX;
    want("search", query.text("search", 200)?.map(Value::from));
    want(
        "resource_type",
        query.one_of("resource_type", &types)?.map(Value::from),
    );
    want("folder", query.text("folder", 1024)?.map(Value::from));
    want("tags", query.list("tags", 50, 255)?.map(Value::from));
    want(
        "sync_status",
        query.one_of("sync_status", &statuses)?.map(Value::from),
    );
    want(
        "uploaded_by",
        query.uuid("uploaded_by")?.map(|id| json!(id)),
    );
    want(
        "date_from",
        query.moment("date_from")?.map(|moment| json!(moment)),
    );
    want(
        "date_to",
        query.moment("date_to")?.map(|moment| json!(moment)),
    );
    want(
        "min_size",
        query.integer("min_size", size.clone())?.map(Value::from),
    );
    want(
        "max_size",
        query.integer("max_size", size)?.map(Value::from),
    );

    let sort_by = query.one_of("sort_by", SORTABLE)?.unwrap_or("created_at");
    let sort_order = query
        .one_of("sort_order", &[("asc", "asc"), ("desc", "desc")])?
        .unwrap_or("desc");
    let limit = query.integer("limit", 1..=200)?.unwrap_or(50);
    let page = query.integer("page", 1..=1_000_000)?;
    let cursor = query.text("cursor", 2048)?.map(str::to_owned);
    if page.is_some() && cursor.is_some() {
        return Err(ParameterError::new(
            "cursor",
            "cannot be combined with page",
        ));
    }
    want("sort_by", Some(sort_by.into()));
    want("sort_order", Some(sort_order.into()));
    want("limit", Some(limit.into()));
    Ok(PageRequest {
        query: wanted,
        sort_by,
        limit,
        page,
        cursor,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_parameters_the_newest_fifty_are_asked_for() {
        let asked = parse_request(None).unwrap();
        let expected = json!({"sort_by": "created_at", "sort_order": "desc", "limit": 50});
        assert_eq!(Value::Object(asked.query), expected);
    }

    #[test]
    fn filters_are_passed_as_values() {
        let asked = parse_request(Some(
            "search=100%25_%2Cor%3D(a.eq.b)&tags=red,big&resource_type=image&min_size=10&sort_by=public_id",
        ))
        .unwrap();
        assert_eq!(asked.query["search"], "100%_,or=(a.eq.b)");
        assert_eq!(asked.query["tags"], json!(["red", "big"]));
        assert_eq!(asked.query["min_size"], 10);
        assert_eq!(asked.query["sort_by"], "cloudinary_public_id");
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
            ("resource_type=audio", "resource_type"),
            ("date_from=yesterday", "date_from"),
            ("uploaded_by=me", "uploaded_by"),
            ("colour=red", "colour"),
        ] {
            assert_eq!(
                parse_request(Some(query)).unwrap_err().name,
                name,
                "{query}"
            );
        }
    }

    #[test]
    fn missing_sort_values_count_as_the_database_counts_them() {
        assert_eq!(
            sort_value(&json!({"file_size": null}), "file_size"),
            json!(0)
        );
        assert_eq!(
            sort_value(&json!({"display_name": null}), "display_name"),
            json!("")
        );
        assert_eq!(sort_value(&json!({"file_size": 7}), "file_size"), json!(7));
    }
}

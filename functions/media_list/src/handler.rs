//! `GET /api/cloudinary/media`: one page of assets, in one round trip to the database.

use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use media_sync::cloudinary::delivery::AddressWriter;
use media_sync::cursor::CursorKeys;
use media_sync::deadline::Deadline;
use media_sync::http::auth::authenticate;
use media_sync::http::{Problem, reply, respond};
use media_sync::rotation::LiveValue;
use media_sync::supabase::jwt::TokenVerifier;
use media_sync::supabase::{DataApi, SupabaseError};
use media_sync::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::addresses::PageDelivery;
use crate::page_request::{ListQuery, PageRequest};

/// The SQLSTATE for a page, asked for by its number, that is larger than a function may answer.
const PAGE_TOO_LARGE: &str = "PT413";

/// The way out of a question that takes too long.
const ADVICE: &str = "Search for words of three characters or more, add a filter, or use cursors instead of far pages.";

/// Lists assets in the name of the caller, so that row level security decides.
#[derive(Debug)]
pub(crate) struct MediaList {
    verifier: TokenVerifier,
    database: DataApi,
    cursor_keys: CursorKeys,
    delivery: LiveValue<AddressWriter>,
}

/// Where a page ended: the last row's sort value and id.
#[derive(Debug, Serialize, Deserialize)]
struct Position {
    value: Value,
    id: Value,
}

/// The arguments of `media_list`.
#[derive(Debug, Serialize)]
struct Arguments<'a> {
    p_query: PositionedQuery<'a>,
}

/// A query with the place where its page begins.
#[derive(Debug, Serialize)]
struct PositionedQuery<'a> {
    #[serde(flatten)]
    query: &'a ListQuery,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Position>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<i64>,
}

/// The database's answer. Parts that are only passed on stay as they came: a page is tens of
/// kilobytes.
#[derive(Debug, Deserialize)]
struct Found {
    items: Vec<Box<RawValue>>,
    delivery: Option<PageDelivery>,
    has_more: bool,
    /// Where the page ends, if more follows.
    position: Option<Position>,
    total: i64,
    total_is_exact: bool,
    stats: Box<RawValue>,
    sync_status: Box<RawValue>,
}

#[derive(Debug, Serialize)]
struct Answer {
    items: Box<RawValue>,
    pagination: Pagination,
    stats: Box<RawValue>,
    sync_status: Box<RawValue>,
}

#[derive(Debug, Serialize)]
struct Pagination {
    /// `None` where a cursor was given.
    page: Option<i64>,
    limit: i64,
    total: i64,
    total_is_exact: bool,
    total_pages: i64,
    has_more: bool,
    next_cursor: Option<String>,
}

impl MediaList {
    pub(crate) fn new(
        verifier: TokenVerifier,
        database: DataApi,
        cursor_keys: CursorKeys,
        delivery: LiveValue<AddressWriter>,
    ) -> Self {
        Self {
            verifier,
            database,
            cursor_keys,
            delivery,
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
        let asked = PageRequest::parse(request.uri().query())?;
        // A cursor continues this query, for this caller, and no other.
        let fingerprint = format!("{} {}", caller.sub, json!(asked.query));
        let after = self
            .cursor_keys
            .resume(asked.cursor.as_deref(), &fingerprint)
            .await?;
        let arguments = Arguments {
            p_query: PositionedQuery {
                query: &asked.query,
                after,
                offset: asked.offset(),
            },
        };
        let deadline = Deadline::of_request(request);
        let database = self.database.until(deadline).as_caller(&caller);
        let found = database.rpc("media_list", &arguments).await;
        let found: Found = found.map_err(problem)?;
        let next_cursor = self
            .cursor_keys
            .seal_end(found.position.as_ref(), &fingerprint)
            .await;
        let delivery = self.delivery.current().await;
        let items =
            PageDelivery::write_urls(found.delivery.as_ref(), &found.items, &delivery, caller.sub)
                .map_err(|error| Problem::internal(&error))?;
        Ok(reply::json(
            StatusCode::OK,
            &answer(&asked, items, found, next_cursor),
        ))
    }
}

/// Trying again would not help a page that is too large.
fn problem(error: SupabaseError) -> Problem {
    match error.code() {
        Some(PAGE_TOO_LARGE) => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "page_too_large",
            "The assets of this page are larger than an answer may be. Ask for fewer with `limit`, or use cursors instead of pages.",
        ),
        _ => Problem::of_question(error, ADVICE),
    }
}

fn answer(
    asked: &PageRequest,
    items: Box<RawValue>,
    found: Found,
    next_cursor: Option<String>,
) -> Answer {
    let limit = asked.query.limit;
    Answer {
        items,
        pagination: Pagination {
            page: asked.cursor.is_none().then(|| asked.page.unwrap_or(1)),
            limit,
            total: found.total,
            total_is_exact: found.total_is_exact,
            total_pages: found.total.saturating_add(limit - 1) / limit,
            has_more: found.has_more,
            next_cursor,
        },
        stats: found.stats,
        sync_status: found.sync_status,
    }
}

//! `GET /api/cloudinary/audit`: the audit trail, newest first, filtered and by cursor; on request
//! with its errors by day and code, and with each user's activity. `GET …/audit/series`: the mirror's
//! work by the hour.

use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use media_sync::cursor::CursorKeys;
use media_sync::deadline::Deadline;
use media_sync::http::auth::{authenticate, require_admin};
use media_sync::http::{Problem, reply, respond};
use media_sync::supabase::DataApi;
use media_sync::supabase::jwt::{ApiCaller, TokenVerifier};
use media_sync::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::query::{AuditQuery, PageRequest};
use crate::series::SeriesQuery;

/// The way out of a series that takes too long.
const FEWER_HOURS: &str = "Ask for fewer hours.";

/// Reads in the name of the caller; row level security shows the trail to administrators only.
#[derive(Debug)]
pub(crate) struct Audit {
    pub(crate) verifier: TokenVerifier,
    pub(crate) database: DataApi,
    pub(crate) cursor_keys: CursorKeys,
}

/// Where a page ended.
#[derive(Debug, Serialize, Deserialize)]
struct Position {
    occurred_at: Value,
    id: Value,
}

/// The arguments of `media_audit`.
#[derive(Debug, Serialize)]
struct Arguments<'a> {
    p_query: PositionedQuery<'a>,
}

#[derive(Debug, Serialize)]
struct PositionedQuery<'a> {
    #[serde(flatten)]
    query: &'a AuditQuery,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Position>,
}

/// The database's answer.
#[derive(Debug, Deserialize)]
struct Found {
    items: Vec<Value>,
    has_more: bool,
    #[serde(flatten)]
    summaries: Summaries,
}

/// The summaries that were asked for.
#[derive(Debug, Serialize, Deserialize)]
struct Summaries {
    #[serde(skip_serializing_if = "Option::is_none")]
    error_trends: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    activity: Option<Value>,
}

#[derive(Debug, Serialize)]
struct Answer {
    items: Vec<Value>,
    pagination: Pagination,
    #[serde(flatten)]
    summaries: Summaries,
}

#[derive(Debug, Serialize)]
struct Pagination {
    limit: i64,
    has_more: bool,
    next_cursor: Option<String>,
}

impl Audit {
    pub(crate) async fn handle(&self, request: Request) -> Response<Body> {
        respond(request, async |request| self.read(request).await).await
    }

    async fn read(&self, request: &Request) -> Result<Response<Body>, Problem> {
        if request.method() != Method::GET {
            return Err(Problem::method_not_allowed("GET"));
        }
        let caller = authenticate(&self.verifier, request.headers(), Timestamp::now()).await?;
        require_admin(&caller)?;
        let query = request.uri().query();
        if request.uri().path().ends_with("/series") {
            let asked = SeriesQuery::parse(query)?;
            return self.read_series(request, &caller, &asked).await;
        }
        self.read_page(request, &caller, PageRequest::parse(query)?)
            .await
    }

    async fn read_series(
        &self,
        request: &Request,
        caller: &ApiCaller,
        asked: &SeriesQuery,
    ) -> Result<Response<Body>, Problem> {
        let deadline = Deadline::of_request(request);
        let database = self.database.until(deadline).as_caller(caller);
        let series = database.rpc("media_audit_series", asked).await;
        let series: Value = series.map_err(|error| Problem::of_question(error, FEWER_HOURS))?;
        Ok(reply::json(StatusCode::OK, &series))
    }

    async fn read_page(
        &self,
        request: &Request,
        caller: &ApiCaller,
        PageRequest { query, cursor }: PageRequest,
    ) -> Result<Response<Body>, Problem> {
        // A cursor continues this query, for this caller, and no other.
        let fingerprint = format!("audit {} {}", caller.sub, json!(query));
        let after = self
            .cursor_keys
            .resume(cursor.as_deref(), &fingerprint)
            .await?;
        let deadline = Deadline::of_request(request);
        let database = self.database.until(deadline).as_caller(caller);
        let arguments = Arguments {
            p_query: PositionedQuery {
                query: &query,
                after,
            },
        };
        let found: Found = database.rpc("media_audit", &arguments).await?;
        let position = found
            .items
            .last()
            .filter(|_| found.has_more)
            .map(|last| Position {
                occurred_at: last["occurred_at"].clone(),
                id: last["id"].clone(),
            });
        let next = self
            .cursor_keys
            .seal_end(position.as_ref(), &fingerprint)
            .await;
        Ok(reply::json(
            StatusCode::OK,
            &answer(query.limit, found, next),
        ))
    }
}

fn answer(limit: i64, found: Found, next_cursor: Option<String>) -> Answer {
    Answer {
        items: found.items,
        pagination: Pagination {
            limit,
            has_more: found.has_more,
            next_cursor,
        },
        summaries: found.summaries,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_are_in_the_answer_only_if_asked_for() {
        let answer = |value: Value, next: Option<&str>| {
            let found = serde_json::from_value(value).unwrap();
            json!(answer(50, found, next.map(str::to_owned)))
        };
        let plain = answer(json!({"items": [], "has_more": false}), None);
        assert_eq!(plain.get("error_trends"), None);
        let trends = json!([{"day": "2026-01-01", "code": "cloudinary_quota", "count": 3}]);
        let full = json!({"items": [], "has_more": false, "error_trends": trends, "other": 1});
        let full = answer(full, Some("next"));
        assert_eq!(full["error_trends"], trends);
        assert_eq!(full["pagination"]["next_cursor"], "next");
        assert_eq!(full.get("other"), None);
    }
}

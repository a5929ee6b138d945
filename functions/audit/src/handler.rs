//! `GET /api/cloudinary/audit`: the audit trail, newest first, filtered and by cursor; on request
//! with its errors by day and code, and with each user's activity.

use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use media_sync::asset::AssetId;
use media_sync::cursor::CursorKeys;
use media_sync::deadline::Deadline;
use media_sync::http::auth::{authenticate, require_admin};
use media_sync::http::{Problem, QueryParameters, reply, respond};
use media_sync::parameter::ParameterError;
use media_sync::supabase::DataApi;
use media_sync::supabase::jwt::TokenVerifier;
use media_sync::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

const PARAMETERS: &[&str] = &[
    "operation",
    "status",
    "source",
    "actor",
    "asset_id",
    "public_id",
    "run_id",
    "error_code",
    "date_from",
    "date_to",
    "include",
    "limit",
    "cursor",
];

const STATUSES: [&str; 2] = ["success", "failed"];
const SOURCES: [&str; 5] = ["webhook", "reconcile", "outbound", "api", "database"];

/// Summaries on request: the parameter's word and the answer's field.
const SUMMARIES: [(&str, &str); 2] = [("trends", "error_trends"), ("activity", "activity")];

/// Longer than any public id that Cloudinary takes.
const LONGEST_ID: usize = 1_024;

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

/// A request for one page, checked.
#[derive(Debug)]
struct PageRequest {
    /// The arguments of `media_audit`, without the position.
    query: Map<String, Value>,
    limit: i64,
    cursor: Option<String>,
}

/// The database's answer.
#[derive(Debug, Deserialize)]
struct Found {
    items: Vec<Value>,
    has_more: bool,
    /// The requested summaries.
    #[serde(flatten)]
    summaries: Map<String, Value>,
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
        let mut asked = parse_request(request.uri().query())?;
        // A cursor continues this query, for this caller, and no other.
        let fingerprint = format!("audit {} {}", caller.sub, json!(asked.query));
        if let Some(cursor) = &asked.cursor {
            let opened = self.cursor_keys.open(cursor, fingerprint.as_bytes()).await;
            let position: Position =
                opened.map_err(|error| ParameterError::new("cursor", error.to_string()))?;
            asked.query.insert("after".to_owned(), json!(position));
        }
        let deadline = Deadline::of_request(request);
        let database = self.database.until(deadline).as_caller(&caller);
        let arguments = json!({"p_query": asked.query});
        let found: Found = database.rpc("media_audit", &arguments).await?;
        let position = found
            .items
            .last()
            .filter(|_| found.has_more)
            .map(|last| Position {
                occurred_at: last["occurred_at"].clone(),
                id: last["id"].clone(),
            });
        let next = match &position {
            Some(position) => Some(
                self.cursor_keys
                    .seal(position, fingerprint.as_bytes())
                    .await,
            ),
            None => None,
        };
        let answer = answer(asked.limit, found, next);
        Ok(reply::json(StatusCode::OK, &answer))
    }
}

fn answer(limit: i64, found: Found, next_cursor: Option<String>) -> Value {
    let mut answer = json!({
        "items": found.items,
        "pagination": {"limit": limit, "has_more": found.has_more, "next_cursor": next_cursor},
    });
    for (_, field) in SUMMARIES {
        if let Some(summary) = found.summaries.get(field) {
            answer[field] = summary.clone();
        }
    }
    answer
}

fn parse_request(query: Option<&str>) -> Result<PageRequest, ParameterError> {
    let query = QueryParameters::parse(query, PARAMETERS)?;
    let mut wanted = Map::new();
    let mut want = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            wanted.insert(name.to_owned(), value);
        }
    };
    for (name, max) in [
        ("operation", 100),
        ("public_id", LONGEST_ID),
        ("error_code", 100),
    ] {
        want(name, query.text(name, max)?.map(Value::from));
    }
    let words = |words: &[&'static str]| Vec::from_iter(words.iter().map(|word| (*word, *word)));
    let status = query.one_of("status", &words(&STATUSES))?;
    want("status", status.map(Value::from));
    let source = query.one_of("source", &words(&SOURCES))?;
    want("source", source.map(Value::from));
    for name in ["actor", "run_id"] {
        want(name, query.uuid(name)?.map(|id| json!(id)));
    }
    if let Some(text) = query.text("asset_id", LONGEST_ID)? {
        let id = AssetId::parse(text)
            .map_err(|_| ParameterError::new("asset_id", "must be 32 hex digits"))?;
        want("asset_id", Some(json!(id)));
    }
    let (from, to) = query.period("date_from", "date_to")?;
    want("date_from", from.map(|moment| json!(moment)));
    want("date_to", to.map(|moment| json!(moment)));
    for word in query
        .list("include", SUMMARIES.len(), 20)?
        .into_iter()
        .flatten()
    {
        let known = SUMMARIES.iter().find(|(name, _)| *name == word);
        let (_, field) = known
            .ok_or_else(|| ParameterError::new("include", "must be trends, activity or both"))?;
        want(field, Some(true.into()));
    }
    let limit = query.integer("limit", 1..=200)?.unwrap_or(50);
    want("limit", Some(limit.into()));
    let cursor = query.text("cursor", 4096)?.map(str::to_owned);
    Ok(PageRequest {
        query: wanted,
        limit,
        cursor,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = include_str!("../events/http_api.json");

    #[test]
    fn the_query_of_an_event_is_understood() {
        let request = lambda_http::request::from_str(EVENT).unwrap();
        let asked = parse_request(request.uri().query()).unwrap();
        let expected = json!({
            "operation": "renamed", "date_from": "2026-01-01T00:00:00.000000Z", "limit": 20,
            "error_trends": true, "activity": true,
        });
        assert_eq!(Value::Object(asked.query), expected);
    }

    #[test]
    fn without_parameters_the_newest_fifty_are_asked_for() {
        let asked = parse_request(None).unwrap();
        assert_eq!(Value::Object(asked.query), json!({"limit": 50}));
    }

    #[test]
    fn every_filter_is_passed_as_a_value() {
        let id = "0123456789abcdef0123456789abcdef";
        let uuid = "00000000-0000-0000-0000-000000000007";
        let asked = parse_request(Some(&format!(
            "status=failed&source=outbound&actor={uuid}&run_id={uuid}&asset_id={id}&public_id=a%27b&error_code=x&date_to=2026-02-01"
        )))
        .unwrap();
        for (name, value) in [
            ("status", "failed"),
            ("source", "outbound"),
            ("actor", uuid),
            ("run_id", uuid),
            ("asset_id", id),
            ("public_id", "a'b"),
            ("error_code", "x"),
            ("date_to", "2026-02-01T23:59:59.999999Z"),
        ] {
            assert_eq!(asked.query[name], value, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (query, name) in [
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("status=ok", "status"),
            ("source=cron", "source"),
            ("actor=me", "actor"),
            ("run_id=7", "run_id"),
            ("asset_id=mug", "asset_id"),
            ("date_from=yesterday", "date_from"),
            ("date_from=2026-02-01&date_to=2026-01-01", "date_from"),
            ("include=everything", "include"),
            ("page=2", "page"),
        ] {
            assert_eq!(
                parse_request(Some(query)).unwrap_err().name,
                name,
                "{query}"
            );
        }
    }

    #[test]
    fn summaries_are_in_the_answer_only_if_asked_for() {
        let found = |value: Value| serde_json::from_value(value).unwrap();
        let plain = answer(50, found(json!({"items": [], "has_more": false})), None);
        assert_eq!(plain.get("error_trends"), None);
        let trends = json!([{"day": "2026-01-01", "code": "cloudinary_quota", "count": 3}]);
        let full = json!({"items": [], "has_more": false, "error_trends": trends, "other": 1});
        let full = answer(50, found(full), Some("next".to_owned()));
        assert_eq!(full["error_trends"], trends);
        assert_eq!(full["pagination"]["next_cursor"], "next");
        assert_eq!(full.get("other"), None);
    }
}

//! `GET /api/cloudinary/events`: recorded notifications, newest first, and refused ones by reason.
//! `POST …/events/replay` has recorded ones applied again.

use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use media_sync::cursor::CursorKeys;
use media_sync::deadline::Deadline;
use media_sync::http::auth::{authenticate, require_admin};
use media_sync::http::{Problem, reply, respond};
use media_sync::queue::{ReplayMessage, SqsQueue};
use media_sync::supabase::DataApi;
use media_sync::supabase::jwt::{ApiCaller, TokenVerifier};
use media_sync::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::query::{EventsQuery, PageRequest};
use crate::replay::ReplayRequest;

/// The way out of a list that takes too long.
const ADVICE: &str = "Ask for fewer days with `date_from` and `date_to`.";

/// Asks in the name of the caller; the database lets administrators in.
#[derive(Debug)]
pub(crate) struct Events {
    pub(crate) verifier: TokenVerifier,
    pub(crate) database: DataApi,
    pub(crate) cursor_keys: CursorKeys,
    pub(crate) continuation: SqsQueue,
}

/// The place where a page ended.
#[derive(Debug, Serialize, Deserialize)]
struct Position {
    received_at: Value,
    id: Value,
}

#[derive(Debug, Serialize)]
struct PositionedQuery<'a> {
    #[serde(flatten)]
    query: &'a EventsQuery,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Position>,
}

/// The database's answer to a list.
#[derive(Debug, Deserialize)]
struct Found {
    items: Vec<Value>,
    has_more: bool,
    refusals: Value,
}

/// The database's answer to a replay: the spans of time to replay, one for each event that was named.
#[derive(Debug, Deserialize)]
struct RequestedReplay {
    notifications: u64,
    spans: Vec<ReplayMessage>,
}

impl Events {
    pub(crate) async fn handle(&self, request: Request) -> Response<Body> {
        respond(request, async |request| self.answer(request).await).await
    }

    async fn answer(&self, request: &Request) -> Result<Response<Body>, Problem> {
        let caller = authenticate(&self.verifier, request.headers(), Timestamp::now()).await?;
        require_admin(&caller)?;
        let end = Deadline::of_request(request);
        let database = self.database.until(end).as_caller(&caller);
        let is_replay = request.uri().path().ends_with("/replay");
        match (is_replay, request.method()) {
            (false, &Method::GET) => self.list(request, &caller, &database).await,
            (true, &Method::POST) => self.replay(request, &database, end).await,
            (false, _) => Err(Problem::method_not_allowed("GET")),
            (true, _) => Err(Problem::method_not_allowed("POST")),
        }
    }

    async fn list(
        &self,
        request: &Request,
        caller: &ApiCaller,
        database: &DataApi,
    ) -> Result<Response<Body>, Problem> {
        let PageRequest { query, cursor } = PageRequest::parse(request.uri().query())?;
        // A cursor continues this query, for this caller, and no other.
        let fingerprint = format!("events {} {}", caller.sub, json!(query));
        let after = self
            .cursor_keys
            .resume(cursor.as_deref(), &fingerprint)
            .await?;
        let query = PositionedQuery {
            query: &query,
            after,
        };
        let found = database
            .rpc("media_events", &json!({ "p_query": query }))
            .await;
        let found: Found = found.map_err(|error| Problem::of_question(error, ADVICE))?;
        let last = found.items.last().filter(|_| found.has_more);
        let position = last.map(|last| Position {
            received_at: last["received_at"].clone(),
            id: last["id"].clone(),
        });
        let next = self
            .cursor_keys
            .seal_end(position.as_ref(), &fingerprint)
            .await;
        let pagination = json!({
            "limit": query.query.limit, "has_more": found.has_more, "next_cursor": next,
        });
        let answer =
            json!({ "items": found.items, "refusals": found.refusals, "pagination": pagination });
        Ok(reply::json(StatusCode::OK, &answer))
    }

    async fn replay(
        &self,
        request: &Request,
        database: &DataApi,
        end: Deadline,
    ) -> Result<Response<Body>, Problem> {
        let asked = json!({ "p_query": ReplayRequest::parse(request)? });
        let requested: RequestedReplay = database.rpc("media_request_replay", &asked).await?;
        let continuation = self.continuation.until(end);
        let outcome = continuation.send_batch(&requested.spans).await;
        if let Some((_, error)) = outcome.failed.into_iter().next() {
            return Err(error.into());
        }
        let answer = json!({ "notifications": requested.notifications });
        Ok(reply::json(StatusCode::ACCEPTED, &answer))
    }
}

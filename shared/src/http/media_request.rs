//! Shared parts of the requests that change assets: the call in the caller's name, the intents that
//! follow, and the answer.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use lambda_http::{Body, Request, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::auth::{authenticate, require_writer};
use super::{Problem, reply};
use crate::config::{self, CallerConfig};
use crate::deadline::{Deadline, TO_HAND_ON};
use crate::parameter::ParameterError;
use crate::queue::{IntentMessage, SqsQueue};
use crate::row::SyncStatus;
use crate::supabase::jwt::TokenVerifier;
use crate::supabase::{DataApi, SupabaseError};
use crate::time::Timestamp;

/// A repeat with the same key gets the first answer, and has no further effect.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Marks such an answer.
pub const IDEMPOTENT_REPLAY: HeaderName = HeaderName::from_static("idempotent-replay");

/// As many characters as the database takes for a key.
const LONGEST_KEY: usize = 255;

/// The victim of a deadlock has had no effect: it may be repeated at once.
const ATTEMPTS: usize = 3;

/// The time after which the second of two requests with one key should ask again.
const STILL_ANSWERED: Duration = Duration::from_secs(1);

/// The time after which there may be room in a user's budget, where the database does not tell it.
const BUDGET_GROWS: Duration = Duration::from_secs(60);

/// The requested kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestedChange {
    Edit,
    Delete,
    Restore,
}

impl RequestedChange {
    /// The database's function.
    const fn function(self) -> &'static str {
        match self {
            Self::Edit => "media_request_edit",
            Self::Delete => "media_request_delete",
            Self::Restore => "media_request_restore",
        }
    }

    /// The answer's field for the changed assets, and its verb.
    const fn done(self) -> &'static str {
        match self {
            Self::Edit => "updated",
            Self::Delete => "deleted",
            Self::Restore => "restored",
        }
    }
}

/// Changes assets in the name of callers: the database decides who may.
#[derive(Debug)]
pub struct MediaRequests {
    verifier: TokenVerifier,
    database: DataApi,
    outbound: SqsQueue,
}

/// The arguments of a request's function.
#[derive(Debug, Serialize)]
struct KeyedArguments<'a, A> {
    #[serde(flatten)]
    arguments: A,
    #[serde(rename = "p_idempotency_key")]
    key: Option<&'a str>,
}

/// The database's answer.
#[derive(Debug, Deserialize)]
struct Requested {
    done: Vec<Done>,
    failed: Vec<Value>,
    #[serde(default)]
    replayed: bool,
}

#[derive(Debug, Deserialize)]
struct Done {
    public_id: String,
    asset_id: Option<String>,
    sync_status: SyncStatus,
    #[serde(flatten)]
    intent: IntentMessage,
}

impl Done {
    /// Tells whether Cloudinary is to follow. What is only known here needs nothing more.
    fn is_pending(&self) -> bool {
        self.sync_status == SyncStatus::Pending
    }
}

impl MediaRequests {
    /// With the configuration of the function that it runs in.
    ///
    /// # Errors
    /// When there is none, or it is not usable.
    pub async fn connect() -> Result<Self, lambda_http::Error> {
        let aws = config::aws().await;
        let callers = config::load::<CallerConfig>(&aws).await?;
        let http = config::http_client()?;
        Ok(Self::new(
            callers.token_verifier(&http),
            callers.client(&http),
            SqsQueue::connect(&aws, config::outbound_queue_url()?),
        ))
    }

    /// `database` carries the publishable key: each call is made with its caller's own token.
    pub fn new(verifier: TokenVerifier, database: DataApi, outbound: SqsQueue) -> Self {
        Self {
            verifier,
            database,
            outbound,
        }
    }

    /// Answers a request with the outcome of the arguments that `parse` makes of it. When this
    /// returns, the change is committed, and its intents are sent or wait for the next drain.
    ///
    /// # Errors
    /// For the whole request only; a failure of one asset is in the answer.
    pub async fn answer<A: Serialize>(
        &self,
        request: &Request,
        change: RequestedChange,
        parse: impl FnOnce(&Request) -> Result<A, Problem>,
    ) -> Result<Response<Body>, Problem> {
        let caller = authenticate(&self.verifier, request.headers(), Timestamp::now()).await?;
        require_writer(&caller)?;
        let key = parse_key(request.headers())?;
        let arguments = KeyedArguments {
            arguments: parse(request)?,
            key,
        };
        let end = Deadline::of_request(request);
        let database = self.database.until(end.earlier(TO_HAND_ON));
        let database = database.as_caller(&caller);
        let requested = call(&database, change, &arguments).await?;
        self.send(&requested.done, end).await;
        Ok(describe(change, requested))
    }

    /// The rows are pending already: the next drain sends the ones that cannot be sent now. A
    /// repeat sends again, since the first may have died in between. A worker that finds nothing to
    /// do does nothing.
    async fn send(&self, done: &[Done], end: Deadline) {
        let pending = done.iter().filter(|done| done.is_pending());
        let intents: Vec<IntentMessage> = pending.map(|done| done.intent).collect();
        let outcome = self.outbound.until(end).send_batch(&intents).await;
        for (_, error) in &outcome.failed {
            tracing::warn!(error = %error, "an intent was not sent; the drain will send it");
        }
    }
}

async fn call(
    database: &DataApi,
    change: RequestedChange,
    arguments: &impl Serialize,
) -> Result<Requested, Problem> {
    let mut attempt = 1;
    loop {
        match database.rpc(change.function(), arguments).await {
            Err(error) if error.is_conflict() && attempt < ATTEMPTS => attempt += 1,
            outcome => return outcome.map_err(problem),
        }
    }
}

/// The key of a request, if it has one.
fn parse_key(headers: &HeaderMap) -> Result<Option<&str>, ParameterError> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = value.to_str().ok().filter(|key| {
        (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    });
    match (key, values.next()) {
        (Some(key), None) => Ok(Some(key)),
        _ => Err(ParameterError::new(
            "Idempotency-Key",
            format!(
                "must be one header of 1 to {LONGEST_KEY} visible ASCII characters, such as a UUID"
            ),
        )),
    }
}

/// Refusals of a key are the caller's to solve.
fn problem(error: SupabaseError) -> Problem {
    match error.code() {
        Some("PT409") => Problem::new(
            StatusCode::CONFLICT,
            "request_in_progress",
            "A request of yours is still running: one with this Idempotency-Key, or a large one. Repeat it in a moment.",
        )
        .retry_after(STILL_ANSWERED),
        Some("PT422") => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "This Idempotency-Key was used for another request. Use a new one for each request.",
        ),
        Some("PT429") => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_changes",
            "You have changed as much as one user may within an hour. Nothing of this request was done. Wait for `Retry-After` seconds, then repeat.",
        )
        .retry_after(error.retry_after().unwrap_or(BUDGET_GROWS)),
        _ => error.into(),
    }
}

fn describe(change: RequestedChange, requested: Requested) -> Response<Body> {
    let message = message(change, &requested);
    let names: Vec<&str> = requested
        .done
        .iter()
        .map(|done| done.public_id.as_str())
        .collect();
    let assets: Vec<Value> = requested
        .done
        .iter()
        .map(|done| {
            json!({
                "asset_id": done.asset_id, "public_id": done.public_id, "sync_status": done.sync_status,
            })
        })
        .collect();
    let answer = json!({
        change.done(): names, "failed": requested.failed, "message": message, "assets": assets,
    });
    let mut response = reply::json(StatusCode::OK, &answer);
    if requested.replayed {
        response
            .headers_mut()
            .insert(IDEMPOTENT_REPLAY, HeaderValue::from_static("true"));
    }
    response
}

fn message(change: RequestedChange, requested: &Requested) -> String {
    let word = change.done();
    let done = match requested.done.len() {
        0 => format!("Nothing was {word}."),
        count if requested.done.iter().any(Done::is_pending) => {
            format!("{count} {word} here; Cloudinary follows.")
        }
        count => format!("{count} {word}; Cloudinary has nothing to do."),
    };
    match requested.failed.len() {
        0 => done,
        failures => format!("{done} {failures} failed."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(values: &[&str]) -> Result<Option<String>, ParameterError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IDEMPOTENCY_KEY, value.parse().unwrap());
        }
        parse_key(&headers).map(|key| key.map(str::to_owned))
    }

    #[test]
    fn a_key_is_one_short_visible_text() {
        assert_eq!(key(&[]), Ok(None));
        assert_eq!(
            key(&["\"8e03978e\""]),
            Ok(Some("\"8e03978e\"".to_owned())),
            "quotes belong to it"
        );
        let longest = "k".repeat(LONGEST_KEY);
        assert_eq!(key(&[&longest]), Ok(Some(longest.clone())));
        for values in [&[""][..], &["a b"], &["a", "a"], &[&(longest + "k")]] {
            let error = key(values).unwrap_err();
            assert_eq!(error.name, "Idempotency-Key", "{values:?}");
        }
    }

    fn requested(statuses: &[SyncStatus], failures: usize) -> Requested {
        let done = statuses.iter().map(|status| Done {
            public_id: "a".to_owned(),
            asset_id: None,
            sync_status: *status,
            intent: IntentMessage {
                asset_row_id: uuid::Uuid::nil(),
            },
        });
        Requested {
            done: done.collect(),
            failed: vec![Value::Null; failures],
            replayed: false,
        }
    }

    #[test]
    fn the_message_says_what_follows() {
        for (statuses, failures, expected) in [
            (
                &[SyncStatus::Pending, SyncStatus::Synced][..],
                0,
                "2 updated here; Cloudinary follows.",
            ),
            (
                &[SyncStatus::Synced],
                2,
                "1 updated; Cloudinary has nothing to do. 2 failed.",
            ),
            (&[], 1, "Nothing was updated. 1 failed."),
        ] {
            assert_eq!(
                message(RequestedChange::Edit, &requested(statuses, failures)),
                expected
            );
        }
    }
}

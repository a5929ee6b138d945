//! Shared parts of the requests that change assets: the call in the caller's name, the intents that
//! follow, and the answer.

mod change;
mod key;
mod of_many;
mod of_one;
mod outcome;

use std::time::Duration;

use http::StatusCode;
use lambda_http::{Body, Request, Response};
use serde::Serialize;

pub use self::change::RequestedChange;
use self::outcome::{Done, Requested};
use super::auth::{authenticate, require_writer};
use super::problem::sentence;
use super::{Problem, one_asset};
use crate::config::{self, CallerConfig};
use crate::deadline::{Deadline, TO_HAND_ON};
use crate::queue::{IntentMessage, SqsQueue};
use crate::supabase::jwt::TokenVerifier;
use crate::supabase::{DataApi, SupabaseError};
use crate::telemetry;
use crate::time::Timestamp;

/// The victim of a deadlock has had no effect: it may be repeated at once.
const ATTEMPTS: usize = 3;

/// Another request of the user's is still running.
const STILL_RUNNING: &str = "PT409";

/// Items of more bytes than the database takes at once.
const TOO_MUCH_AT_ONCE: &str = "PT413";

/// Items that take longer than a request may. To repeat it would not help.
const STATEMENT_TIMEOUT: &str = "57014";

/// The pauses before a request is repeated that came while too many others of its user's were running. To wait here costs
/// nobody else a connection of the database.
const WAITS: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
];

/// The time after which the second of two requests with one key should ask again.
const STILL_ANSWERED: Duration = Duration::from_secs(1);

/// The time after which there may be room in a user's budget, where the database does not tell it.
const BUDGET_GROWS: Duration = Duration::from_secs(60);

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

    /// Answers a request with the outcome of each asset that `parse` makes of it.
    ///
    /// # Errors
    /// For the whole request only; a failure of one asset is in the answer.
    pub async fn answer<A: Serialize>(
        &self,
        request: &Request,
        change: RequestedChange,
        parse: impl FnOnce(&Request) -> Result<A, Problem>,
    ) -> Result<Response<Body>, Problem> {
        let parse = |request: &Request| {
            one_asset::refuse_wanted_states(request.headers())?;
            parse(request)
        };
        let requested = self.carry_out(request, change, parse).await?;
        Ok(of_many::answer(change, &requested))
    }

    /// Answers a request about the one asset that `parse` makes of it, with the status of its outcome.
    ///
    /// # Errors
    /// For the request, and for the asset.
    pub async fn answer_one<A: Serialize>(
        &self,
        request: &Request,
        change: RequestedChange,
        parse: impl FnOnce(&Request) -> Result<A, Problem>,
    ) -> Result<Response<Body>, Problem> {
        let requested = self.carry_out(request, change, parse).await?;
        of_one::answer(change, requested)
    }

    /// When this returns, the change is committed, and its intents are sent or wait for the next
    /// drain.
    async fn carry_out<A: Serialize>(
        &self,
        request: &Request,
        change: RequestedChange,
        parse: impl FnOnce(&Request) -> Result<A, Problem>,
    ) -> Result<Requested, Problem> {
        let caller = authenticate(&self.verifier, request.headers(), Timestamp::now()).await?;
        require_writer(&caller)?;
        let key = key::parse_key(request.headers())?;
        let arguments = KeyedArguments {
            arguments: parse(request)?,
            key,
        };
        let end = Deadline::of_request(request);
        let database = self.database.until(end.earlier(TO_HAND_ON));
        let database = database.as_caller(&caller);
        let requested = call(&database, change, &arguments).await?;
        self.send(&requested.done, end).await;
        Ok(requested)
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
    let mut waits = WAITS.iter();
    loop {
        match database.rpc(change.function(), arguments).await {
            Err(error) if error.is_conflict() && attempt < ATTEMPTS => attempt += 1,
            Err(error) if error.code() == Some(STILL_RUNNING) => match waits.next() {
                Some(wait) => tokio::time::sleep(*wait).await,
                None => return Err(problem(error)),
            },
            outcome => return outcome.map_err(problem),
        }
    }
}

/// Refusals of a key are the caller's to solve.
fn problem(error: SupabaseError) -> Problem {
    match error.code() {
        Some(STILL_RUNNING) => Problem::new(
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
        Some(TOO_MUCH_AT_ONCE | STATEMENT_TIMEOUT) => Problem::too_much_at_once(),
        // A list of more items than the user may change within an hour.
        Some("22023") => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            sentence(error.message().unwrap_or_default()),
        ),
        // A rule that is asked at the end of the transaction.
        _ if error.is_about_values() => {
            telemetry::log_error("a rule of the project's refuses a request", &error);
            Problem::rule_refused(error.message().unwrap_or_default())
        }
        _ => error.into(),
    }
}

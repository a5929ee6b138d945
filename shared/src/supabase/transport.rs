//! Sends PostgREST requests, built with the `postgrest` crate, through the shared HTTP client.
//!
//! The crate brings an HTTP stack of another generation. It serves as a query builder. Its finished
//! request is translated here, so that one connection pool and one TLS stack serve everything.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use postgrest::{Builder, Postgrest};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::keys::{InvalidToken, UserToken};
use super::{ApiKey, jwt};
use crate::deadline::Deadline;
use crate::rotation::LiveValue;

/// Longer than the statement timeouts of Supabase's roles, so that theirs speak first.
const TIMEOUT: Duration = Duration::from_secs(15);

/// A project's Data API, called with one key and perhaps on behalf of one user. Cheap to clone.
#[derive(Clone)]
pub struct DataApi {
    base: Url,
    builder: Arc<Postgrest>,
    key: LiveValue<ApiKey>,
    user: Option<UserToken>,
    http: reqwest::Client,
    deadline: Deadline,
}

/// The code that our functions raise when a row is not as it was read. PostgREST makes it a 412.
const CHANGED_MEANWHILE: &str = "PT412";

/// An answer of PostgREST's with a successful status.
#[derive(Debug, Clone)]
pub struct DataReply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    doing: String,
}

/// A failed request to PostgREST.
#[derive(Debug, thiserror::Error)]
pub enum SupabaseError {
    /// No answer: refused, reset, timed out.
    #[error("could not {doing}: PostgREST did not answer")]
    Unreachable {
        doing: String,
        #[source]
        source: reqwest::Error,
    },
    /// The request was not made, because the invocation is nearly over.
    #[error("could not {doing}: no time was left")]
    OutOfTime { doing: String },
    /// PostgREST, PostgreSQL or the gateway in front said no.
    #[error("could not {doing}: PostgREST answered {status} {code}: {message}")]
    Refused {
        doing: String,
        status: u16,
        /// `PGRST…` or an SQLSTATE; empty when the answer was a gateway's.
        code: String,
        message: String,
        /// `detail` of the raised error. It may hold row values, so it stays out of the message.
        details: Option<String>,
        retry_after: Option<Duration>,
    },
    /// An answer of another shape than expected: the code and the database disagree.
    #[error("could not {doing}: the answer has an unexpected form")]
    Unreadable {
        doing: String,
        #[source]
        source: serde_json::Error,
    },
    /// The request cannot be written as JSON.
    #[error("could not {doing}: the arguments cannot be written")]
    Unwritable {
        doing: String,
        #[source]
        source: serde_json::Error,
    },
    /// The query builder could not finish the request.
    #[error("could not {doing}: the request cannot be built: {reason}")]
    Unbuildable { doing: String, reason: String },
}

impl DataApi {
    /// The project at `base` (`SUPABASE_URL`; PostgREST lives under `/rest/v1`).
    pub fn new(base: Url, key: ApiKey, http: reqwest::Client) -> Self {
        Self::rotating(base, LiveValue::fixed(key), http)
    }

    /// The same with a key that may be rotated.
    pub fn rotating(base: Url, key: LiveValue<ApiKey>, http: reqwest::Client) -> Self {
        let rest = format!("{}/rest/v1", base.as_str().trim_end_matches('/'));
        Self {
            base,
            builder: Arc::new(Postgrest::new(rest)),
            key,
            user: None,
            http,
            deadline: Deadline::NEVER,
        }
    }

    /// The same project, asked nothing that cannot be answered before this moment.
    #[must_use]
    pub fn until(&self, deadline: Deadline) -> Self {
        Self {
            deadline,
            ..self.clone()
        }
    }

    /// The same project on behalf of a user, so that row level security decides. Call it on a
    /// client that carries the publishable key.
    ///
    /// # Errors
    /// When the token does not fit into a header.
    pub fn as_user(&self, token: &str) -> Result<Self, InvalidToken> {
        Ok(Self {
            user: Some(UserToken::parse(token)?),
            ..self.clone()
        })
    }

    /// The same project on behalf of a verified caller.
    pub fn as_caller(&self, caller: &jwt::ApiCaller) -> Self {
        Self {
            user: Some(caller.token.clone()),
            ..self.clone()
        }
    }

    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Begins a query of a table or view.
    pub fn from(&self, table: &str) -> Builder {
        self.builder.from(table)
    }

    /// Calls a function with named arguments and reads its result; `()` and `Option` accept a
    /// function that returns nothing.
    ///
    /// # Errors
    /// See [`SupabaseError`].
    pub async fn rpc<T: DeserializeOwned>(
        &self,
        name: &str,
        args: &impl Serialize,
    ) -> Result<T, SupabaseError> {
        let doing = format!("call {name}");
        let args = serde_json::to_string(args).map_err(|source| SupabaseError::Unwritable {
            doing: doing.clone(),
            source,
        })?;
        let request = build(&doing, self.builder.rpc(name, args))?;
        let reply = self.execute(&doing, request, HeaderMap::new()).await?;
        reply.json()
    }

    /// Sends a built query.
    ///
    /// # Errors
    /// See [`SupabaseError`].
    pub async fn send(&self, query: Builder) -> Result<DataReply, SupabaseError> {
        self.send_with(query, HeaderMap::new()).await
    }

    /// Sends a built query with headers that the builder does not know, such as
    /// `Prefer: missing=default`; a `Prefer` is added to the builder's own.
    ///
    /// # Errors
    /// See [`SupabaseError`].
    pub async fn send_with(
        &self,
        query: Builder,
        extra: HeaderMap,
    ) -> Result<DataReply, SupabaseError> {
        let request = build("query", query)?;
        let doing = format!("{} {}", request.method(), last_segment(request.url()));
        self.execute(&doing, request, extra).await
    }

    async fn execute(
        &self,
        doing: &str,
        mut request: reqwest::Request,
        extra: HeaderMap,
    ) -> Result<DataReply, SupabaseError> {
        for (name, value) in &extra {
            request.headers_mut().append(name, value.clone());
        }
        self.send_authorized(doing, &request).await
    }

    /// A refused key has done nothing: if there is a newer one, the request is sent again with it.
    async fn send_authorized(
        &self,
        doing: &str,
        request: &reqwest::Request,
    ) -> Result<DataReply, SupabaseError> {
        let mut key = self.key.current_until(self.deadline).await;
        loop {
            let mut authorized = request
                .try_clone()
                .expect("the body of a translated request is no stream");
            key.authorize(self.user.as_ref(), authorized.headers_mut());
            let error = match self.send_once(doing.to_owned(), authorized).await {
                Err(error) if error.is_about_key(self.user.is_some()) => error,
                outcome => return outcome,
            };
            match self.key.renewed(&key, self.deadline).await {
                Some(newer) => key = newer,
                None => return Err(error),
            }
        }
    }

    async fn send_once(
        &self,
        doing: String,
        mut request: reqwest::Request,
    ) -> Result<DataReply, SupabaseError> {
        let Some(timeout) = self.deadline.timeout(TIMEOUT) else {
            return Err(SupabaseError::OutOfTime { doing });
        };
        *request.timeout_mut() = Some(timeout);
        let unreachable = |source: reqwest::Error| SupabaseError::Unreachable {
            doing: doing.clone(),
            source: source.without_url(),
        };
        let response = self.http.execute(request).await.map_err(unreachable)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(unreachable)?;
        if !status.is_success() {
            return Err(refused(doing, status, &headers, &body));
        }
        Ok(DataReply {
            status,
            headers,
            body,
            doing,
        })
    }
}

impl fmt::Debug for DataApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supabase")
            .field("base", &self.base.as_str())
            .field("key", &self.key)
            .field("user", &self.user.is_some())
            .finish_non_exhaustive()
    }
}

impl DataReply {
    /// Reads the body; an empty one reads as `null`.
    ///
    /// # Errors
    /// [`SupabaseError::Unreadable`] when it is not a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, SupabaseError> {
        let body: &[u8] = if self.body.is_empty() {
            b"null"
        } else {
            &self.body
        };
        serde_json::from_slice(body).map_err(|source| SupabaseError::Unreadable {
            doing: self.doing.clone(),
            source,
        })
    }

    /// The total that a counted query reports: the number after the slash of `Content-Range`.
    pub fn total(&self) -> Option<u64> {
        let range = self.headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
        range.rsplit_once('/')?.1.parse().ok()
    }
}

impl SupabaseError {
    /// Tells whether the same request may succeed later without anybody's doing.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::OutOfTime { .. } => true,
            Self::Refused { status, code, .. } => is_transient(*status, code),
            Self::Unreadable { .. } | Self::Unwritable { .. } | Self::Unbuildable { .. } => false,
        }
    }

    /// Tells a row that has changed since it was read. Read again and try again at once.
    pub fn is_conflict(&self) -> bool {
        matches!(self.code(), Some(CHANGED_MEANWHILE | "40001" | "40P01"))
    }

    /// No row can hold such values: a data exception, a null or a check that forbids it, or a limit
    /// of the program's, such as the length of an index entry.
    pub fn is_about_values(&self) -> bool {
        self.code().is_some_and(|code| match code {
            "23502" | "23514" => true,
            _ => code.len() == 5 && (code.starts_with("22") || code.starts_with("54")),
        })
    }

    /// Another API key may be let in. The gateway refuses a key without a code. PostgREST names its own
    /// reason to refuse a token (`PGRST3..`), which is the key itself where nobody else speaks.
    fn is_about_key(&self, speaks_for_user: bool) -> bool {
        match self {
            Self::Refused {
                status: 401, code, ..
            } => code.is_empty() || (!speaks_for_user && code.starts_with("PGRST3")),
            _ => false,
        }
    }

    /// The `PGRST…` code or SQLSTATE, if the answer had one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } if !code.is_empty() => Some(code),
            _ => None,
        }
    }

    /// The HTTP status of a refusal.
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The shortest wait, where the answer tells one.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

fn is_transient(status: u16, code: &str) -> bool {
    match code {
        CHANGED_MEANWHILE => true,
        // Statement timeout; too many connections; serialization failure; deadlock; lock not
        // available; shutdown, crash or start of the server; PostgREST's own connection errors.
        "57014" | "53300" | "40001" | "40P01" | "55P03" | "57P01" | "57P02" | "57P03"
        | "PGRST000" | "PGRST001" | "PGRST002" | "PGRST003" => true,
        _ if code.starts_with("08") => true,
        _ => matches!(status, 408 | 429 | 502 | 503 | 504),
    }
}

fn refused(doing: String, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> SupabaseError {
    #[derive(serde::Deserialize, Default)]
    #[serde(default)]
    struct Problem {
        code: Option<String>,
        message: Option<String>,
        details: Option<serde_json::Value>,
    }
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    let message = problem.message.unwrap_or_else(|| {
        let text = String::from_utf8_lossy(body);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    SupabaseError::Refused {
        doing,
        status: status.as_u16(),
        code: problem.code.unwrap_or_default(),
        message: message.chars().take(400).collect(),
        details: problem.details.and_then(|details| match details {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text),
            other => Some(other.to_string()),
        }),
        retry_after: headers
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs),
    }
}

fn build(doing: &str, query: Builder) -> Result<reqwest::Request, SupabaseError> {
    translate(query).map_err(|reason| SupabaseError::Unbuildable {
        doing: doing.to_owned(),
        reason,
    })
}

/// The builder's finished request (`http` 0.2) as one of the current `http`.
fn translate(query: Builder) -> Result<reqwest::Request, String> {
    let old = query.build().build().map_err(|error| error.to_string())?;
    let method =
        Method::from_bytes(old.method().as_str().as_bytes()).map_err(|error| error.to_string())?;
    let mut request = reqwest::Request::new(method, old.url().clone());
    for (name, value) in old.headers() {
        let name =
            HeaderName::from_bytes(name.as_str().as_bytes()).map_err(|error| error.to_string())?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|error| error.to_string())?;
        request.headers_mut().append(name, value);
    }
    if let Some(body) = old.body() {
        let bytes = body.as_bytes().ok_or("the body is a stream")?;
        if !bytes.is_empty() {
            *request.body_mut() = Some(Bytes::copy_from_slice(bytes).into());
        }
    }
    Ok(request)
}

fn last_segment(url: &Url) -> &str {
    url.path_segments()
        .and_then(|mut segments| segments.next_back())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, body: &str) -> SupabaseError {
        let status = StatusCode::from_u16(status).unwrap();
        refused(
            "call x".to_owned(),
            status,
            &HeaderMap::new(),
            body.as_bytes(),
        )
    }

    #[test]
    fn codes_decide_what_may_be_tried_again() {
        for (status, code) in [
            (500, "57014"),
            (500, "53300"),
            (500, "40001"),
            (503, "PGRST002"),
            (500, "08006"),
        ] {
            let error = error(
                status,
                &format!(r#"{{"code":"{code}","message":"m","details":null,"hint":null}}"#),
            );
            assert!(error.is_transient(), "{code}");
        }
        for (status, code) in [
            (409, "23505"),
            (404, "PGRST202"),
            (403, "42501"),
            (400, "P0001"),
        ] {
            let error = error(status, &format!(r#"{{"code":"{code}","message":"m"}}"#));
            assert!(!error.is_transient(), "{code}");
        }
        assert!(error(500, r#"{"code":"40001"}"#).is_conflict());
        assert!(error(412, r#"{"code":"PT412"}"#).is_conflict());
        assert!(error(412, r#"{"code":"PT412"}"#).is_transient());
    }

    #[test]
    fn a_refused_key_is_told_from_a_refused_user() {
        let wrong_key = r#"{"message":"Invalid API key","hint":"Double check it."}"#;
        let wrong_token = r#"{"code":"PGRST301","message":"JWSInvalidSignature"}"#;
        let not_allowed = r#"{"code":"42501","message":"permission denied"}"#;
        for (status, body, for_user, expected) in [
            (401, wrong_key, false, true),
            (401, wrong_key, true, true),
            (401, wrong_token, false, true),
            (401, wrong_token, true, false),
            (401, not_allowed, false, false),
            (403, not_allowed, true, false),
            (503, "", false, false),
        ] {
            let error = error(status, body);
            assert_eq!(error.is_about_key(for_user), expected, "{status} {body}");
        }
    }

    #[test]
    fn gateway_page_is_a_transient_error_with_its_words() {
        let error = error(502, "<html>\n Bad   Gateway</html>");
        assert!(error.is_transient());
        assert!(error.to_string().contains("502"), "{error}");
        assert!(
            error.to_string().contains("<html> Bad Gateway</html>"),
            "{error}"
        );
        assert_eq!(error.code(), None);
    }

    #[test]
    fn row_values_in_details_stay_out_of_the_message() {
        let error = error(
            409,
            r#"{"code":"23505","message":"duplicate","details":"Key (email)=(a@b)"}"#,
        );
        assert!(!error.to_string().contains("a@b"));
    }

    #[test]
    fn built_queries_keep_method_address_headers_and_body() {
        let postgrest = Postgrest::new("http://h/rest/v1");
        let get = translate(
            postgrest
                .from("t")
                .select("a,b")
                .eq("n", "x y&z")
                .exact_count(),
        )
        .unwrap();
        assert_eq!(get.method(), Method::GET);
        assert_eq!(
            get.url().as_str(),
            "http://h/rest/v1/t?select=a%2Cb&n=eq.x+y%26z"
        );
        assert_eq!(get.headers()["prefer"], "count=exact");
        assert!(get.body().is_none());
        let post = translate(postgrest.rpc("f", r#"{"a":1}"#)).unwrap();
        assert_eq!(post.method(), Method::POST);
        assert_eq!(post.url().path(), "/rest/v1/rpc/f");
        assert_eq!(post.headers()["content-type"], "application/json");
        assert_eq!(post.body().unwrap().as_bytes(), Some(&br#"{"a":1}"#[..]));
    }
}

//! Sends PostgREST requests, built with the `postgrest` crate, through the shared HTTP client.
//!
//! The crate brings an HTTP stack of another generation. It serves as a query builder. Its finished
//! request is translated, so that one connection pool and one TLS stack serve everything.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use postgrest::{Builder, Postgrest};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::built_query::{build, last_segment};
use super::error::refused;
use super::keys::{InvalidToken, UserToken};
use super::{ApiKey, SupabaseError, jwt};
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

/// An answer of PostgREST's with a successful status.
#[derive(Debug, Clone)]
pub struct DataReply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    doing: String,
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
                Err(error) if error.is_about_key() => error,
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
            let speaks_for_user = self.user.is_some();
            return Err(refused(doing, status, &headers, &body, speaks_for_user));
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
    /// Reads the body; an empty one reads as `null`, where that is a `T`.
    ///
    /// # Errors
    /// [`SupabaseError::Unreadable`] when it is not a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, SupabaseError> {
        let nothing = || self.body.is_empty().then(|| serde_json::from_str("null"));
        let read = nothing().and_then(Result::ok).map(Ok);
        let read = read.unwrap_or_else(|| serde_json::from_slice(&self.body));
        read.map_err(|source| SupabaseError::Unreadable {
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

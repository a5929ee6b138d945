//! Errors as RFC 9457 problem documents.

mod of_errors;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use http::{HeaderValue, Response, StatusCode, header};
use lambda_http::Body;
use serde_json::{Map, Value, json};

use super::reply;
use crate::telemetry;

/// The wait where no service named one.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// An answer that tells the caller the failure; the cause is for the log.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Box<str>,
    parameter: Option<Box<str>>,
    retry_after: Option<Duration>,
    header: Option<Extra>,
    cause: Option<Box<str>>,
    /// Further members of the document. Boxed, as few problems have any.
    more: Option<Box<Map<String, Value>>>,
}

/// The header that HTTP asks for beside some statuses.
#[derive(Debug)]
enum Extra {
    Challenge(&'static str),
    Allow(Cow<'static, str>),
}

impl Problem {
    /// A problem with a stable code and a sentence for people.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into().into(),
            parameter: None,
            retry_after: None,
            header: None,
            cause: None,
            more: None,
        }
    }

    /// 400, naming the parameter or the field of the body.
    pub fn parameter(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_parameter", detail).about(name)
    }

    /// 400 for a body of another form than its address takes.
    pub fn invalid_body(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_body", detail)
    }

    /// 401 for want of a good token, with the challenge that HTTP asks for.
    pub fn unauthorized(code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            header: Some(Extra::Challenge("Bearer error=\"invalid_token\"")),
            ..Self::new(StatusCode::UNAUTHORIZED, code, detail)
        }
    }

    /// 401 for want of any token: nothing was wrong yet (RFC 6750, section 3.1).
    pub fn token_missing() -> Self {
        Self {
            header: Some(Extra::Challenge("Bearer")),
            ..Self::unauthorized("token_missing", "Send a token: `Authorization: Bearer …`.")
        }
    }

    /// 403: the caller is known, and may not have it.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 403: users without an account are not let in.
    pub fn anonymous_user() -> Self {
        let detail = "Anonymous users may not do that. Sign in with an account.";
        Self::new(StatusCode::FORBIDDEN, "anonymous_user", detail)
    }

    /// 403: an administrator has signed in without a second factor, and this wants one.
    pub fn assurance_wanted() -> Self {
        let detail = "This wants a second factor: sign in with one (`aal2`), then repeat.";
        Self::new(StatusCode::FORBIDDEN, "assurance_wanted", detail)
    }

    /// 404.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// 405, naming the allowed methods.
    pub fn method_not_allowed(allow: impl Into<Cow<'static, str>>) -> Self {
        let allow = allow.into();
        let detail = format!("This address takes {allow}.");
        Self {
            header: Some(Extra::Allow(allow)),
            ..Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
        }
    }

    /// 413.
    pub fn too_large(limit: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("The body may have {limit} bytes at most."),
        )
    }

    /// 413, for a list that would take the database too long.
    pub fn too_much_at_once() -> Self {
        let detail = "These changes are too much for one request, together. Nothing was done. Send fewer items at once.";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    }

    /// 422: a trigger or a constraint of the project's own refuses the row, in these words.
    pub fn rule_refused(words: &str) -> Self {
        let detail = sentence(words);
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "rule_refused", detail)
    }

    /// 429: too much was asked for, perhaps by others; the same request succeeds later.
    pub fn too_many(code: &'static str, retry_after: Option<Duration>, cause: &dyn Error) -> Self {
        Self {
            retry_after: Some(retry_after.unwrap_or(RETRY_AFTER)),
            cause: Some(telemetry::chain(cause).into()),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                code,
                "The service is busy. Wait for `Retry-After` seconds, then repeat.",
            )
        }
    }

    /// 503: the same request may succeed later.
    pub fn unavailable(
        code: &'static str,
        retry_after: Option<Duration>,
        cause: &dyn Error,
    ) -> Self {
        Self {
            retry_after: Some(retry_after.unwrap_or(RETRY_AFTER)),
            cause: Some(telemetry::chain(cause).into()),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                code,
                "A service that this one needs does not answer. Repeat after `Retry-After` seconds.",
            )
        }
    }

    /// 500: nothing that the caller could do.
    pub fn internal(cause: &dyn Error) -> Self {
        Self {
            cause: Some(telemetry::chain(cause).into()),
            ..Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Something went wrong here. The request id finds it in the log.",
            )
        }
    }

    /// The same, saying when the request may be sent again.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        Self {
            retry_after: Some(wait),
            ..self
        }
    }

    /// The same, naming the parameter or the field of the body that it is about.
    #[must_use]
    pub fn about(self, name: impl Into<String>) -> Self {
        Self {
            parameter: Some(name.into().into()),
            ..self
        }
    }

    /// The same, with further members of the document.
    #[must_use]
    pub fn with(self, more: Map<String, Value>) -> Self {
        let more = Some(Box::new(more));
        Self { more, ..self }
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    pub fn code(&self) -> &'static str {
        self.code
    }

    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The parameter or the field of the body that it is about.
    pub fn subject(&self) -> Option<&str> {
        self.parameter.as_deref()
    }

    /// Writes the answer, and the cause, once, to the log.
    pub fn into_response(self, request_id: &str) -> Response<Body> {
        if let Some(cause) = &self.cause {
            tracing::error!(
                code = self.code,
                status = self.status.as_u16(),
                error = &**cause,
                "request failed"
            );
        }
        let mut document = Value::Object(self.more.map(|more| *more).unwrap_or_default());
        let members = json!({
            "type": format!("urn:media-sync:problem:{}", self.code),
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
            "instance": format!("urn:request:{request_id}"),
            "request_id": request_id,
        });
        for (name, value) in members.as_object().into_iter().flatten() {
            document[name] = value.clone();
        }
        if let Some(parameter) = self.parameter {
            document["parameter"] = String::from(parameter).into();
        }
        let mut response = reply::with_type(
            self.status,
            "application/problem+json",
            document.to_string() + "\n",
        );
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs_f64().ceil().max(1.0);
            let value =
                HeaderValue::from_str(&format!("{seconds:.0}")).expect("digits fit into a header");
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        let extra = self.header.map(|extra| match extra {
            Extra::Challenge(challenge) => (header::WWW_AUTHENTICATE, challenge.into()),
            Extra::Allow(methods) => (header::ALLOW, methods),
        });
        if let Some((name, value)) = extra {
            let value =
                HeaderValue::from_str(&value).expect("methods and challenges are visible text");
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// Words as a sentence.
pub(super) fn sentence(words: &str) -> String {
    let mut characters = words.chars();
    characters.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_uppercase(), characters.as_str())
    })
}

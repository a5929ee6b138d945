//! Errors as RFC 9457 problem documents, and the one place where errors become statuses.

use std::error::Error;
use std::time::Duration;

use http::{HeaderValue, Response, StatusCode, header};
use lambda_http::Body;
use serde_json::json;

use super::reply;
use crate::cloudinary::signature::SignatureRejection;
use crate::cloudinary::{CloudinaryError, RefusalKind};
use crate::config::ConfigError;
use crate::parameter::ParameterError;
use crate::queue::SendError;
use crate::settings::SettingError;
use crate::supabase::SupabaseError;
use crate::supabase::jwt::TokenError;
use crate::sync::uploads::UploadError;
use crate::telemetry;
use crate::upload::UploadRefusal;

/// The wait where no service named one.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Some of a thousand uploads under way end in this time, by their own end or by their limit.
const UPLOADS_END: Duration = Duration::from_secs(60);

/// An answer that tells the caller the failure; the cause is for the log.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    parameter: Option<Box<str>>,
    retry_after: Option<Duration>,
    header: Option<Extra>,
    cause: Option<Box<str>>,
}

/// The header that HTTP asks for beside some statuses.
#[derive(Debug, Clone, Copy)]
enum Extra {
    Challenge(&'static str),
    Allow(&'static str),
}

impl Problem {
    /// A problem with a stable code and a sentence for people.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            parameter: None,
            retry_after: None,
            header: None,
            cause: None,
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

    /// 404.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// 405, naming the allowed methods.
    pub fn method_not_allowed(allow: &'static str) -> Self {
        Self {
            header: Some(Extra::Allow(allow)),
            ..Self::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                format!("This address takes {allow}."),
            )
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
        let mut document = json!({
            "type": format!("urn:media-sync:problem:{}", self.code),
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
            "instance": format!("urn:request:{request_id}"),
            "request_id": request_id,
        });
        if let Some(parameter) = self.parameter {
            document["parameter"] = String::from(parameter).into();
        }
        let mut response = reply::with_type(
            self.status,
            "application/problem+json",
            document.to_string(),
        );
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs_f64().ceil().max(1.0);
            let value =
                HeaderValue::from_str(&format!("{seconds:.0}")).expect("digits fit into a header");
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        let extra = self.header.map(|extra| match extra {
            Extra::Challenge(challenge) => (header::WWW_AUTHENTICATE, challenge),
            Extra::Allow(methods) => (header::ALLOW, methods),
        });
        if let Some((name, value)) = extra {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

impl From<ParameterError> for Problem {
    fn from(error: ParameterError) -> Self {
        let detail = error.to_string();
        Self::parameter(error.name, detail)
    }
}

impl From<UploadRefusal> for Problem {
    fn from(refusal: UploadRefusal) -> Self {
        let status = match &refusal {
            UploadRefusal::Parameter(error) => return error.clone().into(),
            UploadRefusal::OutsidePrefix(_)
            | UploadRefusal::RemoteOff
            | UploadRefusal::NotYours => StatusCode::FORBIDDEN,
            UploadRefusal::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            UploadRefusal::NotAllowed(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            UploadRefusal::Mismatch(_) | UploadRefusal::Address(_) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            UploadRefusal::Taken | UploadRefusal::Reserved => StatusCode::CONFLICT,
            UploadRefusal::TooMany => StatusCode::TOO_MANY_REQUESTS,
        };
        Self {
            retry_after: (refusal == UploadRefusal::TooMany).then_some(UPLOADS_END),
            ..Self::new(status, refusal.code(), refusal.to_string())
        }
    }
}

impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Refused(refusal) => refusal.into(),
            UploadError::Store(source) => source.into(),
            UploadError::Cloudinary(CloudinaryError::Refused(refused))
                if matches!(
                    refused.refusal,
                    RefusalKind::BadRequest | RefusalKind::NotFound
                ) =>
            {
                // It is about the sender's own file or address.
                let detail = format!("Cloudinary did not take the file: {}.", refused.message);
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "file_refused", detail)
            }
            UploadError::Cloudinary(source) => source.into(),
        }
    }
}

impl From<SignatureRejection> for Problem {
    fn from(rejection: SignatureRejection) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            rejection.code(),
            sentence(&rejection),
        )
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        if error.is_transient() {
            return Self::unavailable(error.code(), None, &error);
        }
        Self::unauthorized(error.code(), sentence(&error))
    }
}

impl From<SendError> for Problem {
    fn from(error: SendError) -> Self {
        // Whatever SQS's reason, the caller's message was good and may be sent again.
        Self::unavailable("queue_unavailable", None, &error)
    }
}

impl From<SettingError> for Problem {
    fn from(error: SettingError) -> Self {
        // Rules that are not known are never taken for none.
        Self::unavailable("settings_unavailable", None, &error)
    }
}

impl From<ConfigError> for Problem {
    fn from(error: ConfigError) -> Self {
        Self::internal(&error)
    }
}

impl From<SupabaseError> for Problem {
    fn from(error: SupabaseError) -> Self {
        let is_busy = error.status() == Some(429)
            // Too many connections, for PostgreSQL and for PostgREST's pool.
            || matches!(error.code(), Some("53300" | "PGRST003"));
        if is_busy {
            return Self::too_many("database_busy", error.retry_after(), &error);
        }
        if error.is_transient() {
            return Self::unavailable("database_unavailable", error.retry_after(), &error);
        }
        match error.code() {
            Some("42501") => Self::forbidden("You may not do that."),
            // PostgREST's own verdict on the forwarded token, which may expire on the way.
            Some("PGRST301" | "PGRST303") => {
                Self::unauthorized("token_refused", "The database refused the token.")
            }
            Some("PGRST116") => Self::not_found("There is no such record."),
            _ => Self::internal(&error),
        }
    }
}

impl From<CloudinaryError> for Problem {
    fn from(error: CloudinaryError) -> Self {
        if let Some(RefusalKind::Quota { .. } | RefusalKind::Concurrency { .. }) = error.refusal() {
            return Self::too_many(error.code(), error.retry_after(), &error);
        }
        if error.is_transient() {
            return Self::unavailable(error.code(), error.retry_after(), &error);
        }
        match error.refusal() {
            Some(RefusalKind::NotFound) => Self::not_found("Cloudinary has no such asset."),
            Some(RefusalKind::Conflict) => Self::new(
                StatusCode::CONFLICT,
                error.code(),
                "Cloudinary has this name already.",
            ),
            Some(RefusalKind::BadRequest) => Self {
                cause: Some(telemetry::chain(&error).into()),
                ..Self::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    error.code(),
                    "Cloudinary refused the request.",
                )
            },
            _ => Self::internal(&error),
        }
    }
}

/// An error's words as a sentence.
fn sentence(error: &dyn Error) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_uppercase(), characters.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(response: &Response<Body>) -> serde_json::Value {
        serde_json::from_slice(response.body()).unwrap()
    }

    #[test]
    fn parameter_problem_names_the_parameter() {
        let response = Problem::parameter("limit", "`limit` is too big").into_response("r-1");
        assert_eq!(response.status(), 400);
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
        assert_eq!(
            body(&response),
            json!({
                "type": "urn:media-sync:problem:invalid_parameter",
                "title": "Bad Request",
                "status": 400,
                "detail": "`limit` is too big",
                "code": "invalid_parameter",
                "instance": "urn:request:r-1",
                "request_id": "r-1",
                "parameter": "limit"
            })
        );
    }

    #[test]
    fn transient_errors_are_503_with_retry_after_and_no_internals() {
        let error = SupabaseError::Refused {
            doing: "call secret_function".into(),
            status: 503,
            code: "PGRST001".into(),
            message: "password=hush".into(),
            details: None,
            retry_after: None,
        };
        let response = Problem::from(error).into_response("r");
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "5");
        let text = body(&response).to_string();
        assert!(
            !text.contains("hush") && !text.contains("secret_function"),
            "{text}"
        );
    }

    /// A problem of every error that there is, and the error's words.
    fn all_problems() -> Vec<(Problem, String)> {
        use crate::cloudinary::RefusedCall;
        let mut problems = Vec::new();
        let mut add = |problem: Problem, words: &str| problems.push((problem, words.to_owned()));
        for error in [
            TokenError::TooLarge,
            TokenError::Malformed,
            TokenError::ApiKey,
            TokenError::Algorithm,
            TokenError::UnknownKey,
            TokenError::Signature,
            TokenError::Expired,
            TokenError::NotYetValid,
            TokenError::Audience,
            TokenError::Issuer,
            TokenError::Subject,
            TokenError::KeysUnavailable(None),
        ] {
            add(error.into(), "");
        }
        for rejection in [
            SignatureRejection::MissingTimestamp,
            SignatureRejection::MissingSignature,
            SignatureRejection::MalformedTimestamp,
            SignatureRejection::MalformedSignature,
            SignatureRejection::Stale,
            SignatureRejection::FromTheFuture,
            SignatureRejection::WrongSignature,
        ] {
            add(rejection.into(), "");
        }
        let wait = Some(Duration::from_secs(7));
        for refusal in [
            RefusalKind::Quota {
                retry_after: Duration::from_secs(7),
            },
            RefusalKind::Concurrency { retry_after: wait },
            RefusalKind::AddOn,
            RefusalKind::Stale,
            RefusalKind::Unauthorized,
            RefusalKind::Forbidden,
            RefusalKind::NotFound,
            RefusalKind::Conflict,
            RefusalKind::CursorExpired,
            RefusalKind::Processing,
            RefusalKind::Server { retry_after: wait },
            RefusalKind::BadRequest,
        ] {
            let refused = RefusedCall {
                doing: "hush".to_owned(),
                status: 400,
                refusal,
                message: "hush".to_owned(),
                request_id: None,
                observed_at: crate::time::Timestamp::from_secs(0),
            };
            add(CloudinaryError::Refused(Box::new(refused)).into(), "hush");
        }
        let unreadable = CloudinaryError::Unreadable {
            doing: "hush".to_owned(),
            status: 502,
            excerpt: "hush".to_owned(),
            source: None,
        };
        add(unreadable.into(), "hush");
        for code in [
            "42501", "PGRST301", "PGRST303", "PGRST116", "53300", "57014", "22P02", "PGRST003",
        ] {
            let error = SupabaseError::Refused {
                doing: "hush".to_owned(),
                status: 400,
                code: code.to_owned(),
                message: "hush".to_owned(),
                details: Some("hush".to_owned()),
                retry_after: None,
            };
            add(error.into(), "hush");
        }
        for refusal in [
            UploadRefusal::parameter("folder", "is odd"),
            UploadRefusal::OutsidePrefix("mine".to_owned()),
            UploadRefusal::TooLarge { limit: 1, hint: "" },
            UploadRefusal::NotAllowed("No.".to_owned()),
            UploadRefusal::Mismatch("No.".to_owned()),
            UploadRefusal::RemoteOff,
            UploadRefusal::Address("no".to_owned()),
            UploadRefusal::Taken,
            UploadRefusal::Reserved,
            UploadRefusal::NotYours,
            UploadRefusal::TooMany,
        ] {
            add(refusal.into(), "");
        }
        add(Problem::too_large(1), "");
        add(Problem::token_missing(), "");
        add(Problem::method_not_allowed("GET"), "");
        add(ParameterError::new("limit", "is too big").into(), "");
        problems
    }

    #[test]
    fn every_problem_is_in_the_catalogue_and_tells_no_internals() {
        use super::super::catalogue;
        for (problem, words) in all_problems() {
            let code = problem.code();
            let entry = catalogue::find(code).unwrap_or_else(|| panic!("{code} is not listed"));
            let response = problem.into_response("r");
            assert_eq!(response.status().as_u16(), entry.status, "{code}");
            let must_wait = matches!(entry.status, 429 | 503);
            assert_eq!(
                response.headers().contains_key("retry-after"),
                must_wait,
                "{code}"
            );
            let text = body(&response).to_string();
            assert!(words.is_empty() || !text.contains(&words), "{text}");
        }
    }

    #[test]
    fn refused_tokens_are_challenged_and_refused_notifications_are_not() {
        let token = Problem::from(TokenError::Expired).into_response("r");
        assert_eq!(token.status(), 401);
        assert_eq!(
            token.headers()["www-authenticate"],
            "Bearer error=\"invalid_token\""
        );
        let missing = Problem::token_missing().into_response("r");
        assert_eq!(missing.headers()["www-authenticate"], "Bearer");
        assert_eq!(body(&token)["code"], "token_expired");
        let notification = Problem::from(SignatureRejection::Stale).into_response("r");
        assert_eq!(notification.status(), 401);
        assert!(!notification.headers().contains_key("www-authenticate"));
        assert_eq!(
            body(&notification)["detail"],
            "The notification was signed more than two hours ago."
        );
    }

    #[test]
    fn every_answer_carries_the_security_headers() {
        for response in [
            Problem::not_found("x").into_response("r"),
            reply::json(StatusCode::OK, &json!({})),
        ] {
            assert_eq!(response.headers()["x-content-type-options"], "nosniff");
            assert_eq!(response.headers()["cache-control"], "no-store");
        }
    }
}

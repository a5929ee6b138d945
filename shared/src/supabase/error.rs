//! Failed requests to PostgREST.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};

use super::refusal::{RefusalCause, is_own_code};

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
        cause: RefusalCause,
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

impl SupabaseError {
    /// Tells whether the same request may succeed later without anybody's doing.
    ///
    /// A body that is no JSON is a proxy's page or was cut off. JSON of another shape is ours.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::OutOfTime { .. } => true,
            Self::Refused { cause, .. } => cause.is_passing(),
            Self::Unreadable { source, .. } => !source.is_data(),
            Self::Unwritable { .. } | Self::Unbuildable { .. } => false,
        }
    }

    /// Tells a row that has changed since it was read. Read again and try again at once.
    pub fn is_conflict(&self) -> bool {
        self.cause() == Some(RefusalCause::Changed)
    }

    /// Tells values that no row can hold.
    pub fn is_about_values(&self) -> bool {
        self.cause() == Some(RefusalCause::Values)
    }

    /// Tells that a request for less at once may succeed.
    pub fn is_about_size(&self) -> bool {
        self.cause().is_some_and(RefusalCause::is_about_size)
    }

    /// Tells that another API key may be let in.
    pub fn is_about_key(&self) -> bool {
        self.cause() == Some(RefusalCause::Key)
    }

    /// The cause of a refusal.
    pub const fn cause(&self) -> Option<RefusalCause> {
        match self {
            Self::Refused { cause, .. } => Some(*cause),
            _ => None,
        }
    }

    /// The `PGRST…` code or SQLSTATE, if the answer had one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } if !code.is_empty() => Some(code),
            _ => None,
        }
    }

    /// The words of a refusal.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Refused { message, .. } => Some(message),
            _ => None,
        }
    }

    /// The `detail` of the raised error. Our own functions put a code there.
    pub fn details(&self) -> Option<&str> {
        match self {
            Self::Refused { details, .. } => details.as_deref(),
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

/// Reads a refusal: PostgREST's, PostgreSQL's, or a gateway's page.
pub(super) fn refused(
    doing: String,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    speaks_for_user: bool,
) -> SupabaseError {
    #[derive(serde::Deserialize, Default)]
    #[serde(default)]
    struct Problem {
        code: Option<String>,
        message: Option<String>,
        details: Option<serde_json::Value>,
    }
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    let code = problem.code.filter(|code| is_own_code(code));
    let code = code.unwrap_or_default();
    let message = problem.message.unwrap_or_else(|| {
        let text = String::from_utf8_lossy(body);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    SupabaseError::Refused {
        doing,
        status: status.as_u16(),
        cause: RefusalCause::of(status.as_u16(), &code, speaks_for_user),
        code,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, body: &str) -> SupabaseError {
        let status = StatusCode::from_u16(status).unwrap();
        let doing = "call x".to_owned();
        refused(doing, status, &HeaderMap::new(), body.as_bytes(), false)
    }

    #[test]
    fn only_postgrests_own_form_has_a_code() {
        let own = error(
            404,
            r#"{"code":"PGRST202","message":"m","details":null,"hint":null}"#,
        );
        assert_eq!(own.code(), Some("PGRST202"));
        for body in [
            "",
            "<html>",
            r#"{"message":"Invalid API key","hint":"Double check it."}"#,
            r#"{"code":544,"message":"pool timeout"}"#,
            r#"{"code":"DatabaseTimeout","message":"m"}"#,
        ] {
            let foreign = error(500, body);
            assert_eq!(foreign.code(), None, "{body}");
            assert!(foreign.is_transient(), "{body}");
        }
    }

    #[test]
    fn a_body_that_is_no_json_passes_and_one_of_another_shape_is_ours() {
        for (body, passes) in [("", true), ("<html>", true), ("[7", true), ("{}", false)] {
            let source = serde_json::from_str::<Vec<u8>>(body).unwrap_err();
            let doing = "call x".to_owned();
            let error = SupabaseError::Unreadable { doing, source };
            assert_eq!(error.is_transient(), passes, "{body}");
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
    }

    #[test]
    fn row_values_in_details_stay_out_of_the_message() {
        let error = error(
            409,
            r#"{"code":"23505","message":"duplicate","details":"Key (email)=(a@b)"}"#,
        );
        assert!(!error.to_string().contains("a@b"));
    }
}

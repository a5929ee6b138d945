//! Failed requests to PostgREST, and what their codes mean.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};

/// The code that our functions raise when a row is not as it was read. PostgREST makes it a 412.
const CHANGED_MEANWHILE: &str = "PT412";

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
    pub(super) fn is_about_key(&self, speaks_for_user: bool) -> bool {
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

/// Reads a refusal: PostgREST's, PostgreSQL's, or a gateway's page.
pub(super) fn refused(
    doing: String,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> SupabaseError {
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
}

//! Everything that Auth refuses, with the statuses and codes of GoTrue, in both forms of its error answers.
//!
//! Codes: <https://supabase.com/docs/guides/auth/debugging/error-codes>.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

/// SDKs ask for the newer form of errors with this header.
const API_VERSION: HeaderName = HeaderName::from_static("x-supabase-api-version");
const NEWER_FORM: &str = "2024-01-01";

/// A request that is refused.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Refusal {
    #[error("This endpoint requires a valid Bearer token")]
    NoAuthorization,
    #[error("invalid JWT: unable to parse or verify signature, {0}")]
    BadToken(String),
    #[error("invalid claim: missing sub claim")]
    NoSubject,
    #[error("invalid claim: {0} claim must be a UUID")]
    ClaimNotUuid(&'static str),
    #[error("User from sub claim in JWT does not exist")]
    UserOfTokenGone,
    #[error("Session from session_id claim in JWT does not exist")]
    SessionGone,
    #[error("User not allowed")]
    NotAdmin,
    #[error("User is banned")]
    Banned(StatusCode),
    #[error("{0}")]
    Invalid(String),
    #[error("user_id must be an UUID")]
    UserIdNotUuid,
    #[error("Could not parse request body as JSON: {0}")]
    BadJson(String),
    #[error("{}", weakness.join(" "))]
    WeakPassword {
        weakness: Vec<String>,
        reasons: Vec<&'static str>,
    },
    #[error("New password should be different from the old password.")]
    SamePassword,
    #[error("Updating password of an anonymous user without an email or phone is not allowed")]
    PasswordWithoutEmail,
    #[error("Signups not allowed for this instance")]
    SignUpDisabled,
    #[error("Anonymous sign-ins are disabled")]
    AnonymousDisabled,
    #[error("Phone {0} are disabled")]
    PhoneDisabled(&'static str),
    #[error("User already registered")]
    AlreadyRegistered,
    #[error("A user with this email address has already been registered")]
    EmailExists,
    #[error("Invalid login credentials")]
    InvalidCredentials,
    #[error("unsupported_grant_type")]
    UnsupportedGrant,
    #[error("Email not confirmed")]
    EmailNotConfirmed,
    #[error("Invalid Refresh Token: Refresh Token Not Found")]
    RefreshTokenNotFound,
    #[error("Invalid Refresh Token: Already Used")]
    RefreshTokenUsed,
    #[error("User not found")]
    UserNotFound,
    #[error("Token has expired or is invalid")]
    BadOneTimeToken,
    #[error("Signups not allowed for otp")]
    OtpDisabled,
    #[error("invalid flow state, no valid flow state found")]
    FlowNotFound,
    #[error("invalid flow state, flow state has expired")]
    FlowExpired,
    #[error("code challenge does not match previously saved code verifier")]
    BadVerifier,
    #[error("The local Auth does not offer {0}; a hosted project may.")]
    NotOffered(String),
    #[error("Database error {doing}")]
    Database {
        doing: &'static str,
        /// A constraint or a trigger of the project refused the row.
        by_rule: Option<Value>,
    },
    #[error("Auth is being started")]
    Starting,
    #[error("Internal Server Error")]
    Internal,
}

impl Refusal {
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }

    /// Names the database's step that failed.
    pub(super) fn while_doing(self, doing: &'static str) -> Self {
        match self {
            Self::Database { by_rule, .. } => Self::Database { doing, by_rule },
            other => other,
        }
    }

    fn status_and_code(&self) -> (StatusCode, &'static str) {
        const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
        match self {
            Self::NoAuthorization => (StatusCode::UNAUTHORIZED, "no_authorization"),
            Self::BadToken(_) | Self::NoSubject | Self::ClaimNotUuid("session_id") => {
                (StatusCode::FORBIDDEN, "bad_jwt")
            }
            Self::ClaimNotUuid(_) => (StatusCode::BAD_REQUEST, "bad_jwt"),
            Self::UserOfTokenGone => (StatusCode::FORBIDDEN, "user_not_found"),
            Self::SessionGone => (StatusCode::FORBIDDEN, "session_not_found"),
            Self::NotAdmin => (StatusCode::FORBIDDEN, "not_admin"),
            Self::Banned(status) => (*status, "user_banned"),
            Self::Invalid(_) => (StatusCode::BAD_REQUEST, "validation_failed"),
            Self::UserIdNotUuid => (StatusCode::NOT_FOUND, "validation_failed"),
            Self::BadJson(_) => (StatusCode::BAD_REQUEST, "bad_json"),
            Self::WeakPassword { .. } => (UNPROCESSABLE, "weak_password"),
            Self::SamePassword => (UNPROCESSABLE, "same_password"),
            Self::PasswordWithoutEmail => (UNPROCESSABLE, "validation_failed"),
            Self::SignUpDisabled => (UNPROCESSABLE, "signup_disabled"),
            Self::AnonymousDisabled => (UNPROCESSABLE, "anonymous_provider_disabled"),
            Self::PhoneDisabled("signups") => (StatusCode::BAD_REQUEST, "phone_provider_disabled"),
            Self::PhoneDisabled(_) => (UNPROCESSABLE, "phone_provider_disabled"),
            Self::AlreadyRegistered => (UNPROCESSABLE, "user_already_exists"),
            Self::EmailExists => (UNPROCESSABLE, "email_exists"),
            Self::InvalidCredentials | Self::UnsupportedGrant => {
                (StatusCode::BAD_REQUEST, "invalid_credentials")
            }
            Self::EmailNotConfirmed => (StatusCode::BAD_REQUEST, "email_not_confirmed"),
            Self::RefreshTokenNotFound => (StatusCode::BAD_REQUEST, "refresh_token_not_found"),
            Self::RefreshTokenUsed => (StatusCode::BAD_REQUEST, "refresh_token_already_used"),
            Self::UserNotFound => (StatusCode::NOT_FOUND, "user_not_found"),
            Self::BadOneTimeToken => (StatusCode::FORBIDDEN, "otp_expired"),
            Self::OtpDisabled => (UNPROCESSABLE, "otp_disabled"),
            Self::FlowNotFound => (StatusCode::NOT_FOUND, "flow_state_not_found"),
            Self::FlowExpired => (UNPROCESSABLE, "flow_state_expired"),
            Self::BadVerifier => (StatusCode::BAD_REQUEST, "bad_code_verifier"),
            Self::NotOffered(_) => (StatusCode::NOT_IMPLEMENTED, "not_implemented"),
            Self::Starting => (StatusCode::SERVICE_UNAVAILABLE, "unexpected_failure"),
            Self::Database { .. } | Self::Internal => {
                (StatusCode::INTERNAL_SERVER_ERROR, "unexpected_failure")
            }
        }
    }

    pub(super) fn code(&self) -> &'static str {
        self.status_and_code().1
    }

    fn body(&self, newer_form: bool) -> Value {
        let (status, code) = self.status_and_code();
        let mut body = match self {
            Self::Database {
                by_rule: Some(rule),
                ..
            } if !newer_form => return rule.clone(),
            _ if newer_form => json!({ "code": code, "message": self.to_string() }),
            _ => json!({ "code": status.as_u16(), "error_code": code, "msg": self.to_string() }),
        };
        if let Self::WeakPassword { reasons, .. } = self {
            body["weak_password"] = json!({ "reasons": reasons });
        }
        body
    }
}

/// In the older form; [`in_the_form_asked_for`] may write it anew.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code) = self.status_and_code();
        let body = axum::Json(self.body(false));
        let mut response = (status, [("x-sb-error-code", code)], body).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes refusals as `X-Supabase-Api-Version` of the request asks.
pub(super) async fn in_the_form_asked_for(request: Request, next: Next) -> Response {
    let newer_form = asks_for_newer_form(request.headers());
    let response = next.run(request).await;
    let Some(refusal) = response.extensions().get::<Refusal>() else {
        return response;
    };
    if !newer_form {
        return response;
    }
    let body = axum::Json(refusal.body(true));
    let version = [(API_VERSION, HeaderValue::from_static(NEWER_FORM))];
    let code = [("x-sb-error-code", refusal.code())];
    (response.status(), version, code, body).into_response()
}

/// Dates of this form are in order as text.
fn asks_for_newer_form(headers: &HeaderMap) -> bool {
    let version = headers.get(API_VERSION).and_then(|date| date.to_str().ok());
    version.is_some_and(|date| date.len() == NEWER_FORM.len() && date >= NEWER_FORM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_has_two_forms() {
        let refusal = Refusal::InvalidCredentials;
        assert_eq!(
            refusal.body(false),
            json!({ "code": 400, "error_code": "invalid_credentials", "msg": "Invalid login credentials" })
        );
        assert_eq!(
            refusal.body(true),
            json!({ "code": "invalid_credentials", "message": "Invalid login credentials" })
        );
    }

    #[test]
    fn newer_form_is_asked_for_by_a_date() {
        let asks = |date: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(API_VERSION, HeaderValue::from_static(date));
            asks_for_newer_form(&headers)
        };
        assert!(asks("2024-01-01") && asks("2025-06-30"));
        assert!(!asks("2023-12-31") && !asks("newest") && !asks_for_newer_form(&HeaderMap::new()));
    }
}
